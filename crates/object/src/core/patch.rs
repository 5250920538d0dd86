//! Writing a number into an instruction.

use skep_spec::Insn;
use skep_spec::insn::{Imm64, Operand, Size, Width};

use super::Reason;
use super::value::{Access, Answer};

/// What becomes of an instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Patched {
    /// Another of the same length.
    Insn(Insn),
    /// One that must not be reached.
    Poison {
        /// Why.
        reason: String,
    },
}

impl Patched {
    /// The instruction, if it is one.
    pub(super) fn insn(&self) -> Option<Insn> {
        match self {
            Patched::Insn(insn) => Some(*insn),
            Patched::Poison { .. } => None,
        }
    }
}

/// Why an instruction is not changed.
enum Refusal {
    /// The object is wrong.
    Wrong(Reason),
    /// The target has no such thing: the instruction must not be reached.
    Poison(Reason),
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Refusal {
        Refusal::Wrong(reason)
    }
}

/// Writes an answer into an instruction.
pub(super) fn patch(insn: Insn, answer: &Answer) -> Result<Patched, Reason> {
    let (old, new, access) = match answer {
        Answer::None { reason } => return Ok(Patched::Poison { reason: reason.clone() }),
        Answer::Value { old, new, access } => (*old, *new, *access),
    };
    match changed(insn, old, new, access) {
        Ok(insn) => Ok(Patched::Insn(insn)),
        Err(Refusal::Poison(reason)) => Ok(Patched::Poison { reason }),
        Err(Refusal::Wrong(reason)) => Err(reason),
    }
}

/// The instruction with its number, and where need be its size, replaced.
fn changed(insn: Insn, old: Option<u64>, new: u64, access: Access) -> Result<Insn, Refusal> {
    let memory = |off| Memory::new(off, old, new, access);
    Ok(match insn {
        Insn::Alu { width, op, dst, src: Operand::Imm(imm) } => {
            Insn::Alu { width, op, dst, src: Operand::Imm(immediate(width, imm, old, new)?) }
        }
        Insn::Mov { width, dst, src: Operand::Imm(imm) } => {
            Insn::Mov { width, dst, src: Operand::Imm(immediate(width, imm, old, new)?) }
        }
        Insn::LoadImm64 { dst, imm: Imm64::Value(value) } => {
            expect(old, value)?;
            Insn::LoadImm64 { dst, imm: Imm64::Value(new) }
        }
        Insn::Load { size, signed, dst, src, off } => {
            let Memory { off, resized } = memory(off)?;
            let size = resized.apply(size)?;
            if signed && size == Size::DW {
                return Err(Refusal::Wrong("no load of 8 bytes extends a sign".to_owned()));
            }
            Insn::Load { size, signed, dst, src, off }
        }
        Insn::Store { size, dst, off, src } => {
            let Memory { off, resized } = memory(off)?;
            Insn::Store { size: resized.apply(size)?, dst, off, src }
        }
        Insn::Atomic { size, op, dst, off, src } => {
            let Memory { off, resized } = memory(off)?;
            let size = resized.apply(size)?;
            if matches!(size, Size::B | Size::H) {
                let reason = "there is no atomic access to fields this small";
                return Err(Refusal::Wrong(reason.to_owned()));
            }
            Insn::Atomic { size, op, dst, off, src }
        }
        Insn::LoadAcquire { size, dst, src, off } => {
            let Memory { off, resized } = memory(off)?;
            Insn::LoadAcquire { size: resized.apply(size)?, dst, src, off }
        }
        Insn::StoreRelease { size, dst, src, off } => {
            let Memory { off, resized } = memory(off)?;
            Insn::StoreRelease { size: resized.apply(size)?, dst, src, off }
        }
        Insn::Alu { .. }
        | Insn::Mov { .. }
        | Insn::LoadImm64 { .. }
        | Insn::Neg { .. }
        | Insn::MovSx { .. }
        | Insn::AddrSpaceCast { .. }
        | Insn::Swap { .. }
        | Insn::LoadPacket { .. }
        | Insn::Goto { .. }
        | Insn::GotoLong { .. }
        | Insn::Branch { .. }
        | Insn::MayGoto { .. }
        | Insn::Call(_)
        | Insn::Exit => {
            let reason = format!("`{insn}` has no number that could be replaced");
            return Err(Refusal::Wrong(reason));
        }
    })
}

/// The compiler's number must be what the object's own types say.
fn expect(required: Option<u64>, found: u64) -> Result<(), Reason> {
    match required {
        Some(required) if required != found => Err(format!(
            "the instruction has {}, where the object's types say {}",
            found.cast_signed(),
            required.cast_signed()
        )),
        _ => Ok(()),
    }
}

/// A 32-bit immediate, which 64-bit operations sign-extend.
fn immediate(width: Width, found: i32, old: Option<u64>, new: u64) -> Result<i32, Reason> {
    expect(old, i64::from(found).cast_unsigned())?;
    let signed = i32::try_from(new.cast_signed());
    let unsigned = || u32::try_from(new).map(u32::cast_signed);
    let fitting = match width {
        Width::W64 => signed,
        Width::W32 => signed.or_else(|_| unsigned()),
    };
    fitting.map_err(|_| format!("the answer {new} does not fit a 32-bit immediate"))
}

