//! Classic filters on the packets of a capture, as tcpdump runs them: on the bytes that the file
//! has, from the link header on.
//!
//! ```
//! use skep::capture::{Frame, LinkType};
//! use skep::filter::CaptureFilter;
//! use skep::replay::Tally;
//! use skep::spec::classic::{self, Rules};
//!
//! let insns = classic::assemble("ldh [12]\njeq #0x806, keep\nret #0\nkeep: ret #262144")?;
//! let filter = classic::check(&classic::encode(&insns), Rules::Socket)?;
//! let mut frame = [0; 60];
//! frame[12..14].copy_from_slice(&[8, 6]);
//! let frame = Frame { timestamp_ns: 0, link: LinkType::ETHERNET, data: &frame, wire_len: 60 };
//!
//! let mut tally = Tally::default();
//! let filters = [CaptureFilter::interpret(filter.clone()), CaptureFilter::load(&skep::user(), &filter)?];
//! for filter in &filters {
//!     assert_eq!(filter.run(&frame, &mut tally)?.map(|verdict| verdict.goes_on()), Some(true));
//! }
//! assert_eq!(tally.packets, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod link;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use skep_command::prog::{Captured, ProgLoad, Semantics, TestRun};
use skep_command::{Engine, EngineKind, Errno};
use skep_spec::abi::ProgType;
use skep_spec::classic::translate::{Translated, translate};
use skep_spec::classic::{Filter, Skb};

use crate::capture::Frame;
use crate::error::{Error, Result};
use crate::handle::Owned;
use crate::replay::Tally;
use crate::verdict::Verdict;

/// A classic filter, ready to run.
#[derive(Debug)]
pub struct CaptureFilter {
    how: How,
}

/// Who runs it.
#[derive(Debug)]
enum How {
    /// The interpreter of classic filters.
    Interpreted {
        filter: Filter,
        /// The state of its random numbers: the same run gives the same result, each time.
        random: Cell<u32>,
    },
    /// An engine, the filter being translated.
    Loaded(Owned),
}

impl CaptureFilter {
    /// A filter for the interpreter of classic filters.
    pub fn interpret(filter: Filter) -> CaptureFilter {
        CaptureFilter { how: How::Interpreted { filter, random: Cell::new(1) } }
    }

    /// A filter, translated to eBPF and loaded on an engine.
    ///
    /// The kernel gives a socket filter in a test run the network header for its first byte. There
    /// the same program is loaded for traffic control, which sees the link header.
    ///
    /// # Errors
    ///
    /// If it asks for something that eBPF programs cannot learn, or the engine refuses.
    pub fn load(engine: &Arc<dyn Engine>, filter: &Filter) -> Result<CaptureFilter> {
        let Translated { prog_type, code } = translate(filter)?;
        let prog_type = match engine.kind() {
            EngineKind::Linux => ProgType::SchedCls,
            EngineKind::User => prog_type,
        };
        let load = ProgLoad::new("filter", prog_type, &code);
        let loaded = engine.prog_load(&load)?;
        Ok(CaptureFilter { how: How::Loaded(Owned::new(engine, loaded.handle)) })
    }

    /// Runs the filter on a frame and counts what it said. `None` where the engine does not run
    /// programs on such a frame, which is counted too.
    ///
    /// # Errors
    ///
    /// Whatever else the engine refuses for.
    pub fn run(&self, frame: &Frame<'_>, tally: &mut Tally) -> Result<Option<Verdict>> {
        let captured = link::captured(frame);
        let (retval, duration_ns) = match &self.how {
            How::Interpreted { filter, random } => {
                let start = Instant::now();
                let retval = filter.run(&skb(frame, captured), &mut || next_random(random));
                (retval, u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX))
            }
            How::Loaded(program) => match test_run(program, frame, captured) {
                Ok((retval, duration_ns)) => (retval, duration_ns.into()),
                Err(Error::Command(error)) if error.errno == Errno::EINVAL => {
                    *tally.refused.entry(error.what).or_default() += 1;
                    return Ok(None);
                }
                Err(error) => return Err(error),
            },
        };
        let verdict = Verdict::new(ProgType::SocketFilter, retval);
        tally.count(verdict, duration_ns);
        Ok(Some(verdict))
    }
}

/// Runs a loaded filter; gives its return value and how long it took, in nanoseconds.
fn test_run(program: &Owned, frame: &Frame<'_>, captured: Captured) -> Result<(u32, u32)> {
    let run = TestRun {
        data: frame.data,
        data_out_capacity: 0,
        ctx: &[],
        repeat: 1,
        flags: 0,
        cpu: 0,
        semantics: match program.engine.kind() {
            EngineKind::User => Semantics::Capture(captured),
            EngineKind::Linux => Semantics::TestRun,
        },
    };
    let reply = program.engine.prog_test_run(program.handle, &run)?;
    Ok((reply.retval, reply.duration_ns))
}

/// A frame as the interpreter sees it: on no device.
fn skb<'a>(frame: &Frame<'a>, captured: Captured) -> Skb<'a> {
    Skb {
        network_off: captured.network_off as usize,
        len: captured.wire_len,
        protocol: captured.protocol,
        pkt_type: captured.pkt_type,
        ..Skb::new(frame.data)
    }
}

/// The next random number (xorshift32).
fn next_random(state: &Cell<u32>) -> u32 {
    let mut number = state.get();
    number ^= number << 13;
    number ^= number >> 17;
    number ^= number << 5;
    state.set(number);
    number
}
