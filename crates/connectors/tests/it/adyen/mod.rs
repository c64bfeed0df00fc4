//! Adyen: the report row by row, and the way of a report from the webhook to a batch that ties.

mod batches;
mod report;
