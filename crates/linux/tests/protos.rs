//! Prototypes of helpers against the running kernel: for each helper whose arguments can be had
//! without ado, a call that fits is accepted, and its nearest neighbours are not. Without
//! privileges, a counted skip.

mod common;

use std::collections::HashMap;

use common::hooks::{allowed_return, each_hook, is_described};
use common::{code, kernel, map, verdict};
use skep_command::map::MapCreate;
use skep_command::prog::ProgLoad;
use skep_command::{Engine, Handle};
use skep_linux::LinuxEngine;
use skep_spec::abi::context::{self, Access, Field, FieldKind};
use skep_spec::abi::flags::map as flag;
use skep_spec::abi::proto::{self, Arg, MemAccess, MemSize, Proto, Ret};
use skep_spec::abi::{HelperId, MapType, ProgType, map_rules};

/// Helpers that are there only as the kernel is configured, and locked down.
const CONFIGURED: &[HelperId] = &[HelperId::ProbeWriteUser, HelperId::OverrideReturn];

/// A change of a fitting call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Change {
    /// None.
    Fitting,
    /// The last argument is left uninitialised.
    OneLess,
    /// Memory argument `.0` is in a map that programs may only read.
    ReadOnly(usize),
    /// Size argument `.0` is zero.
    Zero(usize),
    /// Memory argument `.0` is null; and its size, if that follows, zero.
    Null(usize),
    /// Memory argument `.0` is in the packet, which [`packet`] has put into r7.
    Packet(usize),
    /// None, but a packet pointer from before is used after the call.
    PacketAfter,
}

/// Maps to pass, by type.
struct Maps<'a> {
    engine: &'a LinuxEngine,
    by_type: HashMap<MapType, Option<Handle>>,
    /// An array that programs may only read, frozen.
    read_only: Handle,
}

