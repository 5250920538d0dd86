//! What programs compute, and how each rule's nearest offender fails.

mod kernel;
mod random;

use std::collections::BTreeMap;
use std::sync::Arc;

use skep_spec::Code;
use skep_spec::abi::ProgType;
use skep_spec::asm::assemble;

use crate::context::{Context, SkbContext, XdpContext};
use crate::fault::{Fault, FaultKind};
use crate::memory::{Access, Block, Span};
use crate::packet::Packet;
use crate::program::{HelperFn, Helpers, LoadErrorKind, NewProgram, Program};
use crate::run::Run;
use crate::world::{Cpu, FixedWorld};

/// Sixteen bytes of a packet or of memory: 0x10, 0x11, … 0x1f.
fn sixteen() -> Vec<u8> {
    (0x10..0x20).collect()
}

fn own_helpers() -> Helpers {
    let helpers: [(i32, HelperFn); 3] = [
        (1, |_, [a, b, c, d, e]| Ok(a + b + c + d + e)),
        (2, |run, [func, times, ..]| {
            (0..times).try_fold(0, |sum, i| Ok(sum + run.call_back(func, [i, 0, 0, 0, 0])?))
        }),
        (5, |_, [a, ..]| Ok(a)),
    ];
    Helpers::Own { helpers: BTreeMap::from(helpers), unwind: Some(5) }
}

fn load(prog_type: ProgType, code: &Code) -> Result<Arc<Program>, LoadErrorKind> {
    let new = NewProgram {
        id: 1,
        name: "test",
        prog_type,
        expected_attach_type: None,
        license: "GPL",
        code,
        helpers: if prog_type == ProgType::Syscall { own_helpers() } else { Helpers::Linux },
    };
    Program::load(&new, &|_| None).map_err(|error| error.kind)
}

/// Runs a program with a context that fits its type: a frame of [`sixteen`] bytes, or the address
/// of as many bytes in `r1` and their number in `r2`.
fn run(prog_type: ProgType, text: &str) -> Result<u64, Fault> {
    let code = assemble(text).unwrap();
    let program = load(prog_type, &code).unwrap();
    let packet = Packet::new(64, &sixteen(), 64);
    let memory = Arc::new(Block::zeroed(16));
    memory.range(0, 16).unwrap().copy_from(&sixteen());
    let context = match prog_type {
        ProgType::Xdp => Context::Xdp(XdpContext::new(packet, 1)),
        ProgType::SchedCls | ProgType::SocketFilter => {
            let mut skb = SkbContext::new(packet, 0, 14);
            skb.mark = 0x0102_0304;
            skb.protocol = 0x0800;
            Context::Skb(Box::new(skb))
        }
        _ => Context::Plain([memory.addr(), 16]),
    };
    let world = FixedWorld::new(0, 1);
    let mut run = Run::new(&world, Cpu(0), program, context);
    run.set_instruction_limit(30_000_000);
    run.lend(Span::of_block(&memory, Access::ReadWrite));
    run.start()
}

#[track_caller]
fn check(prog_type: ProgType, text: &str, expected: u64) {
    assert_eq!(run(prog_type, text).map_err(|fault| fault.to_string()), Ok(expected));
}

/// A program over plain memory computes this.
#[track_caller]
fn gives(text: &str, expected: u64) {
    check(ProgType::Syscall, text, expected);
}

/// A program over plain memory fails at this slot, with a message that contains this.
#[track_caller]
fn fails(text: &str, at: u32, message: &str) {
    fails_as(ProgType::Syscall, text, at, message);
}

#[track_caller]
fn fails_as(prog_type: ProgType, text: &str, at: u32, message: &str) {
    let fault = run(prog_type, text).unwrap_err();
    assert_eq!(fault.at().map(|at| at.0), Some(at), "{fault}");
    assert!(fault.to_string().contains(message), "{fault}");
}

