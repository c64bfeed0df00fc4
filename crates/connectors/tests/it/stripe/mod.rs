//! Stripe: pulled, told and asked over HTTP, with the simulator's balance as the evidence.

mod clearing;
mod keys;
mod pages;
mod webhooks;
mod world;
