//! Nothing lost, nothing doubled: worker processes post to an ERP while answers are dropped after it committed, requests arrive
//! after we gave up, it throttles and fails, and the workers are killed, and stopped past their lease and continued. The ERP's
//! own ledger is the evidence; 5,000 documents against the NetSuite simulator, 100 against a real Odoo. And PostgreSQL goes away in
//! the middle of it.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod company;
mod ledger;
mod netsuite;
mod odoo;
mod proxy;
mod restart;
mod workers;
