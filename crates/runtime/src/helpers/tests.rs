//! What helpers tell the rest of the engine: trace lines, redirects, what the world says. What they
//! answer is compared with the kernel's answers in the cases of `tests/helpers`.

use std::collections::BTreeSet;
use std::sync::Arc;

use skep_command::map::MapCreate;
use skep_spec::abi::{HelperId, MapType, ProgType, proto};
use skep_spec::asm::assemble;

use crate::context::{Checksum, Context, SkbContext, XdpContext};
use crate::maps::Map;
use crate::memory::{Access, Block, Span};
use crate::packet::Packet;
use crate::program::{Helpers, NewProgram, Program};
use crate::run::{Redirect, Run, map_addr};
use crate::world::{Cpu, FixedWorld, World};

fn with_run<T>(
    world: &FixedWorld,
    context: Context,
    text: &str,
    look: impl FnOnce(&Run<'_>, u64) -> T,
) -> T {
    let prog_type = match context {
        Context::Xdp(_) => ProgType::Xdp,
        Context::Skb(_) | Context::Plain(_) => ProgType::SchedCls,
    };
    let new = NewProgram {
        id: 1,
        name: "test",
        prog_type,
        expected_attach_type: None,
        license: "GPL",
        code: &assemble(text).unwrap(),
        helpers: Helpers::Linux,
    };
    let program = Program::load(&new, &|_| None).unwrap();
    let mut run = Run::new(world, Cpu(0), program, context);
    let returned = run.start().unwrap_or_else(|fault| panic!("{fault}\n{text}"));
    look(&run, returned)
}

fn frame() -> Context {
    Context::Xdp(XdpContext::new(Packet::new(256, &[0; 64], 256), 1))
}

fn packet(bytes: &[u8]) -> SkbContext {
    let mut skb = SkbContext::new(Packet::new(64, bytes, 64), 0, 14);
    skb.protocol = 0x0800;
    skb
}

fn returned(context: Context, text: &str) -> u64 {
    with_run(&FixedWorld::new(5_000_000_123, 7), context, text, |_, returned| returned)
}

#[test]
fn the_table_is_in_order_and_fits_the_prototypes() {
    let ids: Vec<u32> = super::TABLE.iter().map(|(id, _)| id.number()).collect();
    let sorted: BTreeSet<u32> = ids.iter().copied().collect();
    assert_eq!(ids, sorted.into_iter().collect::<Vec<_>>());
    assert!(super::find(HelperId::MapLookupElem).is_some());
    assert!(super::find(HelperId::TailCall).is_none(), "a tail call is control flow");
    for (id, _) in super::TABLE {
        let called = ProgType::ALL.iter().any(|prog_type| proto::available(*id, *prog_type, None));
        assert!(called, "{id}: nobody may call it");
    }
}

/// A program that prints the eight bytes of `text`, zeros at the end included.
fn prints(text: &[u8; 8], arg: i32) -> (u64, Vec<String>) {
    let world = FixedWorld::new(1_500, 7);
    let format = u64::from_le_bytes(*text);
    let text = format!(
        "r1 = {format:#x} ll\n*(u64 *)(r10 - 8) = r1\nr1 = r10\nr1 += -8\nr2 = 8\nr3 = {arg}\n\
         call bpf_trace_printk\nexit"
    );
    let returned = with_run(&world, frame(), &text, |_, returned| returned);
    let lines = world.take_trace();
    assert!(lines.iter().all(|line| line.time_ns == 1_500 && line.comm == "skep" && line.pid == 1));
    (returned, lines.into_iter().map(|line| line.text).collect())
}

#[test]
fn trace_lines_say_who_and_when() {
    assert_eq!(prints(b"n = %d\n\0", -3), (7, vec!["n = -3".into()]));
    assert_eq!(prints(b"n%d\n\n\0\0\0", 1), (4, vec!["n1\n".into()]));
    assert_eq!(prints(b"a%cb\0\0\0\0", 0), (3, vec!["a".into()]));
    assert_eq!(prints(b"a\xffb\0\0\0\0\0", 0), (3, vec!["a\u{fffd}b".into()]));
    assert_eq!(prints(b"%d%d%d%d", 0), ((-22i64).cast_unsigned(), vec![]));
}

#[test]
fn a_long_line_is_cut() {
    let (returned, lines) = prints(b"%2000d\0\0", 1);
    assert_eq!(returned, 2000);
    assert_eq!(lines, ["".to_owned() + &" ".repeat(1023)]);
}

#[test]
fn clocks_and_chance_come_from_the_world() {
    let asks = |name: &str| returned(frame(), &format!("call {name}\nexit"));
    assert_eq!(asks("bpf_ktime_get_ns"), 5_000_000_123);
    assert_eq!(asks("bpf_ktime_get_boot_ns"), 5_000_000_123);
    assert_eq!(asks("bpf_ktime_get_tai_ns"), 5_000_000_123);
    assert_eq!(asks("bpf_ktime_get_coarse_ns"), 5_000_000_000);
    assert_eq!(asks("bpf_jiffies64"), 0x1_0000_0000 - 300 * 250 + 5 * 250);
    assert_eq!(asks("bpf_get_smp_processor_id"), 0);
    assert_eq!(asks("bpf_get_numa_node_id"), 0);
    assert_eq!(asks("bpf_get_current_pid_tgid"), 1 << 32 | 1);
    assert_eq!(asks("bpf_get_current_uid_gid"), 0);
    let random = asks("bpf_get_prandom_u32");
    assert_eq!(random, asks("bpf_get_prandom_u32"), "the same seed, the same number");
    assert!(u32::try_from(random).is_ok());
}

#[test]
fn the_name_of_the_task_is_cut_and_padded() {
    let name = |size: u32| {
        let text = format!(
            "*(u64 *)(r10 - 8) = -1\nr1 = r10\nr1 += -8\nr2 = {size}\n\
             call bpf_get_current_comm\nr0 = *(u64 *)(r10 - 8)\nexit"
        );
        returned(frame(), &text).to_le_bytes()
    };
    assert_eq!(&name(8), b"skep\0\0\0\0");
    assert_eq!(&name(5), b"skep\0\xff\xff\xff");
    assert_eq!(&name(3), b"sk\0\xff\xff\xff\xff\xff");
    assert_eq!(&name(1), b"\0\xff\xff\xff\xff\xff\xff\xff");
}

#[test]
fn a_redirect_is_noted_for_the_host() {
    let noted = |context: Context, text: &str| {
        with_run(&FixedWorld::new(0, 1), context, text, |run, _| {
            run.redirect().map(|redirect| match redirect {
                Redirect::Interface { ifindex, flags } => (*ifindex, *flags),
                Redirect::Map { .. } => panic!("no map was named"),
            })
        })
    };
    let skb = || Context::Skb(Box::new(packet(&[0; 64])));
    assert_eq!(noted(frame(), "r1 = 7\nr2 = 0\ncall bpf_redirect\nexit"), Some((7, 0)));
    assert_eq!(noted(frame(), "r1 = 7\nr2 = 1\ncall bpf_redirect\nexit"), None);
    assert_eq!(noted(skb(), "r1 = 7\nr2 = 1\ncall bpf_redirect\nexit"), Some((7, 1)));
    assert_eq!(noted(skb(), "r1 = 7\nr2 = 0\ncall bpf_redirect_peer\nexit"), Some((7, 1 << 17)));
    let neigh = "r1 = 7\nr2 = 0\nr3 = 0\nr4 = 0\ncall bpf_redirect_neigh\nexit";
    assert_eq!(noted(skb(), neigh), Some((7, 1 << 16)));
}

/// A frame with these addresses and ports.
fn udp(source: [u8; 4], destination: [u8; 4], ports: [u8; 4]) -> Context {
    let mut bytes = vec![0; 14];
    bytes.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0]);
    bytes.extend(source.iter().chain(&destination).chain(&ports));
    bytes.extend([0, 8, 0, 0]);
    Context::Skb(Box::new(packet(&bytes)))
}

