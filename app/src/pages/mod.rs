//! One module per route: a page reads the URL, opens resources, composes components.

mod batch;
mod batches;
mod document;
mod documents;
mod login;
mod not_found;
mod upload;
mod users;

pub use batch::BatchPage;
pub use batches::BatchesPage;
pub use document::DocumentPage;
pub use documents::DocumentsPage;
pub use login::LoginPage;
pub use not_found::NotFound;
pub use upload::UploadPage;
pub use users::UsersPage;
