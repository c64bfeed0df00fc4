//! Adyen: webhooks verified and read, settlement details reports downloaded and read. There is no list of movements to pull:
//! a batch's report is the settlement, and the webhook `REPORT_AVAILABLE` says where it lies.
//! Source keys **[OAS]**, **[NODE]**, **[CSV]**, **U** are those of the contract reference: webhook OpenAPI, Adyen's Node
//! library, public parsers of the report, unverified.

mod download;
pub mod report;
mod row;
pub mod webhook;

pub use download::{Adyen, Config};