impl<'a> Maps<'a> {
    fn new(engine: &'a LinuxEngine) -> Maps<'a> {
        let shape = MapCreate { flags: flag::RDONLY_PROG, ..map(MapType::Array, 4, 64, 1) };
        let read_only = engine.map_create(&shape).expect("an array is made");
        engine.map_freeze(read_only).expect("an array is frozen");
        Maps { engine, by_type: HashMap::new(), read_only }
    }

    /// A map that `helper` takes.
    fn fitting(&mut self, helper: HelperId) -> Option<Handle> {
        let fitting = |map_type: &MapType| map_rules::compatible(*map_type, helper);
        MapType::ALL.iter().copied().filter(fitting).find_map(|map_type| {
            let engine = self.engine;
            if map_type == MapType::ProgArray {
                // It belongs to the type of the first program that uses it.
                return make(engine, map_type);
            }
            *self.by_type.entry(map_type).or_insert_with(|| make(engine, map_type))
        })
    }
}

/// A map of a type, where it takes no more than a shape.
fn make(engine: &LinuxEngine, map_type: MapType) -> Option<Handle> {
    let rules = map_rules::of(map_type);
    let entries = match rules.entries {
        map_rules::EntriesRule::Zero => 0,
        map_rules::EntriesRule::Some | map_rules::EntriesRule::One => 1,
        map_rules::EntriesRule::RingBytes => 4096,
    };
    let fits = |rule: map_rules::SizeRule| [0, 4, 8].into_iter().find(|size| rule.admits(*size));
    let shape = map(map_type, fits(rules.key)?, fits(rules.value)?, entries);
    engine.map_create(&MapCreate { flags: rules.required_flags, ..shape }).ok()
}

/// The text that puts a fitting value into a register, or `None` where that takes more.
fn value(reg: usize, arg: Arg, map: Option<Handle>, maps: &Maps<'_>) -> Option<String> {
    let text = match arg {
        Arg::Anything => format!("r{reg} = 0"),
        Arg::ConstMap => format!("r{reg} = map[fd:{}]", map?.0),
        Arg::MapKey | Arg::MapValue { .. } | Arg::Mem { .. } => {
            format!("r{reg} = r10\nr{reg} += -64")
        }
        Arg::Size { .. } | Arg::AllocSize => format!("r{reg} = 8"),
        Arg::Ctx { .. } => format!("r{reg} = r6"),
        Arg::ConstStr => read_only(reg, maps),
        Arg::StackOrNull => format!("r{reg} = 0"),
        Arg::Callback(_)
        | Arg::SpinLock
        | Arg::Timer
        | Arg::SockCommon
        | Arg::SocketOrNull
        | Arg::Sock { .. }
        | Arg::Kernel { .. }
        | Arg::RingbufRecord
        | Arg::PercpuVariable
        | Arg::KptrSlot
        | Arg::KptrOrNull
        | Arg::Dynptr { .. } => return None,
    };
    Some(text)
}

/// The text that puts the address of a value that can only be read into a register.
fn read_only(reg: usize, maps: &Maps<'_>) -> String {
    format!("r{reg} = map[fd:{}][0]+0", maps.read_only.0)
}

/// A program with a call of `proto`.
fn program(
    proto: &Proto,
    change: Change,
    hook: &ProgLoad<'_>,
    maps: &mut Maps<'_>,
) -> Option<String> {
    let last = allowed_return(hook.prog_type, hook.expected_attach_type);
    let map = maps.fitting(proto.helper);
    // Helper 5 clobbers r1 to r5.
    let mut text = "r6 = r1\ncall 5\n".to_owned();
    let after = match change {
        Change::Packet(_) => packet(hook.prog_type).map(|packet| (packet, ""))?,
        Change::PacketAfter => {
            packet(hook.prog_type).map(|packet| (packet, "r0 = *(u8 *)(r7 +0)"))?
        }
        Change::Fitting
        | Change::OneLess
        | Change::ReadOnly(_)
        | Change::Zero(_)
        | Change::Null(_) => (String::new(), ""),
    };
    text += &after.0;
    for word in 1..=8 {
        text += &format!("*(u64 *)(r10 -{}) = 0\n", word * 8);
    }
    for (index, arg) in proto.args.iter().enumerate() {
        let reg = index + 1;
        let fitting = value(reg, *arg, map, maps)?;
        let changed = match change {
            Change::OneLess if reg == proto.args.len() => String::new(),
            Change::ReadOnly(at) if at == index => read_only(reg, maps),
            Change::Zero(at) if at == index => format!("r{reg} = 0"),
            Change::Null(at) if at == index || at + 1 == index && is_size(*arg) => {
                format!("r{reg} = 0")
            }
            Change::Packet(at) if at == index => format!("r{reg} = r7"),
            Change::Fitting
            | Change::OneLess
            | Change::ReadOnly(_)
            | Change::Zero(_)
            | Change::Null(_)
            | Change::Packet(_)
            | Change::PacketAfter => fitting,
        };
        text += &changed;
        text.push('\n');
    }
    let (call, release) = (proto.helper.number(), release(proto));
    let after = after.1;
    Some(text + &format!("call {call}\n{release}\n{after}\nout:\nr0 = {last}\nexit"))
}

/// The text that puts the address of 64 bytes of the packet into r7.
fn packet(prog_type: ProgType) -> Option<String> {
    let fields = context::of(prog_type).as_struct()?;
    let load = |kind| {
        let readable = |field: &&Field| {
            field.kind == kind
                && fields.access(Access::load(field.offset, field.bytes), None).is_ok()
        };
        let field = fields.layout.fields.iter().find(readable)?;
        Some(format!("*(u{} *)(r6 +{})", field.bytes * 8, field.offset))
    };
    let (data, end) = (load(FieldKind::PacketData)?, load(FieldKind::PacketEnd)?);
    Some(format!("r7 = {data}\nr8 = {end}\nr9 = r7\nr9 += 64\nif r9 > r8 goto out\n"))
}

/// The text that gives back the reference in r0, if there is one.
fn release(proto: &Proto) -> &'static str {
    if !proto.acquires {
        ""
    } else if proto.ret == Ret::RingbufMemOrNull {
        "if r0 == 0 goto null\nr1 = r0\nr2 = 0\ncall bpf_ringbuf_discard\nnull:"
    } else {
        "if r0 == 0 goto null\nr1 = r0\ncall bpf_sk_release\nnull:"
    }
}

