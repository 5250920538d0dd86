//! What to say of loads and stores.

use skep_spec::abi::ProgType;
use skep_spec::insn::{Insn, Reg};

use super::{Advice, Subject, fails_at};
use crate::domain::Scalar;
use crate::explain::Scene;
use crate::explain::things::{bytes, numbers, signed, span};
use crate::rejection::{Beyond, Direction, Extent, Reason};
use crate::state::Register;
use crate::state::register::Kind;

pub(super) fn advice(scene: &Scene<'_>) -> Option<Advice> {
    Some(match &scene.rejection.reason {
        Reason::Outside { extent, beyond } => outside(scene, extent, *beyond),
        Reason::NotMemory { reg, found } => not_memory(scene, *reg, found),
        Reason::Context { off, size } => context(scene, *off, *size),
        Reason::StackRead { off, byte, size } => uninitialised(*off, *byte, *size),
        Reason::StackReadHelper { reg, off, byte, size } => {
            uninitialised(*off, *byte, *size).about(Subject::register(*reg))
        }
        Reason::Stack { reg, off, size, .. } => Advice::new(
            "access outside of the stack",
            format!("{} from the frame pointer", span((*off).into(), *size)),
        )
        .note("the stack of a function is the 512 bytes below the frame pointer")
        .help("keep large objects in a map (a per-CPU array with one entry serves as scratch)")
        .about(Subject::register(*reg)),
        Reason::StackUnbounded { reg, .. } | Reason::StackVariable { reg, .. } => Advice::new(
            "the place on the stack may be outside of the stack",
            format!("the offset may be {}", variable(scene, *reg)),
        )
        .help("bound the index first: `if (i < SIZE)`, with `i` unsigned")
        .about(Subject::number(*reg)),
        Reason::WriteProtected { reg, found } => {
            Advice::new(format!("{} cannot be written", scene.target(found)), "this writes to it")
                .about(Subject::register(*reg))
        }
        Reason::MapProtected { direction, .. } => match direction {
            Direction::Write => Advice::new("programs may only read this map", "this writes to it")
                .note("constants (`.rodata`) and maps made with BPF_F_RDONLY_PROG are read-only"),
            Direction::Read => Advice::new("programs may only write this map", "this reads it")
                .note("it was made with BPF_F_WRONLY_PROG"),
        },
        Reason::PacketWrite => {
            Advice::new("programs of this type may not write to the packet", "this writes to it")
                .help("`bpf_skb_store_bytes` may be what you want, where the type has it")
        }
        Reason::SpecialField { kind, .. } => Advice::new(
            format!("the field `{}` belongs to the kernel", kind.name()),
            "this access touches it",
        )
        .help("leave it to its helpers; copy other fields one by one"),
        Reason::PointerModified { reg, pointer, off } => Advice::new(
            format!("a pointer to {} must not be moved before it is used", scene.target(pointer)),
            format!("it was moved by {off}"),
        )
        .help(
            "load the field by a constant offset from the pointer; the compiler may have computed \
             the address first, which `volatile` on the access or `barrier_var` prevents",
        )
        .about(Subject::register(*reg)),
        Reason::PointerVariable { reg, pointer } => Advice::new(
            format!("the place in {} is not known", scene.target(pointer)),
            format!("its offset may be {}", numbers(&pointer.value)),
        )
        .help("use constant offsets: `switch` over the cases, or unroll the loop")
        .about(Subject::number(*reg)),
        Reason::DifferentPointers => Advice::new(
            "this instruction is reached with pointers of different kinds",
            "on one path the pointer is of another kind than here",
        )
        .note("the kernel rewrites accesses to contexts and sockets, and can do so in one way only")
        .help(
            "the compiler has merged the accesses of two branches: load into a variable in each \
             branch, with `barrier_var` behind it",
        ),
        Reason::Misaligned { size, .. } | Reason::MisalignedPacket { size, .. } => Advice::new(
            "the access is not aligned",
            format!("{} must begin at a multiple of {size}", bytes(*size)),
        ),
        Reason::KernelWrite => {
            Advice::new("objects of the kernel can only be read", "this writes to one")
        }
        _ => return None,
    })
}

/// What a variable offset may be.
fn variable(scene: &Scene<'_>, reg: Reg) -> String {
    scene.register(reg).map_or_else(|| "anything".into(), |register| numbers(&register.value))
}

