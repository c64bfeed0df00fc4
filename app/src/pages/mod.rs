//! One module per route: a page reads the URL, opens resources, composes components.

mod approvals;
mod audit;
mod batch;
mod batches;
mod calendars;
mod cash;
mod connections;
mod document;
mod documents;
mod exception;
mod exceptions;
mod grants;
mod home;
mod inbox;
mod jobs;
mod login;
mod mappings;
mod not_found;
mod reconciliation;
mod replays;
mod upload;
mod users;

pub use approvals::ApprovalsPage;
pub use audit::AuditPage;
pub use batch::BatchPage;
pub use batches::BatchesPage;
pub use calendars::CalendarsPage;
pub use cash::{
    BankAccountPage, BankAccountsPage, CashPage, ClearingPage, CollectionsPage, CustomerPage, DailyPage, MovementsPage, OpenItemsPage,
    ReceivablesPage, RulesPage, StatementPage, UnmaskedPage, WorkbenchPage,
};
pub use connections::ConnectionsPage;
pub use document::DocumentPage;
pub use documents::DocumentsPage;
pub use exception::ExceptionPage;
pub use exceptions::ExceptionsPage;
pub use home::HomePage;
pub use inbox::InboxPage;
pub use jobs::JobsPage;
pub use login::LoginPage;
pub use mappings::MappingsPage;
pub use not_found::NotFound;
pub use reconciliation::ReconciliationPage;
pub use replays::{ReplayPage, ReplaysPage};
pub use upload::UploadPage;
pub use users::UsersPage;
