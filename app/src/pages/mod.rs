//! One module per route: a page reads the URL, opens resources, composes components.

mod login;
mod not_found;
mod users;

pub use login::LoginPage;
pub use not_found::NotFound;
pub use users::UsersPage;