/// How a load or store changes.
struct Memory {
    off: i16,
    resized: Resized,
}

impl Memory {
    fn new(off: i16, old: Option<u64>, new: u64, access: Access) -> Result<Memory, Refusal> {
        expect(old, i64::from(off).cast_unsigned())?;
        let off = i16::try_from(new)
            .map_err(|_| format!("the answer {new} does not fit a 16-bit offset"))?;
        let resized = match access {
            Access::Same => Resized(None),
            Access::Resized { from, to } => Resized(Some((from, to))),
            Access::Impossible { from, to } => {
                return Err(Refusal::Poison(format!(
                    "the field has {to} bytes, the program accesses {from}, and only pointers \
                     and unsigned integers can be adapted"
                )));
            }
        };
        Ok(Memory { off, resized })
    }
}

/// The bytes that must be accessed now, and those that are to be, if that changes.
struct Resized(Option<(u32, u32)>);

impl Resized {
    fn apply(&self, size: Size) -> Result<Size, Reason> {
        match self.0 {
            None => Ok(size),
            Some((from, _)) if size.bytes() != from as usize => Err(format!(
                "the instruction accesses {} bytes, where the object's types say {from}",
                size.bytes()
            )),
            Some((_, to)) => size_of_bytes(to)
                .ok_or_else(|| format!("there is no access to a field of {to} bytes")),
        }
    }
}

fn size_of_bytes(bytes: u32) -> Option<Size> {
    match bytes {
        1 => Some(Size::B),
        2 => Some(Size::H),
        4 => Some(Size::W),
        8 => Some(Size::DW),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use skep_spec::asm::assemble;

    use super::*;

    /// Writes an answer into an instruction; the outcome in words.
    #[track_caller]
    fn check(insn: &str, answer: (Option<u64>, u64, Access), expected: &str) {
        let code = assemble(insn).expect("it assembles");
        let (_, &insn) = code.iter().next().expect("one instruction");
        let (old, new, access) = answer;
        let found = match patch(insn, &Answer::Value { old, new, access }) {
            Ok(Patched::Insn(insn)) => insn.to_string(),
            Ok(Patched::Poison { reason }) => format!("poison: {reason}"),
            Err(reason) => format!("error: {reason}"),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn offsets_of_loads_and_stores() {
        let same = |old, new| (Some(old), new, Access::Same);
        check("r1 = *(u32 *)(r2 +8)", same(8, 32767), "r1 = *(u32 *)(r2 +32767)");
        check(
            "r1 = *(u32 *)(r2 +8)",
            same(8, 32768),
            "error: the answer 32768 does not fit a 16-bit offset",
        );
        check("*(u8 *)(r1 +1) = 7", same(1, 2), "*(u8 *)(r1 +2) = 7");
        check("lock *(u64 *)(r1 +8) += r2", same(8, 16), "lock *(u64 *)(r1 +16) += r2");
        check(
            "r1 = *(u32 *)(r2 +8)",
            same(12, 16),
            "error: the instruction has 8, where the object's types say 12",
        );
    }

    #[test]
    fn sizes_of_loads_and_stores() {
        let resized = |from, to| (Some(0), 0, Access::Resized { from, to });
        check("r1 = *(u32 *)(r2 +0)", resized(4, 8), "r1 = *(u64 *)(r2 +0)");
        check("*(u64 *)(r2 +0) = r1", resized(8, 1), "*(u8 *)(r2 +0) = r1");
        check(
            "r1 = *(u32 *)(r2 +0)",
            resized(4, 3),
            "error: there is no access to a field of 3 bytes",
        );
        check(
            "r1 = *(u16 *)(r2 +0)",
            resized(4, 8),
            "error: the instruction accesses 2 bytes, where the object's types say 4",
        );
        check(
            "lock *(u32 *)(r1 +0) += r2",
            resized(4, 2),
            "error: there is no atomic access to fields this small",
        );
        check("r1 = *(s32 *)(r2 +0)", resized(4, 8), "error: no load of 8 bytes extends a sign");
        check(
            "r1 = *(u32 *)(r2 +0)",
            (Some(0), 0, Access::Impossible { from: 4, to: 8 }),
            "poison: the field has 8 bytes, the program accesses 4, and only pointers and \
             unsigned integers can be adapted",
        );
    }

    #[test]
    fn immediates() {
        let same = |old, new| (Some(old), new, Access::Same);
        check("r1 = 4", same(4, 0x7fff_ffff), "r1 = 2147483647");
        check(
            "r1 = 4",
            same(4, 0x8000_0000),
            "error: the answer 2147483648 does not fit a 32-bit immediate",
        );
        check("w1 = 4", same(4, 0xffff_ffff), "w1 = -1");
        check(
            "w1 = 4",
            same(4, 0x1_0000_0000),
            "error: the answer 4294967296 does not fit a 32-bit immediate",
        );
        check("r1 += -8", same(8u64.wrapping_neg(), 16), "r1 += 16");
        check("r1 = 0x5 ll", same(5, u64::MAX), "r1 = 0xffffffffffffffff ll");
        check("r1 = r2", same(0, 1), "error: `r1 = r2` has no number that could be replaced");
        check("exit", same(0, 1), "error: `exit` has no number that could be replaced");
    }
}
