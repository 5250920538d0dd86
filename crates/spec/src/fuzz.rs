//! What fuzzing drives: functions of any bytes that must neither panic nor take long.
//!
//! Coverage-guided fuzzers call these; so does a test with seeded random bytes, on every machine.

use crate::asm::assemble;
use crate::decode::decode as decode_bytes;
use crate::disasm::Listing;
use crate::encode::encode;

/// Decodes; what decodes must encode to the same bytes and read back from its text.
pub fn decode(bytes: &[u8]) {
    let Ok(code) = decode_bytes(bytes) else { return };
    assert_eq!(encode(&code), bytes, "decode: encodes to other bytes");
    let text = Listing::new(&code).labels().source().to_string();
    assert_eq!(assemble(&text), Ok(code), "disasm: reads back as other code: {text}");
}

/// Assembles; what assembles must decode from its bytes.
pub fn asm(bytes: &[u8]) {
    let Ok(code) = assemble(&String::from_utf8_lossy(bytes)) else { return };
    assert_eq!(decode_bytes(&encode(&code)), Ok(code), "encode: decodes to other code");
}
