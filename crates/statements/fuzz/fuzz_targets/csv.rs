#![no_main]

use statements::{propose, read_csv};
use statements_fuzz::check;
use std::sync::LazyLock;

/// Of a bank whose profile was confirmed long ago.
static KNOWN: LazyLock<statements::ColumnProfile> = LazyLock::new(|| {
    propose("known", include_bytes!("../../tests/fixtures/comma.csv")).expect("the fixture is a table").profile
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(proposal) = propose("new", bytes) {
        check(read_csv(bytes, &proposal.profile, Some("1")));
    }
    check(read_csv(bytes, &KNOWN, None));
});
