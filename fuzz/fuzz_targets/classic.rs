//! `skep_spec::fuzz::classic` on any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| skep_spec::fuzz::classic(bytes));