#[test]
fn arithmetic() {
    gives("r0 = 7\nr0 *= 6\nexit", 42);
    gives("w0 = -1\nexit", 0xffff_ffff);
    gives("r0 = -1\nexit", u64::MAX);
    gives("r0 = 1\nr0 <<= 40\nw0 += 1\nexit", 1);
    gives("r0 = -7\nr0 s/= 2\nexit", (-3i64).cast_unsigned());
    gives("r0 = 0x123456789abcdef0 ll\nexit", 0x1234_5678_9abc_def0);
    gives("r0 = 0x1234\nr0 = be16 r0\nexit", 0x3412);
    gives("r1 = 0x80\nr0 = (s8)r1\nexit", (-128i64).cast_unsigned());
    gives("r1 = 0x80\nw0 = (s8)w1\nexit", 0xffff_ff80);
    gives("r0 = 3\nr0 = -r0\nexit", (-3i64).cast_unsigned());
    gives("r0 = 7\nr1 = 0\nr0 /= r1\nexit", 0);
    gives("r0 = 7\nr1 = 0\nr0 %= r1\nexit", 7);
}

#[test]
fn jumps() {
    gives("r0 = 0\nagain:\nr0 += 1\nif r0 < 10 goto again\nexit", 10);
    gives("r0 = 1\ngotol over\nr0 = 2\nover:\nexit", 1);
    gives("r0 = 0\nr1 = -1\nif w1 s< 0 goto yes\nexit\nyes:\nr0 = 1\nexit", 1);
    gives("r0 = 0\nagain:\nr0 += 1\nmay_goto out\ngoto again\nout:\nexit", 8 * 1024 * 1024 + 1);
}

#[test]
fn stack() {
    gives("*(u64 *)(r10 -8) = 5\nr0 = *(u64 *)(r10 -8)\nexit", 5);
    gives("*(u64 *)(r10 -512) = 5\nr0 = *(u64 *)(r10 -512)\nexit", 5);
    gives("r0 = *(u64 *)(r10 -64)\nexit", 0);
    fails("*(u64 *)(r10 -513) = 5\nr0 = 0\nexit", 0, "1 byte before the stack frame");
    fails("*(u64 *)(r10 -7) = 5\nr0 = 0\nexit", 0, "1 byte past the end of the stack frame");
    fails("r0 = 0\n*(u8 *)(r10 +0) = 5\nexit", 1, "past the end of the stack frame");
}

#[test]
fn memory() {
    gives("r0 = *(u8 *)(r1 +15)\nexit", 0x1f);
    gives("r0 = *(u16 *)(r1 +0)\nexit", 0x1110);
    gives("r0 = *(u32 *)(r1 +1)\nexit", 0x1413_1211);
    gives("*(u8 *)(r1 +0) = 0xf0\nr0 = *(s8 *)(r1 +0)\nexit", (-16i64).cast_unsigned());
    gives("r2 = 0x12345678\n*(u16 *)(r1 +0) = r2\nr0 = *(u32 *)(r1 +0)\nexit", 0x1312_5678);
    fails("r0 = *(u8 *)(r1 +16)\nexit", 0, "1 byte past the end of the memory passed");
    fails("r0 = *(u16 *)(r1 +15)\nexit", 0, "1 byte past the end of the memory passed");
    fails("r0 = *(u8 *)(r1 -1)\nexit", 0, "1 byte before the memory passed");
    fails("r1 = 0\nr0 = *(u8 *)(r1 +4)\nexit", 1, "a null pointer");
    fails("r1 = -8\nr0 = *(u64 *)(r1 +4)\nexit", 1, "the program has no memory there");
}

#[test]
fn atomics() {
    gives("r2 = 5\nlock *(u64 *)(r1 +8) += r2\nr0 = *(u64 *)(r1 +8)\nexit", 0x1f1e_1d1c_1b1a_191d);
    gives("r0 = 1\nr0 = atomic64_fetch_add((u64 *)(r1 +0), r0)\nexit", 0x1716_1514_1312_1110);
    gives("r0 = 1\nr2 = 9\nr0 = atomic_cmpxchg((u32 *)(r1 +0), r0, r2)\nexit", 0x1312_1110);
    gives("r2 = 9\nr2 = atomic_xchg((u32 *)(r1 +4), r2)\nr0 = r2\nexit", 0x1716_1514);
    gives("r0 = load_acquire((u32 *)(r1 +4))\nexit", 0x1716_1514);
    gives("r2 = 1\nstore_release((u8 *)(r1 +1), r2)\nr0 = *(u16 *)(r1 +0)\nexit", 0x0110);
    fails("r2 = 5\nlock *(u64 *)(r1 +4) += r2\nr0 = 0\nexit", 1, "is not aligned");
    fails("r2 = 5\nlock *(u64 *)(r1 +16) += r2\nr0 = 0\nexit", 1, "past the end");
    fails("r0 = load_acquire((u32 *)(r1 +2))\nexit", 0, "is not aligned");
}

