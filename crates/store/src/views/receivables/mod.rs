//! Receivables on screen: agings from totals, the items behind them, what settles what, and how much the rules did.

mod aging;
mod applications;
mod items;
mod payments;
mod rates;
mod refunds;
mod transfers;

pub use aging::{aging, of_customer};
pub use applications::{applications_of_customer, settlement};
pub use items::{Filter, find, list, of_ids};
pub use payments::{Suggested, bank_line, customer_of, live_version, suggested};
pub use rates::rates;
pub use refunds::{refunds_payable, refunds_payable_totals};
pub use transfers::transfers_of_customer;
