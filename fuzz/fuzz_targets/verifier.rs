//! `skep_verifier::fuzz::verifier` on any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| skep_verifier::fuzz::verifier(bytes));
