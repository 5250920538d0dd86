//! What to say of arithmetic, registers and comparisons.

use skep_spec::insn::{Insn, Reg};

use super::{Advice, Subject, fails_at};
use crate::explain::Scene;
use crate::explain::things::{numbers, signed};
use crate::rejection::Reason;

pub(super) fn advice(scene: &Scene<'_>) -> Option<Advice> {
    Some(match &scene.rejection.reason {
        Reason::Uninit(Reg::R0) if fails_at(scene, |insn| matches!(insn, Insn::Exit)) => {
            Advice::new(
                "the program can end without a return value",
                "on this path nothing is returned",
            )
            .help("return a value on every path")
        }
        Reason::Uninit(reg) => Advice::new(
            format!("{reg} is used before it has a value"),
            format!("{reg} has no value on this path"),
        )
        .help("initialise the variable on every path; of helpers, give all arguments")
        .about(Subject::register(*reg)),
        Reason::FramePointerWrite => {
            Advice::new("r10 cannot be written", "the frame pointer stays what it is")
        }
        Reason::DivByZero => Advice::new("division by zero", "the divisor is the constant 0"),
        Reason::Shift(by) => Advice::new(
            format!("shift by {by}, which is not less than the width"),
            "the result would be undefined",
        ),
        Reason::PointerArithmeticNullable { reg, pointer } => Advice::new(
            "the pointer may be null where it is moved",
            format!("{} is moved before it is tested", scene.thing(pointer)),
        )
        .help("test it first, then move it: the compiler may have put the addition before the test")
        .about(Subject::register(*reg)),
        Reason::PointerArithmeticKind { reg, pointer } => {
            Advice::new(format!("{} cannot be moved", scene.thing(pointer)), "this adds to it")
                .about(Subject::register(*reg))
        }
        Reason::PointerArithmetic32(reg) => Advice::new(
            "half of a pointer is computed with",
            "this is 32-bit arithmetic on a pointer, which leaves half of it",
        )
        .help("use `long` or `__u64` for what holds an address")
        .about(Subject::register(*reg)),
        Reason::PointerUnary(reg)
        | Reason::PointerBitwise { reg, .. }
        | Reason::PointerOperator { reg, .. } => Advice::new(
            "only numbers can be added to and subtracted from a pointer",
            "this is another operation",
        )
        .about(Subject::register(*reg)),
        Reason::PointerAndPointer { reg, .. } => {
            Advice::new("two pointers are combined", "both are pointers")
                .about(Subject::register(*reg))
        }
        Reason::PointerSubtractedFromScalar(reg) => {
            Advice::new("a pointer is subtracted from a number", "the second one is a pointer")
                .about(Subject::register(*reg))
        }
        Reason::PointerDistance { pointer, number }
        | Reason::PointerOutOfBounds { pointer, number } => {
            let advice = Advice::new(
                format!("the pointer to {} may be moved too far", scene.target(pointer)),
                format!("by {}: {}", signed(*number), added(scene)),
            )
            .note("a pointer may be moved by less than 512 MiB")
            .about(added_register(scene)?);
            if *number < 0 {
                advice.help(
                    "make the index unsigned: a signed comparison lets negative numbers through",
                )
            } else {
                advice.help("compare the index with the size first")
            }
        }
        Reason::PointerOffset { pointer, off } => Advice::new(
            format!("the pointer to {} would be moved too far", scene.target(pointer)),
            format!("by {off}"),
        ),
        Reason::PointerUnbounded { pointer } => Advice::new(
            "what is added to the pointer may be anything",
            format!(
                "the pointer to {} may come to lie anywhere: {}",
                scene.target(pointer),
                added(scene)
            ),
        )
        .help(
            "bound the number first: test that it is not negative, or make it unsigned, and \
               compare it with the size",
        )
        .about(added_register(scene)?),
        _ => return None,
    })
}

/// The register that is added to a pointer where the program fails.
fn added_register(scene: &Scene<'_>) -> Option<Subject> {
    let insn = scene.rejection.at.and_then(|at| scene.input.code.get(at))?;
    let Insn::Alu { dst, src, .. } = *insn else { return None };
    let src = match src {
        skep_spec::insn::Operand::Reg(src) => src,
        skep_spec::insn::Operand::Imm(_) => return Some(Subject::register(dst)),
    };
    let is_number = |reg| scene.register(reg).is_some_and(|register| register.is_scalar());
    Some(Subject::register(if is_number(src) { src } else { dst }))
}

fn added(scene: &Scene<'_>) -> String {
    let register = added_register(scene).and_then(|subject| scene.register(subject.reg));
    match register {
        Some(register) if register.is_scalar() => {
            format!("what is added is {}", numbers(&register.value))
        }
        Some(_) | None => "what is added is not bounded".into(),
    }
}
