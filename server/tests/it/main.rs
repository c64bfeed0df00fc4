//! The server from outside: requests in, answers out, on a database of its own.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod adyen;
mod api;
mod batches;
mod company;
mod demo;
mod endpoint;
mod guards;
mod live;
mod pages;
mod sessions;
mod statements;
mod webhooks;
mod world;
