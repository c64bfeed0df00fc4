//! Adyen: the report row by row.

mod report;
