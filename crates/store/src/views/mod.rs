//! Read models for screens and API. Figures come from totals, lists page by key; nothing here counts a live table.

pub mod audit;
pub mod batches;
pub mod documents;
pub mod exceptions;
pub mod home;
pub mod intakes;
