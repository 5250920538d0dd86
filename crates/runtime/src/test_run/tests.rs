//! Test runs of this engine against those of the kernel, where it lets us: results, packets,
//! contexts and errors must be the same.

use std::sync::Arc;

use skep_command::prog::{ProgLoad, Semantics, TestRun};
use skep_command::{Engine, Errno};
use skep_linux::LinuxEngine;
use skep_spec::abi::ProgType;
use skep_spec::asm::assemble;

use crate::engine::{Options, UserEngine};
use crate::world::FixedWorld;

/// What can be compared of a run.
type Seen = Result<(u32, Vec<u8>, Vec<u8>), Errno>;

fn see(engine: &dyn Engine, prog_type: ProgType, text: &str, run: &TestRun<'_>) -> Seen {
    let code = assemble(text).unwrap();
    let load = ProgLoad::new("test", prog_type, &code);
    let loaded = engine.prog_load(&load).unwrap_or_else(|error| {
        panic!("{error}\n{text}\n{}", error.log.as_deref().unwrap_or_default())
    });
    let reply = engine.prog_test_run(loaded.handle, run);
    engine.close(loaded.handle);
    reply.map(|reply| (reply.retval, reply.data, reply.ctx)).map_err(|error| error.errno)
}

fn user() -> UserEngine {
    UserEngine::new(Arc::new(FixedWorld::new(0, 1)))
}

/// The user engine for programs that no kernel takes: they read what they are there to find out.
fn trusting() -> UserEngine {
    let options = Options { unverified: true, ..Options::default() };
    UserEngine::with_options(Arc::new(FixedWorld::new(0, 1)), options)
}

/// The kernel, if programs can be loaded and run there.
fn kernel() -> Option<LinuxEngine> {
    let engine = LinuxEngine::new().ok()?;
    let code = assemble("r0 = 0\nexit").unwrap();
    let load = ProgLoad::new("probe", ProgType::Xdp, &code);
    match engine.prog_load(&load) {
        Ok(_) => Some(engine),
        Err(error) => {
            testkit::skip(&format!("test runs are not compared with the kernel: {error}"));
            None
        }
    }
}

/// A run on these bytes with this context.
fn on<'a>(data: &'a [u8], ctx: &'a [u8]) -> TestRun<'a> {
    TestRun {
        data,
        data_out_capacity: 1 << 17,
        ctx,
        repeat: 1,
        flags: 0,
        cpu: 0,
        semantics: Semantics::TestRun,
    }
}

/// The two engines see the same.
#[track_caller]
fn same(kernel: &LinuxEngine, prog_type: ProgType, text: &str, run: &TestRun<'_>) -> Seen {
    let here = see(&user(), prog_type, text, run);
    let there = see(kernel, prog_type, text, run);
    let (len, ctx) = (run.data.len(), run.ctx);
    assert_eq!(here, there, "{prog_type}, {len} bytes, context {ctx:?}\n{text}");
    here
}

/// An Ethernet frame to an address, of a type, with `rest` bytes after the header.
fn frame(to: [u8; 6], ether_type: u16, rest: usize) -> Vec<u8> {
    let payload = (0..rest).map(|i| u8::try_from(i % 251).unwrap());
    let header = to.into_iter().chain([2, 0, 0, 0, 0, 1]).chain(ether_type.to_be_bytes());
    header.chain(payload).collect()
}

const TO_US: [u8; 6] = [0; 6];

