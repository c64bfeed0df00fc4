//! The server from outside: requests in, answers out, on a database of its own.

mod api;
mod batches;
mod demo;
mod guards;
mod pages;
mod sessions;
mod world;
