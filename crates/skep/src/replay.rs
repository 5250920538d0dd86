//! Running a program over the packets of a capture.

use std::collections::BTreeMap;

use skep_command::Errno;
use skep_command::prog::{Semantics, TestRun, TestRunReply};
use skep_spec::abi::ProgType;

use crate::capture::Frame;
use crate::error::{Error, Result};
use crate::program::Program;
use crate::verdict::Verdict;

/// Room for a packet that grew: more than any helper can make of the longest packet.
const GROWTH: usize = 4096;

/// Whether programs of a type run on packets of a capture.
pub fn takes_packets(prog_type: ProgType) -> bool {
    matches!(
        prog_type,
        ProgType::Xdp | ProgType::SchedCls | ProgType::SchedAct | ProgType::SocketFilter
    )
}

/// How packets are run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// How often each packet is run; 0 and 1 are once.
    pub repeat: u32,
    /// How packets are treated where the kernel's test run and a device differ.
    pub semantics: Semantics,
}

/// What a program did with the packets so far.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many packets it ran on.
    pub packets: u64,
    /// How many packets got each verdict.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// How many packets the engine would not run the program on, by its reason.
    pub refused: BTreeMap<String, u64>,
    /// Time spent in the program over all packets, in nanoseconds, one run each.
    pub duration_ns: u64,
}

impl Tally {
    /// Counts a packet.
    pub(crate) fn count(&mut self, verdict: Verdict, duration_ns: u64) {
        self.packets += 1;
        *self.verdicts.entry(verdict).or_default() += 1;
        self.duration_ns += duration_ns;
    }

    /// Average time for a packet, in nanoseconds.
    pub fn ns_per_packet(&self) -> f64 {
        if self.packets == 0 {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "an average for people to read")]
        let average = self.duration_ns as f64 / self.packets as f64;
        average
    }
}

/// A program's answer to one packet.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The verdict.
    pub verdict: Verdict,
    /// The packet as the program left it.
    pub data: Vec<u8>,
}

/// Runs a program on one frame and counts what it said. `None` where the engine does not run the
/// program on such a frame, which is counted too.
///
/// # Errors
///
/// A fault of the program, or whatever else the engine refuses for.
pub fn run_frame(
    program: &Program,
    frame: &Frame<'_>,
    options: &Options,
    tally: &mut Tally,
) -> Result<Option<Answer>> {
    let run = TestRun {
        data: frame.data,
        data_out_capacity: frame.data.len() + GROWTH,
        ctx: &[],
        repeat: options.repeat,
        flags: 0,
        cpu: 0,
        semantics: options.semantics,
    };
    match program.test_run(&run) {
        Ok(TestRunReply { retval, duration_ns, data, ctx: _ }) => {
            let verdict = Verdict::new(program.prog_type(), retval);
            tally.count(verdict, duration_ns.into());
            Ok(Some(Answer { verdict, data }))
        }
        Err(Error::Command(error)) if error.errno == Errno::EINVAL => {
            *tally.refused.entry(error.what).or_default() += 1;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
