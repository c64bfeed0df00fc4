//! People, roles, sessions, API keys and the audit log.

pub mod api_keys;
pub mod audit;
pub mod grants;
pub mod sessions;
pub mod throttle;
pub mod users;