fn is_size(arg: Arg) -> bool {
    matches!(arg, Arg::Size { .. })
}

/// The changes of a fitting call, and whether what comes out fits too.
fn changes(proto: &Proto) -> Vec<(Change, bool)> {
    let mut changes = vec![(Change::Fitting, true)];
    if !proto.args.is_empty() {
        changes.push((Change::OneLess, false));
    }
    for (index, arg) in proto.args.iter().enumerate() {
        match *arg {
            Arg::Mem { access, nullable, .. } | Arg::MapValue { access, nullable } => {
                changes.push((Change::ReadOnly(index), access == MemAccess::Read));
                let size = proto.args.get(index + 1).copied().filter(|_| arg.is_sized_by_next());
                let zero_ok = size.is_none_or(|size| size == Arg::Size { zero_ok: true });
                changes.push((Change::Null(index), nullable && zero_ok));
            }
            Arg::Size { zero_ok } => changes.push((Change::Zero(index), zero_ok)),
            Arg::Ctx { nullable } => changes.push((Change::Null(index), nullable)),
            // What a neighbour of these is, takes more than a register.
            _ => {}
        }
    }
    changes
}

/// Asks the kernel about changes of calls, at each hook and for each helper there is at it, and
/// compares with what is expected.
fn compare(
    engine: &LinuxEngine,
    mut changes: impl FnMut(&ProgLoad<'_>, &'static Proto) -> Vec<(Change, bool)>,
) {
    let mut maps = Maps::new(engine);
    let mut wrong = Vec::new();
    each_hook(engine, |hook| {
        for helper in HelperId::ALL.iter().filter(|helper| !CONFIGURED.contains(helper)) {
            let there = proto::proto(*helper, hook.prog_type, hook.expected_attach_type);
            let Some(proto) = there.filter(|proto| !proto.might_sleep) else { continue };
            for (change, expected) in changes(hook, proto) {
                let Some(text) = program(proto, change, hook, &mut maps) else { continue };
                let call = code(&text);
                let load = ProgLoad { code: &call, ..hook.clone() };
                let (found, log) = verdict(engine, &load).expect("it has a log");
                if found != expected {
                    let prog_type = hook.prog_type;
                    wrong.push(format!("{prog_type} {helper} {change:?}: {found}\n{text}\n{log}"));
                }
            }
        }
    });
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn calls_are_accepted_as_the_kernel_does() {
    let test = "calls_are_accepted_as_the_kernel_does";
    let Some(engine) = kernel(test) else { return };
    if !is_described(test) {
        return;
    }
    // Each form of a helper, where it is seen first.
    let mut seen: Vec<&Proto> = Vec::new();
    compare(&engine, |_, proto| {
        if seen.contains(&proto) {
            return Vec::new();
        }
        seen.push(proto);
        changes(proto)
    });
}

#[test]
fn packet_pointers_are_passed_and_lost_as_in_the_kernel() {
    let test = "packet_pointers_are_passed_and_lost_as_in_the_kernel";
    let Some(engine) = kernel(test) else { return };
    if !is_described(test) {
        return;
    }
    compare(&engine, |hook, proto| {
        let packet = context::of(hook.prog_type).packet();
        let mut changes = vec![(Change::PacketAfter, !proto.changes_packet)];
        for (index, arg) in proto.args.iter().enumerate() {
            let Some(access) = arg.access().filter(|_| *arg != Arg::ConstStr) else { continue };
            let writes = packet.writes() || !access.writes();
            // The packet begins two bytes off a word, so that network headers are aligned.
            let size = MemSize::Fixed { bytes: 8, aligned: true };
            let aligned = !matches!(*arg, Arg::Mem { size: found, .. } if found == size);
            let fits = packet.passes(proto.pkt_access) && writes && aligned;
            changes.push((Change::Packet(index), fits));
        }
        changes
    });
}