#[test]
fn calls() {
    gives("r6 = 1\nr1 = 2\ncall f\nr0 += r6\nexit\nf:\nr6 = 100\nr0 = r1\nr0 += r6\nexit", 103);
    // The callee's frame is its own, and the caller's can be reached through a pointer.
    gives(
        "*(u64 *)(r10 -8) = 1\nr1 = r10\ncall f\nr0 = *(u64 *)(r10 -8)\nexit\n\
         f:\n*(u64 *)(r10 -8) = 2\nr2 = *(u64 *)(r1 -8)\nr2 += 2\n*(u64 *)(r1 -8) = r2\nexit",
        3,
    );
    // But not the callee's after its return.
    fails(
        "r1 = 0\ncall f\nr0 = *(u64 *)(r0 -8)\nexit\nf:\nr0 = r10\nexit",
        2,
        "past the end of the stack frame of the main function",
    );
    let deep = |depth| {
        format!(
            "r1 = {depth}\ncall f\nexit\nf:\nr0 = r1\nif r1 == 0 goto out\nr1 += -1\ncall f\nout:\nexit"
        )
    };
    gives(&deep(6), 0);
    fails(&deep(7), 6, "calls nest deeper than 8 frames");
}

#[test]
fn helpers() {
    gives("r1 = 1\nr2 = 2\nr3 = 3\nr4 = 4\nr5 = 5\ncall 1\nexit", 15);
    gives("r1 = subprog[f]\nr2 = 5\ncall 2\nexit\nf:\nr0 = r1\nexit", 10);
    gives("r1 = 7\ncall 5\nr0 += 1\nexit", 8);
    gives("r1 = 0\ncall 5\nr0 += 1\nexit", 0);
    gives("call f\nr0 = 9\nexit\nf:\nr1 = 0\ncall 5\nexit", 0);
    gives("r1 = -1\nr2 = 5\ncallx r2\nr0 = 2\nexit", 2);
    gives("r6 = subprog[f]\nr1 = 4\ncallx r6\nexit\nf:\nr0 = r1\nr0 *= 2\nexit", 8);
    fails("r2 = 6\ncallx r2\nexit", 1, "call of 0x6, which is no function");
    fails("r1 = 6\nr2 = 1\ncall 2\nexit", 2, "call of 0x6, which is no function");
    // A function's address is no memory.
    fails("r6 = subprog[f]\nr0 = *(u8 *)(r6 +0)\nexit\nf:\nr0 = 0\nexit", 2, "read of 1 byte");
}

#[test]
fn limit() {
    let fault = run(ProgType::Syscall, "again:\ngoto again").unwrap_err();
    assert_eq!(fault.kind(), &FaultKind::InstructionLimit(30_000_000));
}

#[test]
fn xdp_context() {
    let xdp = |text, expected| check(ProgType::Xdp, text, expected);
    xdp("r2 = *(u32 *)(r1 +0)\nr0 = *(u8 *)(r2 +15)\nexit", 0x1f);
    xdp("r2 = *(u32 *)(r1 +0)\nr3 = *(u32 *)(r1 +4)\nr0 = r3\nr0 -= r2\nexit", 16);
    xdp("r2 = *(u32 *)(r1 +8)\nr3 = *(u32 *)(r1 +0)\nr0 = r3\nr0 -= r2\nexit", 0);
    xdp("r0 = *(u32 *)(r1 +12)\nexit", 1);
    let fails = |text, at, message| fails_as(ProgType::Xdp, text, at, message);
    fails("r2 = *(u32 *)(r1 +0)\nr0 = *(u8 *)(r2 +16)\nexit", 1, "past the end of the packet");
    fails("r2 = *(u32 *)(r1 +0)\nr0 = *(u8 *)(r2 -1)\nexit", 1, "before the packet");
    fails("r0 = *(u64 *)(r1 +0)\nexit", 0, "read of 8 bytes at offset 0 of struct xdp_md");
    fails("r0 = *(u32 *)(r1 +24)\nexit", 0, "offset 24 of struct xdp_md");
    fails("r0 = 0\n*(u32 *)(r1 +12) = r0\nexit", 1, "write of 4 bytes at offset 12");
    fails("r6 = r1\nr0 = *(u8 *)skb[0]\nexit", 1, "no socket buffer");
}

