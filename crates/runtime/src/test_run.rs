//! `BPF_PROG_TEST_RUN`: a program on a packet that its caller made up.
//!
//! What Linux 6.18 does is in `net/bpf/test_run.c`; the limits and defaults here are its. A run with
//! [`Semantics::Device`] differs where a network device would.

mod skb;
mod xdp;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use skep_command::prog::{Semantics, TestRun, TestRunReply};
use skep_command::{EngineKind, Errno, Error, Result};
use skep_spec::abi::ProgType;

use crate::context::Context;
use crate::fault::{Fault, FaultKind};
use crate::program::Program;
use crate::run::Run;
use crate::world::{Cpu, World};

/// Bytes of an Ethernet header, which is the shortest frame.
const ETH_HLEN: usize = 14;

/// A page, which bounds what a test run takes.
const PAGE: usize = 4096;

/// What the kernel keeps free behind a packet for `struct skb_shared_info`.
const SHARED_INFO: usize = 320;

/// Where and how test runs happen.
pub(crate) struct Bench<'a> {
    pub(crate) world: &'a dyn World,
    pub(crate) cpu: Cpu,
    pub(crate) instruction_limit: u64,
}

/// What a test run gave, and how many instructions it took.
pub(crate) struct Outcome {
    pub(crate) reply: TestRunReply,
    pub(crate) executed: u64,
}

impl Bench<'_> {
    /// Runs a program on a packet.
    pub(crate) fn run(&self, program: &Arc<Program>, test: &TestRun<'_>) -> Result<Outcome> {
        match program.prog_type() {
            ProgType::Xdp => xdp::run(self, program, test),
            ProgType::SchedCls | ProgType::SchedAct | ProgType::SocketFilter => {
                skb::run(self, program, test)
            }
            other => {
                Err(refuse(Errno::ENOTSUPP, format!("programs of type {other} cannot be run"))
                    .with_help("run programs of types xdp, sched_cls, sched_act and socket_filter"))
            }
        }
    }

    /// Runs a program as often as asked, each time on what the last run left.
    fn repeat(
        &self,
        program: &Arc<Program>,
        context: Context,
        test: &TestRun<'_>,
    ) -> Result<Repeated> {
        let mut run = Run::new(self.world, self.cpu, Arc::clone(program), context);
        run.set_instruction_limit(self.instruction_limit);
        let times = test.repeat.max(1);
        let mut result = 0;
        let start = Instant::now();
        for _ in 0..times {
            result = run.start().map_err(|fault| failed(&fault))?;
        }
        let average = start.elapsed().as_nanos() / u128::from(times);
        #[expect(clippy::cast_possible_truncation, reason = "the value returned is 32 bits wide")]
        let retval = result as u32;
        Ok(Repeated {
            retval,
            duration_ns: u32::try_from(average).unwrap_or(u32::MAX),
            executed: run.executed(),
            context: run.into_context(),
        })
    }
}

/// What repeated runs gave.
struct Repeated {
    retval: u32,
    duration_ns: u32,
    executed: u64,
    context: Context,
}

impl Repeated {
    /// The answer, with the packet if there is room for it.
    fn answer(self, test: &TestRun<'_>, packet: Vec<u8>, ctx: Vec<u8>) -> Result<Outcome> {
        let (room, len) = (test.data_out_capacity, packet.len());
        if room > 0 && len > room {
            let what =
                format!("the packet has {len} bytes after the run, there is room for {room}");
            return Err(refuse(Errno::ENOSPC, what));
        }
        let data = if room == 0 { Vec::new() } else { packet };
        let (retval, duration_ns) = (self.retval, self.duration_ns);
        let reply = TestRunReply { retval, duration_ns, data, ctx };
        Ok(Outcome { reply, executed: self.executed })
    }
}

/// A refused test run.
fn refuse(errno: Errno, what: impl Into<String>) -> Error {
    Error::new(EngineKind::User, errno, format!("test run: {}", what.into()))
}

/// A run that ended with a fault.
fn failed(fault: &Fault) -> Error {
    let errno = match fault.kind() {
        FaultKind::InstructionLimit(_) => Errno::ETIME,
        FaultKind::Memory { .. }
        | FaultKind::Misaligned { .. }
        | FaultKind::Context { .. }
        | FaultKind::CallDepth(_)
        | FaultKind::NoFunction(_)
        | FaultKind::NoMap(_)
        | FaultKind::NoContext(_)
        | FaultKind::Helper(_)
        | FaultKind::RecordKept(_) => Errno::EFAULT,
    };
    Error::new(EngineKind::User, errno, fault.to_string())
}

/// Refuses a frame without an Ethernet header.
fn check_frame(len: usize) -> Result<()> {
    if len >= ETH_HLEN {
        return Ok(());
    }
    let what = format!("the frame has {len} bytes, an Ethernet header alone has {ETH_HLEN}");
    Err(refuse(Errno::EINVAL, what).with_help("a device takes shorter frames: --semantics device"))
}

/// A context structure that the caller gave, as `N` bytes: what is missing is zero, and what is too
/// much must be.
fn read_ctx<const N: usize>(given: &[u8]) -> Result<[u8; N]> {
    let (known, rest) = given.split_at(given.len().min(N));
    if given.len() > PAGE || rest.iter().any(|byte| *byte != 0) {
        let what = format!("the context has {} bytes, its structure has {N}", given.len());
        return Err(refuse(Errno::E2BIG, what));
    }
    let mut ctx = [0; N];
    ctx[..known.len()].copy_from_slice(known);
    Ok(ctx)
}

/// The word at a multiple of 4 in a context structure.
fn word<const N: usize>(ctx: &[u8; N], at: usize) -> u32 {
    let words = ctx.as_chunks::<4>().0;
    words.get(at / 4).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// Sets the word at a multiple of 4 in a context structure.
fn set_word<const N: usize>(ctx: &mut [u8; N], at: usize, value: u32) {
    if let Some(bytes) = ctx.as_chunks_mut::<4>().0.get_mut(at / 4) {
        *bytes = value.to_le_bytes();
    }
}

/// Whether a run is to be as on a device.
fn on_device(test: &TestRun<'_>) -> bool {
    match test.semantics {
        Semantics::TestRun => false,
        Semantics::Device | Semantics::Capture(_) => true,
    }
}