/// A structure with these words at these offsets.
fn ctx(len: usize, words: &[(usize, u32)]) -> Vec<u8> {
    let mut bytes = vec![0; len];
    for (at, word) in words {
        bytes[*at..*at + 4].copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

#[test]
fn frame_lengths() {
    let Some(kernel) = kernel() else { return };
    let lengths =
        [0, 1, 13, 14, 33, 34, 54, 60, 1514, 3519, 3520, 3521, 3711, 3712, 3713, 3776, 9014];
    for len in lengths {
        let whole = frame(TO_US, 0x1234, 10_000);
        let run = on(&whole[..len], &[]);
        for text in [
            "r2 = *(u32 *)(r1 +0)\nr0 = *(u32 *)(r1 +4)\nr0 -= r2\nexit",
            "r6 = r1\ncall bpf_xdp_get_buff_len\nexit",
        ] {
            let _ = same(&kernel, ProgType::Xdp, text, &run);
        }
        for prog_type in [ProgType::SchedCls, ProgType::SchedAct, ProgType::SocketFilter] {
            let _ = same(&kernel, prog_type, "r0 = *(u32 *)(r1 +0)\nexit", &run);
        }
        for ether_type in [0x0800, 0x86dd] {
            let whole = frame(TO_US, ether_type, 10_000);
            let run = on(&whole[..len], &[]);
            let _ = same(&kernel, ProgType::SchedCls, "r0 = *(u32 *)(r1 +0)\nexit", &run);
        }
    }
    let jumbo = frame(TO_US, 0x1234, 3520 + 17 * 4096 - 14);
    let text = "r0 = 2\nexit";
    assert!(same(&kernel, ProgType::Xdp, text, &on(&jumbo, &[])).is_ok());
    let longer = [jumbo, vec![0]].concat();
    assert_eq!(same(&kernel, ProgType::Xdp, text, &on(&longer, &[])), Err(Errno::ENOMEM));
}

#[test]
fn fields_of_skb() {
    let Some(kernel) = kernel() else { return };
    let frames = [
        frame(TO_US, 0x0800, 50),
        frame([0xff; 6], 0x0806, 50),
        frame([1, 0, 0x5e, 0, 0, 1], 0x86dd, 50),
        frame([2, 0, 0, 0, 0, 9], 0x8100, 50),
        frame(TO_US, 0x0026, 50),
        [frame(TO_US, 0x0026, 0), vec![0xff, 0xff, 0, 0]].concat(),
        frame(TO_US, 0x0026, 1),
        frame(TO_US, 0x05ff, 50),
        frame(TO_US, 0x0600, 50),
    ];
    let given = ctx(
        192,
        &[
            (8, 0x1122_3344),
            (32, 7),
            (36, 5),
            (40, 1),
            (48, 1),
            (52, 2),
            (64, 5),
            (152, 9),
            (156, 1),
            (160, 100),
            (164, 3),
            (176, 0x1_0007),
            (184, 11),
        ],
    );
    let words = [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64, 68, 84, 164, 176];
    let tc_words = [72, 160];
    for frame in &frames {
        for ctx in [&[][..], &given] {
            let run = on(frame, ctx);
            for off in words {
                let text = format!("r0 = *(u32 *)(r1 +{off})\nexit");
                let _ = same(&kernel, ProgType::SchedCls, &text, &run);
                let _ = same(&kernel, ProgType::SocketFilter, &text, &run);
            }
            for off in tc_words {
                let _ = same(
                    &kernel,
                    ProgType::SchedCls,
                    &format!("r0 = *(u32 *)(r1 +{off})\nexit"),
                    &run,
                );
            }
            for off in [152, 184] {
                let text = format!("r0 = *(u64 *)(r1 +{off})\nexit");
                let _ = same(&kernel, ProgType::SchedCls, &text, &run);
            }
            let text = "r0 = *(u8 *)(r1 +180)\nexit";
            let _ = same(&kernel, ProgType::SchedCls, text, &run);
            // Parts of fields.
            for off in words {
                for (size, part) in
                    [("u8", 0), ("u8", 1), ("u8", 2), ("u8", 3), ("u16", 0), ("u16", 2)]
                {
                    let text = format!("r0 = *({size} *)(r1 +{})\nexit", off + part);
                    let _ = same(&kernel, ProgType::SchedCls, &text, &run);
                }
            }
            let _ = same(&kernel, ProgType::SchedCls, "r0 = *(u64 *)(r1 +48)\nexit", &run);
        }
    }
}

#[test]
fn stores_to_skb() {
    let Some(kernel) = kernel() else { return };
    let frame = frame(TO_US, 0x0800, 50);
    let given = ctx(192, &[(8, 1)]);
    for (size, off) in [
        ("u32", 8),
        ("u32", 12),
        ("u32", 32),
        ("u32", 44),
        ("u32", 48),
        ("u16", 50),
        ("u8", 67),
        ("u64", 56),
        ("u32", 72),
    ] {
        for value in [0u64, 0xfffe, 0xffff, 0x1_0000, 0x1234_5678, 0xffff_ffff_ffff_ffff] {
            let text = format!(
                "r2 = {value:#x} ll\n*({size} *)(r1 +{off}) = r2\nr0 = *({size} *)(r1 +{off})\nexit"
            );
            let _ = same(&kernel, ProgType::SchedCls, &text, &on(&frame, &given));
        }
    }
    let text = "r2 = 0x1122334455667788 ll\n*(u64 *)(r1 +152) = r2\nr0 = 0\nexit";
    let _ = same(&kernel, ProgType::SchedCls, text, &on(&frame, &given));
}

#[test]
fn contexts_of_skb() {
    let Some(kernel) = kernel() else { return };
    let frame = frame(TO_US, 0x0800, 50);
    let text = "r0 = *(u32 *)(r1 +8)\nexit";
    // Every word alone, so that what must be zero is found.
    for at in (0..192).step_by(4) {
        let _ = same(&kernel, ProgType::SchedCls, text, &on(&frame, &ctx(192, &[(at, 1)])));
    }
    for words in [
        [(160, 63)],
        [(160, 64)],
        [(160, 65536)],
        [(160, 65537)],
        [(164, 65535)],
        [(164, 65536)],
        [(40, 99_999)],
    ] {
        let _ = same(&kernel, ProgType::SchedCls, text, &on(&frame, &ctx(192, &words)));
    }
    for len in [196, 200, 4096, 4100] {
        let _ = see_len(&kernel, text, &frame, &ctx(len, &[(8, 1)]));
        let _ = see_len(&kernel, text, &frame, &ctx(len, &[(8, 1), (len - 4, 1)]));
    }
}

/// As [`same`], for contexts longer than the structure.
#[track_caller]
fn see_len(kernel: &LinuxEngine, text: &str, frame: &[u8], ctx: &[u8]) -> Seen {
    same(kernel, ProgType::SchedCls, text, &on(frame, ctx))
}

#[test]
fn contexts_of_xdp() {
    let Some(kernel) = kernel() else { return };
    let frame = frame(TO_US, 0x0800, 300);
    let len = u32::try_from(frame.len()).unwrap();
    let cases: &[&[(usize, u32)]] = &[
        &[(4, len)],
        &[(4, len - 1)],
        &[(4, len + 1)],
        &[(4, 14)],
        &[(4, 10)],
        &[(4, 0)],
        &[(0, 4), (4, len)],
        &[(0, 4), (4, len - 100)],
        &[(0, 8), (4, 7)],
        &[(0, 5), (4, len)],
        &[(0, 32), (4, len)],
        &[(0, 216), (4, len)],
        &[(0, 220), (4, len)],
        &[(0, 252), (4, len)],
        &[(0, 256), (4, len)],
        &[(0, len), (4, len)],
        &[(8, 4), (4, len)],
        &[(4, len), (12, 1)],
        &[(4, len), (12, 1), (16, 1)],
        &[(4, len), (16, 1)],
        &[(4, len), (12, 99_999)],
        &[(4, len), (20, 1)],
    ];
    for words in cases {
        let ctx = ctx(24, words);
        let run = on(&frame, &ctx);
        for text in [
            "r2 = *(u32 *)(r1 +0)\nr0 = *(u32 *)(r1 +4)\nr0 -= r2\nexit",
            "r2 = *(u32 *)(r1 +8)\nr0 = *(u32 *)(r1 +0)\nr0 -= r2\nexit",
            "r0 = *(u32 *)(r1 +12)\nexit",
            "r0 = *(u32 *)(r1 +16)\nexit",
            "r6 = r1\nr2 = 20\ncall bpf_xdp_adjust_head\nexit",
            "r6 = r1\nr2 = -20\ncall bpf_xdp_adjust_head\nexit",
        ] {
            let _ = same(&kernel, ProgType::Xdp, text, &run);
        }
    }
}

#[test]
fn flags_and_room() {
    let Some(kernel) = kernel() else { return };
    let frame = frame(TO_US, 0x0800, 50);
    let text = "r0 = 2\nexit";
    for prog_type in [ProgType::Xdp, ProgType::SchedCls, ProgType::SocketFilter] {
        for flags in [1, 4, 8] {
            let run = TestRun { flags, ..on(&frame, &[]) };
            let _ = same(&kernel, prog_type, text, &run);
        }
        let run = TestRun { cpu: 1, ..on(&frame, &[]) };
        let _ = same(&kernel, prog_type, text, &run);
        for data_out_capacity in [63, 64, 65] {
            let run = TestRun { data_out_capacity, ..on(&frame, &[]) };
            let _ = same(&kernel, prog_type, text, &run);
        }
    }
    // A program that changes the packet and not its sum is found out.
    let text = "r0 = 0\nr2 = *(u32 *)(r1 +76)\nr3 = *(u32 *)(r1 +80)\nr4 = r2\nr4 += 20\n\
                if r4 > r3 goto out\n*(u8 *)(r2 +16) = 200\nout:\nexit";
    let run = TestRun { flags: 4, ..on(&frame, &[]) };
    assert_eq!(same(&kernel, ProgType::SchedCls, text, &run), Err(Errno(74)));
}

#[test]
fn legacy_loads() {
    let Some(kernel) = kernel() else { return };
    let frame = frame(TO_US, 0x0800, 50);
    let offsets: [i64; 16] = [
        0,
        1,
        48,
        49,
        50,
        60,
        61,
        62,
        63,
        64,
        -1,
        -0x10_0000,
        -0x10_0000 + 49,
        -0x20_0000,
        -0x20_0000 + 12,
        -0x20_0001,
    ];
    for prog_type in [ProgType::SocketFilter, ProgType::SchedCls] {
        for size in ["u8", "u16", "u32"] {
            for off in offsets {
                let text = format!("r6 = r1\nr7 = {off}\nr0 = *({size} *)skb[r7 + 0]\nexit");
                let _ = same(&kernel, prog_type, &text, &on(&frame, &[]));
                let text = format!("r6 = r1\nr7 = 1\nr0 = *({size} *)skb[r7 + {}]\nexit", off - 1);
                let _ = same(&kernel, prog_type, &text, &on(&frame, &[]));
            }
        }
    }
}

#[test]
fn device() {
    let tagged = [frame(TO_US, 0x8100, 0), vec![0x20, 0x05, 0x08, 0x00], vec![7; 30]].concat();
    let check = |prog_type, text: &str, data: &[u8], expected: u32| {
        let run = TestRun { semantics: Semantics::Device, ..on(data, &[]) };
        let seen = see(&trusting(), prog_type, text, &run);
        assert_eq!(seen.map(|(retval, ..)| retval), Ok(expected), "{text}");
    };
    check(ProgType::SchedCls, "r0 = *(u32 *)(r1 +20)\nexit", &tagged, 1);
    check(ProgType::SchedCls, "r0 = *(u32 *)(r1 +24)\nexit", &tagged, 0x2005);
    check(ProgType::SchedCls, "r0 = *(u32 *)(r1 +28)\nexit", &tagged, 0x0081);
    check(ProgType::SchedCls, "r0 = *(u32 *)(r1 +16)\nexit", &tagged, 0x0008);
    check(ProgType::SchedCls, "r0 = *(u32 *)(r1 +0)\nexit", &tagged, 44);
    check(ProgType::Xdp, "r2 = *(u32 *)(r1 +0)\nr0 = *(u16 *)(r2 +12)\nexit", &tagged, 0x0081);
    check(ProgType::SocketFilter, "r6 = r1\nr0 = *(u16 *)skb[12]\nexit", &tagged, 0x0800);
    check(ProgType::SocketFilter, "r0 = *(u32 *)(r1 +0)\nexit", &[1, 2, 3], 3);
    check(ProgType::Xdp, "r2 = *(u32 *)(r1 +0)\nr0 = *(u32 *)(r1 +4)\nr0 -= r2\nexit", &[1], 1);
    // The tag is cut from the data only where something is left behind it.
    check(ProgType::SchedCls, "r0 = *(u32 *)(r1 +20)\nexit", &tagged[..17], 0);
    check(ProgType::SchedCls, "r0 = *(u32 *)(r1 +20)\nexit", &tagged[..18], 1);
}
