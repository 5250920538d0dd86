//! `skep_object::fuzz::legacy_maps` on any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| skep_object::fuzz::legacy_maps(bytes));