#[test]
fn the_flow_hash_tells_flows_apart_but_not_directions() {
    let hash = |context| returned(context, "call bpf_get_hash_recalc\nexit");
    let (a, b) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    let there = hash(udp(a, b, [0, 1, 0, 2]));
    assert_ne!(there, 0);
    assert_eq!(there, hash(udp(b, a, [0, 2, 0, 1])));
    assert_ne!(there, hash(udp(a, b, [0, 2, 0, 1])), "other ends");
    assert_ne!(there, hash(udp(a, b, [0, 1, 0, 3])), "another port");
}

#[test]
fn a_known_sum_follows_the_bytes() {
    let sum_after = |text: &str| {
        let bytes: Vec<u8> = (0..64).collect();
        let mut skb = packet(&bytes);
        let sum = super::checksum::PartialSum::over(&bytes, super::checksum::PartialSum(0));
        skb.checksum = Checksum::Complete(sum.0);
        with_run(&FixedWorld::new(0, 1), Context::Skb(Box::new(skb)), text, |run, _| {
            let Context::Skb(skb) = run.context() else { panic!("still a packet") };
            let Checksum::Complete(sum) = skb.checksum else { panic!("still known") };
            let now = skb.packet.to_vec();
            let summed = super::checksum::PartialSum::over(&now, super::checksum::PartialSum(0));
            (super::checksum::PartialSum(sum).narrow(), summed.narrow())
        })
    };
    let store = |off: u32, flags: u32| {
        format!(
            "*(u64 *)(r10 - 8) = 0x12345678\nr2 = {off}\nr3 = r10\nr3 += -8\nr4 = 8\nr5 = {flags}\n\
             call bpf_skb_store_bytes\nexit"
        )
    };
    for off in [0, 1, 7, 20, 33] {
        let (known, found) = sum_after(&store(off, 1));
        assert_eq!(known, found, "at {off}");
    }
    let (known, found) = sum_after(&store(0, 0));
    assert_ne!(known, found, "only on request");
    for room in [-8, 8] {
        let text = format!("r2 = {room}\nr3 = 1\nr4 = 0\nr5 = 0\ncall bpf_skb_adjust_room\nexit");
        let (known, found) = sum_after(&text);
        assert_eq!(known, found, "room of {room}");
    }
}

