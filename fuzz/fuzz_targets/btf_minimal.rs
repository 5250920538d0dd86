//! `skep_btf::fuzz::minimal` on any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| skep_btf::fuzz::minimal(bytes));
