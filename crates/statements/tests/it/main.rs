//! One binary: the corpus of real files, fixtures of our own, and statements that are written at random and read back.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod bai2;
mod camt;
mod corpus;
mod csv;
mod json;
mod mt940;
mod random;
mod yaml;

use statements::{BankFile, Fault, ReadError, Statement, read_all};

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

fn read(bytes: &[u8]) -> BankFile {
    read_all(bytes).unwrap_or_else(|error| panic!("{error}"))
}

fn fault(bytes: &[u8]) -> Fault {
    match read_all(bytes) {
        Err(ReadError::Refused(fault)) => fault,
        other => panic!("not refused: {other:?}"),
    }
}

/// `account opening + sum = closing`, for a look at a statement in one line.
fn summary(statement: &Statement) -> String {
    let balance =
        |balance: &Option<statements::Balance>| balance.map_or("-".to_owned(), |b| format!("{} {} {}", b.amount, b.currency, b.date));
    let proof = match (statement.balanced, statement.difference) {
        (Some(true), _) => "balanced".to_owned(),
        (_, Some(difference)) => format!("off by {difference}"),
        (Some(false), None) => "currencies differ".to_owned(),
        (None, None) => "unprovable".to_owned(),
    };
    format!("{}: {} + {} = {}: {proof}", statement.account, balance(&statement.opening), statement.sum, balance(&statement.closing))
}

fn amounts(statement: &Statement) -> Vec<String> {
    statement.lines.iter().map(|line| line.amount.to_string()).collect()
}