#[test]
fn the_checksum_of_a_packet_to_be_completed_is_left_to_the_device() {
    let field_after = |flags: u32| {
        let mut skb = packet(&[0; 64]);
        skb.checksum = Checksum::Partial;
        let text = format!("r2 = 50\nr3 = 1\nr4 = 2\nr5 = {flags}\ncall bpf_l4_csum_replace\nexit");
        with_run(&FixedWorld::new(0, 1), Context::Skb(Box::new(skb)), &text, |run, returned| {
            assert_eq!(returned, 0);
            run.packet().unwrap().range(50, 2).unwrap().array::<2>(0).unwrap()
        })
    };
    assert_eq!(field_after(2), [0, 0]);
    assert_eq!(field_after(0x12), [1, 0], "the sum of the pseudo header, not complemented");
}

#[test]
fn what_no_verified_program_does_is_a_fault() {
    let fails = |context: Context, text: &str, what: &str| {
        let new = NewProgram {
            id: 1,
            name: "test",
            prog_type: ProgType::Xdp,
            expected_attach_type: None,
            license: "GPL",
            code: &assemble(text).unwrap(),
            helpers: Helpers::Linux,
        };
        let program = Program::load(&new, &|_| None).unwrap();
        let world = FixedWorld::new(0, 1);
        let fault = Run::new(&world, Cpu(0), program, context).start().unwrap_err().to_string();
        assert!(fault.contains(what), "{fault}");
    };
    let load = |buf: &str| format!("r2 = 0\nr3 = {buf}\nr4 = 8\ncall bpf_xdp_load_bytes\nexit");
    fails(frame(), &load("0"), "null pointer");
    fails(frame(), "r1 = 5\nr2 = 0\ncall bpf_xdp_adjust_head\nexit", "not the context");
    fails(frame(), "r2 = 1\ncall bpf_skb_pull_data\nexit", "packets in the network stack");
    fails(
        frame(),
        "r1 = 3\nr2 = r10\ncall bpf_map_lookup_elem\nexit",
        "none of this program's maps",
    );
    fails(frame(), "r1 = 3\nr2 = 0\ncall bpf_ringbuf_submit\nexit", "no record");
    fails(frame(), "r1 = 3\nr2 = 5\nr3 = 0\nr4 = 0\ncall bpf_loop\nexit", "no function");
}

