//! The connector against a real Odoo 19 (`scripts/odoo up`). Each test is a trap that Odoo sets, and fails without the care
//! that the connector takes. Numbers are new in every run, so that the ledger may be as full as it likes.

#![expect(clippy::unwrap_used, reason = "a test that can't go on says so by failing")]

mod lab;
mod pay;
mod post;
mod read;
mod refuse;
mod settle;
