//! `skep_btf::fuzz::dedup` on any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| skep_btf::fuzz::dedup(bytes));
