#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| statements_fuzz::check(statements::read(bytes)));
