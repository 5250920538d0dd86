//! Reads any bytes as a capture, to the end or to the first error.
#![no_main]

use skep::capture::Reader;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(mut reader) = Reader::new(bytes) else { return };
    while let Some(Ok(frame)) = reader.next_frame() {
        std::hint::black_box(frame.data.len());
    }
});
