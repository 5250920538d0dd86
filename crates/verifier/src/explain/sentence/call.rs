//! What to say of calls.

use skep_spec::abi::HelperId;
use skep_spec::abi::proto;
use skep_spec::insn::Reg;

use super::{Advice, Subject};
use crate::explain::Scene;
use crate::explain::things::numbers;
use crate::rejection::Reason;

pub(super) fn advice(scene: &Scene<'_>) -> Option<Advice> {
    let program = scene.input.prog_type.name();
    let called = scene.rejection.at.and_then(|at| scene.helper_at(at));
    let name = called.map_or_else(|| "the function".into(), |id| format!("`{}`", id.name()));
    Some(match &scene.rejection.reason {
        Reason::NoHelper { number } if *number == POISON_CORE => Advice::new(
            "a field or type that the program asks for is not in the kernel's types",
            "this access could not be adapted, and can be reached",
        )
        .help("test for it first: `if (bpf_core_field_exists(…))`"),
        Reason::NoHelper { number } => {
            Advice::new(format!("there is no helper number {number}"), "called here")
        }
        Reason::HelperProgramType(helper) => Advice::new(
            format!("programs of type {program} cannot call `{}`", helper.name()),
            "called here",
        )
        .note(who_can(*helper)),
        Reason::HelperLicence(helper) => {
            Advice::new(format!("`{}` is for programs under the GPL", helper.name()), "called here")
                .help("if that is so: `char LICENSE[] SEC(\"license\") = \"GPL\";`")
        }
        Reason::HelperSleeps(helper) => Advice::new(
            format!("`{}` may sleep, and the program must not", helper.name()),
            "called here",
        )
        .help("name the section with `.s`, where the hook allows it: `SEC(\"fentry.s/…\")`"),
        Reason::ArgumentKind { reg, found, expected } => Advice::new(
            format!("argument {} of {name} is of the wrong kind", reg.index()),
            format!("this is {}", scene.thing(found)),
        )
        .note(format!("it takes: {}", kinds(expected)))
        .about(Subject::register(*reg)),
        Reason::ArgumentNull { reg } => Advice::new(
            format!("argument {} of {name} may be null", reg.index()),
            "given without a test",
        )
        .help("test it first: `if (!p) return 0;`")
        .about(Subject::register(*reg)),
        Reason::ArgumentNotConstant(reg) => Advice::new(
            format!("argument {} of {name} must be a constant", reg.index()),
            given(scene, *reg),
        )
        .about(Subject::register(*reg)),
        Reason::ArgumentReadOnly { reg, found, .. } => Advice::new(
            format!("{name} writes to its argument {}", reg.index()),
            format!("{} is read-only", scene.thing(found)),
        )
        .about(Subject::register(*reg)),
        Reason::SizeNegative { reg, size } => Advice::new(
            format!("the size that {name} is given may be negative"),
            format!("it is {}", numbers(size)),
        )
        .help("make it unsigned, or test `size >= 0` as well; a mask `size & (MAX - 1)` does both")
        .about(Subject::register(*reg)),
        Reason::SizeUnbounded { reg, size } => Advice::new(
            format!("the size that {name} is given is not bounded"),
            format!("it is {}", numbers(size)),
        )
        .help("bound it right before the call: `if (size > MAX) return 0;` or `size &= MAX - 1`")
        .about(Subject::register(*reg)),
        Reason::SizeZero { reg, size } => Advice::new(
            format!("the size that {name} is given may be zero"),
            format!("it is {}", numbers(size)),
        )
        .help("test `size > 0` first; of a mask, add 1 to the result")
        .about(Subject::register(*reg)),
        Reason::MapHelper { map_type, helper } => Advice::new(
            format!("`{}` does not work with maps of type {}", helper.name(), map_type.name()),
            "called here",
        ),
        Reason::HelperPacket { .. } => Advice::new(
            format!("programs of type {program} cannot give {name} memory of the packet"),
            "this is a pointer into the packet",
        )
        .help("copy it to the stack first"),
        Reason::ReleaseUnreferenced(reg) => Advice::new(
            format!("{name} is given something that the program does not hold"),
            given(scene, *reg),
        )
        .note("what a helper has handed out can be given back once, as it was")
        .about(Subject::register(*reg)),
        Reason::ReleaseOffset(reg) | Reason::ReleaseUnacquired(reg) => {
            Advice::new(format!("{name} takes what was handed out, unchanged"), given(scene, *reg))
                .about(Subject::register(*reg))
        }
        Reason::GlobalArguments { name, .. } => Advice::new(
            format!("the arguments are not what `{name}` takes"),
            "called here",
        )
        .note(
            "a global function is verified by itself, so that all it may rely on are the types \
               of its arguments",
        )
        .help("make it `static`, to have it verified with what it is given"),
        Reason::PointerOffsetNegative { reg, .. } => {
            Advice::new(format!("argument {} of {name} points too low", reg.index()), "given here")
                .about(Subject::register(*reg))
        }
        _ => return None,
    })
}

/// The helper number that stands where a CO-RE relocation has no answer (libbpf).
const POISON_CORE: i32 = 195_896_080;

/// What an argument is.
fn given(scene: &Scene<'_>, reg: Reg) -> String {
    let register = scene.register(reg);
    register.map_or_else(|| "given here".into(), |found| format!("this is {}", scene.thing(&found)))
}

/// Which programs may call a helper.
fn who_can(helper: HelperId) -> String {
    let names: Vec<_> = proto::common(helper).types.iter().map(|of| of.name()).collect();
    match names.len() {
        0 => "no program of this kernel can".into(),
        count if count > 12 => format!("programs of {count} other types can"),
        _ => format!("programs of these types can: {}", names.join(", ")),
    }
}

/// The kernel's names of kinds, as words.
fn kinds(expected: &str) -> String {
    let words = expected.split(", ").map(|kind| match kind {
        "fp" => "memory on the stack",
        "pkt" => "the packet",
        "pkt_meta" => "its metadata",
        "map_key" => "a map's key",
        "map_value" => "a map's value",
        "map_ptr" => "a map",
        "mem" => "memory from a helper",
        "ringbuf_mem" => "a ring buffer record",
        "buf" => "a buffer",
        "ctx" => "the context",
        "scalar" => "a number",
        "sock" => "a socket",
        "sock_common" => "a socket of any kind",
        "tcp_sock" => "a TCP socket",
        "xdp_sock" => "an AF_XDP socket",
        "ptr_" => "an object of the kernel",
        "trusted_ptr_" => "a trusted object of the kernel",
        "percpu_ptr_" => "a per-CPU object of the kernel",
        "func" => "a function",
        other => other,
    });
    words.collect::<Vec<_>>().join(", ")
}
