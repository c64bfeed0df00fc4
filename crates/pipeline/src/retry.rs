//! Serialisation failures are retried here and nowhere else.

use std::ops::ControlFlow;
use store::{Error, Result, Tx};

/// Tries of one transaction before its failure is an error.
const TRIES: u32 = 8;

/// Runs the body in a transaction and commits; runs it again when the database could not order it with another.
/// The body must have no effect outside its transaction. `transaction!(pool, |tx| { …; Ok(value) })` is a
/// `store::Result`. A macro, because the future of an async closure that borrows its transaction is not `Send` for the
/// compiler (rust-lang/rust#110338).
macro_rules! transaction {
    ($pool:expr, |$tx:ident| $body:expr) => {{
        let mut tries = 0;
        loop {
            let mut transaction = match $pool.begin().await {
                Ok(transaction) => transaction,
                Err(error) => break Err(store::Error::from(error)),
            };
            let done: store::Result<_> = {
                let $tx = &mut transaction;
                async { $body }.await
            };
            match $crate::retry::settle(transaction, done, &mut tries).await {
                std::ops::ControlFlow::Break(done) => break done,
                std::ops::ControlFlow::Continue(()) => {}
            }
        }
    }};
}
pub(crate) use transaction;

/// Commits or rolls back; says whether to try again.
pub(crate) async fn settle<T>(tx: Tx, done: Result<T>, tries: &mut u32) -> ControlFlow<Result<T>> {
    let done = match done {
        Ok(value) => tx.commit().await.map(|()| value).map_err(Error::from),
        Err(error) => {
            // the connection may be gone; what matters is the first error
            let _ = tx.rollback().await;
            Err(error)
        }
    };
    *tries += 1;
    match done {
        Err(Error::Serialization) if *tries < TRIES => {
            tokio::time::sleep(std::time::Duration::from_millis(10 << *tries)).await;
            ControlFlow::Continue(())
        }
        done => ControlFlow::Break(done),
    }
}