#[test]
fn skb_context() {
    let tc = |text, expected| check(ProgType::SchedCls, text, expected);
    tc("r0 = *(u32 *)(r1 +0)\nexit", 16);
    tc("r0 = *(u32 *)(r1 +8)\nexit", 0x0102_0304);
    tc("r0 = *(u8 *)(r1 +9)\nexit", 0x03);
    tc("r0 = *(u16 *)(r1 +10)\nexit", 0x0102);
    tc("r0 = *(u32 *)(r1 +16)\nexit", 0x0008);
    tc(
        "r2 = 0x1122334455667788 ll\n*(u64 *)(r1 +48) = r2\nr0 = *(u32 *)(r1 +52)\nexit",
        0x1122_3344,
    );
    tc("*(u32 *)(r1 +8) = 7\nr0 = *(u32 *)(r1 +8)\nexit", 7);
    tc("r2 = *(u32 *)(r1 +76)\n*(u8 *)(r2 +0) = 1\nr0 = *(u8 *)(r2 +0)\nexit", 1);
    let fails = |text, at, message| fails_as(ProgType::SchedCls, text, at, message);
    fails("*(u32 *)(r1 +0) = 7\nr0 = 0\nexit", 0, "write of 4 bytes at offset 0");
    fails("*(u16 *)(r1 +8) = 7\nr0 = 0\nexit", 0, "write of 2 bytes at offset 8");
    fails_as(ProgType::SocketFilter, "r0 = *(u32 *)(r1 +76)\nexit", 0, "offset 76");
}

#[test]
fn legacy_packet_loads() {
    let filter = |text, expected| check(ProgType::SocketFilter, text, expected);
    filter("r6 = r1\nr0 = *(u16 *)skb[2]\nexit", 0x1213);
    filter("r6 = r1\nr7 = 2\nr0 = *(u32 *)skb[r7 + 10]\nexit", 0x1c1d_1e1f);
    // Past the end: the program ends with 0.
    filter("r6 = r1\nr0 = *(u32 *)skb[13]\nr0 = 5\nexit", 0);
    filter("r6 = r1\ncall f\nr0 += 7\nexit\nf:\nr0 = *(u8 *)skb[16]\nr0 = 5\nexit", 7);
    fails_as(ProgType::SocketFilter, "r6 = 0\nr0 = *(u8 *)skb[0]\nexit", 1, "not the context");
}

#[test]
fn refused() {
    let refused = |text: &str, expected: LoadErrorKind| {
        let code = assemble(text).unwrap();
        assert_eq!(load(ProgType::Xdp, &code).unwrap_err(), expected, "{text}");
    };
    refused("r0 = 0\ngoto pc+1\nexit", LoadErrorKind::JumpOut { to: 3 });
    refused("r0 = 0\ngoto pc-3\nexit", LoadErrorKind::JumpOut { to: -1 });
    refused("goto pc+1\nr0 = 5 ll\nexit", LoadErrorKind::JumpIntoSecondSlot { to: 2 });
    refused("call pc+1\nexit", LoadErrorKind::JumpOut { to: 2 });
    refused("r0 = 0", LoadErrorKind::RunsOff);
    refused("exit\nif r0 == 0 goto pc-1", LoadErrorKind::RunsOff);
    refused("r10 = 0\nexit", LoadErrorKind::FramePointerWritten);
    refused("call 99999\nexit", LoadErrorKind::UnknownHelper { number: 99999 });
    refused("r0 = map[fd:3]\nexit", LoadErrorKind::NoMap { fd: 3 });
    assert_eq!(load(ProgType::Xdp, &Code::new()).unwrap_err(), LoadErrorKind::Empty);
}
