//! The frames that programs are compared on.

use skep::capture::Reader;

/// A frame and when it was captured.
pub(crate) struct Captured {
    pub(crate) timestamp_ns: u64,
    pub(crate) data: Vec<u8>,
}

/// Lengths around the edges of headers, of the shortest and the longest frame that a test run
/// takes as one piece, and of a page.
const LENGTHS: [usize; 16] =
    [14, 15, 18, 33, 34, 35, 53, 54, 55, 60, 64, 1514, 2047, 2049, 3519, 3520];

/// Every this many-th frame is also run at other lengths.
const STRIDE: usize = 40;

/// All frames of the sample capture that a test run takes, then some of them cut short or made
/// longer.
pub(crate) fn frames() -> Vec<Captured> {
    let path = testkit::root().join("tests/captures/sample.pcap");
    let bytes = crate::read(&path);
    let mut reader = Reader::new(bytes.as_slice()).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame() {
        let frame = frame.unwrap();
        assert!((14..=3520).contains(&frame.data.len()));
        frames.push(Captured { timestamp_ns: frame.timestamp_ns, data: frame.data.to_vec() });
    }
    assert!(frames.len() > 500, "the sample capture has {} frames", frames.len());
    let last_ns = frames.last().map_or(0, |frame| frame.timestamp_ns);
    let resized: Vec<Captured> = frames
        .iter()
        .step_by(STRIDE)
        .flat_map(|frame| LENGTHS.map(|length| resize(&frame.data, length)))
        .zip(last_ns..)
        .map(|(data, timestamp_ns)| Captured { timestamp_ns, data })
        .collect();
    frames.extend(resized);
    frames
}

/// The frame at another length; what is added counts up, so that no two bytes nearby are equal.
fn resize(data: &[u8], length: usize) -> Vec<u8> {
    let padding = (0u8..=255).cycle();
    data.iter().copied().chain(padding).take(length).collect()
}
