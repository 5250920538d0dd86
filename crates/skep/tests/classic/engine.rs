//! Translated filters in test runs of both engines, on frames with an Ethernet header, and before
//! both verifiers.

use std::sync::Arc;

use skep::check::{self, KernelTypes};
use skep::command::prog::{ProgLoad, Semantics, TestRun};
use skep::command::{Engine, Handle};
use skep::runtime::context::Context;
use skep::runtime::memory::{Access, Block, Span};
use skep::runtime::program::{Helpers, NewProgram};
use skep::runtime::{Cpu, FixedWorld, Program, Run, UserEngine};
use skep::spec::classic::ancillary::Ancillary;
use skep::spec::classic::interp::Device;
use skep::spec::classic::seccomp::DATA_BYTES;
use skep::spec::classic::translate::{Translated, translate};
use skep::spec::classic::{self, Listing, Rules, Skb};
use skep::verifier::Outcome;

use crate::generate::{self, Kind, PACKET_MAX};
use crate::random::Random;

const FILTERS: usize = 1_500;
const PACKETS: usize = 4;

/// The length of an Ethernet header, and the EtherType of the frames here, which is nobody's.
const ETH_HLEN: usize = 14;
const PROTOCOL: u16 = 0x88b5;

/// The loopback device, on which test runs happen.
const LOOPBACK: Device = Device { ifindex: 1, hatype: 772 };
/// The packet is for another host.
const OTHERHOST: u8 = 3;

const SOCKET: Kind = Kind {
    rules: Rules::Socket,
    ancillary: &[
        Ancillary::Protocol,
        Ancillary::PktType,
        Ancillary::IfIndex,
        Ancillary::Mark,
        Ancillary::Queue,
        Ancillary::RxHash,
        Ancillary::AluXorX,
        Ancillary::VlanTag,
        Ancillary::VlanTagPresent,
        Ancillary::VlanTpid,
    ],
    link: true,
};
const SECCOMP: Kind = Kind { rules: Rules::Seccomp, ancillary: &[], link: false };

fn load(engine: &Arc<dyn Engine>, translated: &Translated) -> skep::command::Result<Handle> {
    let load = ProgLoad::new("filter", translated.prog_type, &translated.code);
    engine.prog_load(&load).map(|loaded| loaded.handle)
}

fn test_run(engine: &Arc<dyn Engine>, program: Handle, frame: &[u8]) -> u32 {
    let run = TestRun {
        data: frame,
        data_out_capacity: 0,
        ctx: &[],
        repeat: 1,
        flags: 0,
        cpu: 0,
        semantics: Semantics::TestRun,
    };
    engine.prog_test_run(program, &run).unwrap().retval
}

/// The kernel, if it lets us.
fn kernel(code: &Translated) -> Option<Arc<dyn Engine>> {
    let engine = skep::linux().unwrap();
    match load(&engine, code) {
        Ok(handle) => {
            engine.close(handle);
            Some(engine)
        }
        Err(error) => {
            testkit::skip(&format!("translated filters in the kernel: {error}"));
            None
        }
    }
}

#[track_caller]
fn assert_accepted(translated: &Translated, types: &KernelTypes, about: &dyn Fn() -> String) {
    let options = check::Options::new(types);
    let checked = check::code(&translated.code, translated.prog_type, &options);
    let accepted = matches!(checked.report.outcome, Outcome::Accepted(_));
    assert!(accepted, "{:?}\n{}", checked.report.outcome, about());
}

#[test]
fn translated_filters_in_both_engines() {
    let smallest =
        classic::check(&classic::encode(&classic::assemble("ret #0").unwrap()), Rules::Socket);
    let kernel = kernel(&translate(&smallest.unwrap()).unwrap());
    let user: Arc<dyn Engine> = Arc::new(UserEngine::new(Arc::new(FixedWorld::new(0, 1))));
    let types = KernelTypes::running();
    let mut random = Random::new(0x1a2b_3c4d);
    for _ in 0..FILTERS {
        let insns = generate::sound(&mut random, SOCKET);
        let filter = classic::check(&classic::encode(&insns), Rules::Socket).unwrap();
        let translated = translate(&filter).unwrap();
        let about = || Listing::new(&insns).to_string();
        assert_accepted(&translated, &types, &about);
        let engines: Vec<_> = [Some(&user), kernel.as_ref()]
            .into_iter()
            .flatten()
            .map(|engine| {
                let loaded = load(engine, &translated);
                (engine, loaded.unwrap_or_else(|error| panic!("{error}\n{}", about())))
            })
            .collect();
        for _ in 0..PACKETS {
            let len = ETH_HLEN + 1 + random.below(PACKET_MAX);
            let mut frame = random.bytes(len);
            frame[0] = 2;
            frame[12..14].copy_from_slice(&PROTOCOL.to_be_bytes());
            let skb = Skb {
                data_off: ETH_HLEN,
                link_off: Some(0),
                network_off: ETH_HLEN,
                len: u32::try_from(len - ETH_HLEN).unwrap(),
                protocol: PROTOCOL,
                pkt_type: OTHERHOST,
                device: Some(LOOPBACK),
                ..Skb::new(&frame)
            };
            let expected = filter.run(&skb, &mut || 0);
            for (engine, program) in &engines {
                let found = test_run(engine, *program, &frame);
                assert_eq!(expected, found, "{}\n{}{frame:02x?}", engine.kind(), about());
            }
        }
        for (engine, program) in engines {
            engine.close(program);
        }
    }
}

#[test]
fn translated_filters_of_seccomp() {
    let types = KernelTypes::running();
    let mut random = Random::new(0x5ecc);
    for _ in 0..FILTERS {
        let insns = generate::sound(&mut random, SECCOMP);
        let filter = classic::check(&classic::encode(&insns), Rules::Seccomp).unwrap();
        let translated = translate(&filter).unwrap();
        assert_accepted(&translated, &types, &|| Listing::new(&insns).to_string());
        for _ in 0..PACKETS {
            let mut data = [0; DATA_BYTES];
            data.copy_from_slice(&random.bytes(DATA_BYTES));
            let found = judge_translated(&translated, &data);
            assert_eq!(filter.judge(&data), found, "{}", Listing::new(&insns));
        }
    }
}

/// Runs a program on a `struct seccomp_data` that it can only read.
pub(crate) fn judge_translated(translated: &Translated, data: &[u8; DATA_BYTES]) -> u32 {
    let new = NewProgram {
        id: 1,
        name: "filter",
        prog_type: translated.prog_type,
        expected_attach_type: None,
        license: "GPL",
        code: &translated.code,
        helpers: Helpers::Linux,
    };
    let program = Program::load(&new, &|_| None).unwrap();
    let memory = Arc::new(Block::zeroed(DATA_BYTES));
    memory.range(0, DATA_BYTES).unwrap().copy_from(data);
    let world = FixedWorld::new(0, 1);
    let context = Context::Plain([memory.addr(), 0]);
    let mut run = Run::new(&world, Cpu(0), program, context);
    run.lend(Span::of_block(&memory, Access::Read));
    // What a program returns has 32 bits.
    u32::try_from(run.start().unwrap() & 0xffff_ffff).unwrap()
}
