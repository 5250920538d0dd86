//! How fast the checking interpreter is, on three small programs and against the same in Rust.
//!
//! `cargo run --release -p skep-runtime --example interpreter_speed`

use std::hint::black_box;
use std::sync::Arc;

use skep_command::Engine;
use skep_command::prog::{ProgLoad, Semantics, TestRun};
use skep_runtime::context::{Context, XdpContext};
use skep_runtime::memory::{Access, Block, Span};
use skep_runtime::packet::Packet;
use skep_runtime::program::{Helpers, NewProgram};
use skep_runtime::{Cpu, FixedWorld, Program, Run, UserEngine};
use skep_spec::Code;
use skep_spec::abi::ProgType;
use skep_spec::asm::assemble;

/// Primes below 20,000 by trial division.
const PRIMES: &str = "
    r0 = 0
    r1 = 2
next:
    r2 = 2
divide:
    r3 = r2
    r3 *= r2
    if r3 > r1 goto prime
    r4 = r1
    r4 %= r2
    if r4 == 0 goto composite
    r2 += 1
    goto divide
prime:
    r0 += 1
composite:
    r1 += 1
    if r1 < 20000 goto next
    exit
";

/// The Internet checksum over the memory at r1, r2 bytes.
const CHECKSUM: &str = "
    r0 = 0
    r2 += r1
again:
    r3 = *(u16 *)(r1 +0)
    r0 += r3
    r1 += 2
    if r1 < r2 goto again
    r3 = r0
    r3 >>= 16
    w0 &= 0xffff
    r0 += r3
    exit
";

/// An XDP program of five instructions.
const SHORT: &str = "
    r2 = *(u32 *)(r1 +4)
    r1 = *(u32 *)(r1 +0)
    r2 -= r1
    r0 = 2
    exit
";

/// Time that this thread spent on a CPU, which a busy machine does not lengthen.
fn cpu_ns() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0.0)
}

fn checksum(bytes: &[u8]) -> u64 {
    let words = bytes.as_chunks::<2>().0;
    words.iter().map(|word| u64::from(black_box(u16::from_ne_bytes(*word)))).sum()
}

fn primes() -> u64 {
    (2..20_000u64)
        .filter(|n| (2..).take_while(|d| d * d <= *n).all(|d| black_box(*n) % d != 0))
        .count() as u64
}

fn program(prog_type: ProgType, text: &str) -> Arc<Program> {
    let code = assemble(text).expect("the programs assemble");
    let new = NewProgram {
        id: 1,
        name: "speed",
        prog_type,
        expected_attach_type: None,
        license: "GPL",
        code: &code,
        helpers: Helpers::Linux,
    };
    Program::load(&new, &|_| None).expect("the programs load")
}

fn load(code: &Code) -> ProgLoad<'_> {
    ProgLoad::new("speed", ProgType::Xdp, code)
}

fn measure(name: &str, run: &mut Run<'_>, times: u32) {
    let before = run.executed();
    let start = cpu_ns();
    for _ in 0..times {
        black_box(run.start().expect("the programs run"));
    }
    let ns = cpu_ns() - start;
    let insns = (run.executed() - before) as f64;
    println!(
        "{name:10} {:10.1} ns a run, {:6.2} ns an instruction",
        ns / f64::from(times),
        ns / insns
    );
}

fn native(times: u32, run: impl Fn() -> u64) {
    let start = cpu_ns();
    for _ in 0..times {
        black_box(run());
    }
    println!("  native   {:10.1} ns a run", (cpu_ns() - start) / f64::from(times));
}

fn main() {
    let world = FixedWorld::new(0, 1);

    let mut run =
        Run::new(&world, Cpu(0), program(ProgType::Syscall, PRIMES), Context::Plain([0, 0]));
    measure("primes", &mut run, 20);
    native(20, primes);

    let memory = Arc::new(Block::zeroed(1500));
    let context = Context::Plain([memory.addr(), 1500]);
    let mut run = Run::new(&world, Cpu(0), program(ProgType::Syscall, CHECKSUM), context);
    run.lend(Span::of_block(&memory, Access::ReadWrite));
    measure("checksum", &mut run, 20_000);
    native(20_000, || checksum(black_box(&[0; 1500])));

    let context = Context::Xdp(XdpContext::new(Packet::new(256, &[0; 64], 64), 1));
    let mut run = Run::new(&world, Cpu(0), program(ProgType::Xdp, SHORT), context);
    measure("short", &mut run, 2_000_000);

    // The same through the engine, packet in and out.
    let engine = UserEngine::new(Arc::new(world));
    let code = assemble(SHORT).expect("the programs assemble");
    let prog = engine.prog_load(&load(&code)).expect("the programs load").handle;
    let frame = [0; 64];
    let test = TestRun {
        data: &frame,
        data_out_capacity: 64,
        ctx: &[],
        repeat: 1,
        flags: 0,
        cpu: 0,
        semantics: Semantics::TestRun,
    };
    let times = 200_000;
    let start = cpu_ns();
    for _ in 0..times {
        black_box(engine.prog_test_run(prog, &test).expect("the programs run"));
    }
    println!("test run   {:10.1} ns a run", (cpu_ns() - start) / f64::from(times));
}