fn verb(scene: &Scene<'_>) -> &'static str {
    let writes = |insn: &Insn| matches!(insn, Insn::Store { .. } | Insn::StoreRelease { .. });
    if fails_at(scene, |insn| matches!(insn, Insn::Call(_))) {
        "given to the call"
    } else if fails_at(scene, writes) {
        "written"
    } else {
        "read"
    }
}

fn outside(scene: &Scene<'_>, extent: &Extent, beyond: Beyond) -> Advice {
    let Extent { reg, pointer, off, size, limit } = *extent;
    if pointer.kind.is_packet() || beyond == Beyond::Packet {
        return packet(scene, reg, &pointer, off, size);
    }
    let target = scene.target(&pointer);
    let verb = verb(scene);
    let what = span(off, size);
    let title = match beyond {
        Beyond::MinNegative | Beyond::Min => format!("the access may be before {target}"),
        Beyond::Unbounded | Beyond::Max => format!("the access may be behind {target}"),
        Beyond::Packet | Beyond::Fixed => format!("the access is outside of {target}"),
    };
    let label = format!("{what} of {limit} may be {verb}");
    let mut advice = Advice::new(title, label).about(Subject::number(reg));
    if pointer.has_variable_offset() {
        let range = numbers(&pointer.value);
        advice = advice.note(format!("the offset is {}, plus {}", pointer.off, range));
    }
    let room = i64::from(limit) - i64::from(size);
    match beyond {
        Beyond::MinNegative | Beyond::Min => {
            advice = advice.help("make the index unsigned, or test `index >= 0` as well");
        }
        Beyond::Unbounded | Beyond::Max | Beyond::Fixed | Beyond::Packet => {}
    }
    let too_high = matches!(beyond, Beyond::Unbounded | Beyond::Max);
    if pointer.has_variable_offset() && too_high {
        advice = advice.help(format!(
            "compare the offset with the size right before the access, so that it is at most \
             {room}: `if (offset > {room}) return 0;`"
        ));
        if let Some(mask) = mask_for(&pointer.value, room) {
            advice = advice.help(format!("or mask it: `offset & {mask:#x}`"));
        }
    } else if let Kind::MapValue { map, .. } = pointer.kind {
        advice =
            advice.note(format!("a value of map {} has {}", scene.map_name(map), bytes(limit)));
    }
    advice
}

/// The largest mask that keeps an offset within bounds.
fn mask_for(_offset: &Scalar, room: i64) -> Option<u64> {
    let room = u64::try_from(room).ok().filter(|room| *room > 0)?;
    let bits = u64::BITS - (room + 1).leading_zeros() - 1;
    Some((1_u64 << bits) - 1).filter(|mask| *mask > 0)
}

fn packet(scene: &Scene<'_>, reg: Reg, pointer: &Register, off: i64, size: u32) -> Advice {
    let known = match pointer.kind {
        Kind::Packet { range } | Kind::PacketMeta { range } => range.bytes(),
        _ => 0,
    };
    let start = off.max(0);
    let title = "the packet may end before the bytes that are accessed";
    let label = format!("{} from the pointer, {}", span(start, size), verb(scene));
    let needed = start.saturating_add(size.into());
    let advice = Advice::new(title, label).about(Subject::register(reg));
    let advice = if known == 0 {
        advice.note("no comparison with `data_end` holds for this pointer here")
    } else {
        advice.note(format!(
            "from where the pointer points, {} are known to be there; {needed} are needed",
            bytes(known.into())
        ))
    };
    let advice = if pointer.has_variable_offset() {
        let range = numbers(&pointer.value);
        let advice = advice.note(format!("the pointer was moved by {range}"));
        let max = i64::try_from(pointer.value.u64.max).unwrap_or(i64::MAX);
        if max.saturating_add(needed) > 0xffff {
            return advice.help(format!(
                "bound what is added to the pointer first: comparisons with `data_end` count only \
                 for offsets that stay below 65535, and this one may be {}",
                signed(max)
            ));
        }
        advice
    } else {
        advice
    };
    advice.help(format!(
        "compare before the access, with the same pointer: `if ((void *)p + {needed} > data_end) \
         return …;`"
    ))
}

fn not_memory(scene: &Scene<'_>, reg: Reg, found: &Register) -> Advice {
    let subject = Subject::register(reg);
    if found.nullable {
        let target = scene.target(found);
        return Advice::new(
            "the pointer may be null",
            format!("it points to {target}, or is null; this uses it without a test"),
        )
        .help("test it first: `if (!p) return 0;`")
        .about(subject);
    }
    match found.kind {
        Kind::Scalar if found.is_null() => {
            Advice::new("a null pointer is dereferenced", "the pointer is null on this path")
                .about(subject)
        }
        Kind::Scalar => {
            let advice = Advice::new(
                "a number is used as an address",
                format!("what is used here is a number ({})", numbers(&found.value)),
            )
            .note("programs may only follow pointers that the verifier knows")
            .about(subject);
            match scene.input.prog_type {
                ProgType::Kprobe
                | ProgType::Tracepoint
                | ProgType::PerfEvent
                | ProgType::RawTracepoint
                | ProgType::RawTracepointWritable => advice.help(
                    "read what kernel pointers point to with `bpf_probe_read_kernel` or \
                     `BPF_CORE_READ`, and user pointers with `bpf_probe_read_user`",
                ),
                _ => advice.help(
                    "keep the pointer a pointer: arithmetic on half of it, a detour through an \
                     integer or through memory of a map makes a number of it",
                ),
            }
        }
        Kind::PacketEnd => Advice::new(
            "the end of the packet is dereferenced",
            "`data_end` may only be compared with",
        )
        .about(subject),
        _ => Advice::new(
            format!("{} cannot be accessed by loads and stores", scene.thing(found)),
            "this does",
        )
        .about(subject),
    }
}

fn context(scene: &Scene<'_>, off: i32, size: u32) -> Advice {
    let program = scene.input.prog_type.name();
    let writes = fails_at(scene, |insn| {
        matches!(insn, Insn::Store { .. } | Insn::StoreRelease { .. } | Insn::Atomic { .. })
    });
    let how = if writes { "written" } else { "read" };
    let attach = scene.input.attach_type.filter(|attach| attach.number() != 0);
    let attach = attach.map_or(String::new(), |attach| format!(" attached as {}", attach.name()));
    Advice::new(
        format!("this part of the context cannot be {how} by a program of type {program}"),
        format!("{} of the context", span(off.into(), size)),
    )
    .note(format!(
        "which fields there are, how wide they may be accessed and whether they may be written \
         depends on the program type{attach}"
    ))
    .help("see that the section's name is right, and access fields whole")
}

fn uninitialised(off: i32, byte: u32, size: u32) -> Advice {
    let start = i64::from(off) + i64::from(byte);
    Advice::new(
        "memory on the stack is read before it was written",
        format!("byte {byte} of {size} has no value (at {start} from the frame pointer)"),
    )
    .help(
        "initialise the whole variable, padding included: `struct key key = {};` does not always \
           clear padding, `__builtin_memset(&key, 0, sizeof(key))` does",
    )
}