/// Maps of several types, by number.
fn maps() -> Vec<Arc<Map>> {
    let types = [
        (MapType::Hash, 4, 8, 8),
        (MapType::Array, 4, 8, 8),
        (MapType::Ringbuf, 0, 0, 4096),
        (MapType::Devmap, 4, 4, 8),
        (MapType::PerfEventArray, 4, 4, 8),
    ];
    let create = |(id, (map_type, key_size, value_size, max_entries))| {
        let create = MapCreate {
            name: "map",
            map_type,
            key_size,
            value_size,
            max_entries,
            flags: 0,
            extra: 0,
            inner: None,
            numa_node: None,
            btf: None,
        };
        Map::create(id, &create, 1).unwrap()
    };
    (1..).zip(types).map(create).collect()
}

/// Every helper is called with arguments that were drawn from what could be dangerous: real
/// addresses, lengths at and beyond every limit, numbers at the edges. Answers and faults are fine,
/// panics are not.
#[test]
fn no_arguments_make_a_helper_panic() {
    let maps = maps();
    let all_maps: String = (0..maps.len()).map(|fd| format!("r1 = map[fd:{fd}]\n")).collect();
    let code = assemble(&(all_maps + "r0 = 0\nexit")).unwrap();
    let memory = Arc::new(Block::zeroed(256));
    let world = FixedWorld::new(1, 42);
    for (id, helper) in super::TABLE {
        for round in 0..90 {
            let context = match round % 3 {
                0 => frame(),
                1 => Context::Skb(Box::new(packet(&[0x45; 80]))),
                _ => Context::Plain([memory.addr(), 256]),
            };
            let new = NewProgram {
                id: 1,
                name: "test",
                prog_type: ProgType::SchedCls,
                expected_attach_type: None,
                license: "GPL",
                code: &code,
                helpers: Helpers::Linux,
            };
            let find = |fd: i32| usize::try_from(fd).ok().and_then(|fd| maps.get(fd).cloned());
            let program = Program::load(&new, &find).unwrap();
            let mut run = Run::new(&world, Cpu(0), program, context);
            run.lend(Span::of_block(&memory, Access::ReadWrite));
            run.start().unwrap_or_else(|fault| panic!("{fault}"));
            for _ in 0..4 {
                let args = std::array::from_fn(|_| draw(&world, &run, memory.addr(), &maps));
                let _ = helper(&mut run, args);
                run.settle();
            }
            assert!(run.packet().map_or(0, Packet::len) <= 5 << 20, "{id}: the packet is bounded");
        }
    }
}

fn draw(world: &FixedWorld, run: &Run<'_>, memory: u64, maps: &[Arc<Map>]) -> u64 {
    let random = u64::from(world.random_u32());
    let edges =
        [0, 1, 2, 4, 8, 13, 14, 40, 255, 256, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
    let edge = edges[usize::try_from(random >> 8).unwrap() % edges.len()];
    match random % 10 {
        0 | 1 => run.context_addr(),
        2 | 3 => memory + (random >> 8) % 256,
        4 => run.packet().map_or(memory, Packet::data_addr),
        5 => map_addr(&maps[usize::try_from(random >> 8).unwrap() % maps.len()]),
        6 | 7 => edge,
        8 => edge.wrapping_neg(),
        _ => random << 20 ^ random,
    }
}
