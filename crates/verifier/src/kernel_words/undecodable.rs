//! The kernel's words for bytes that are no instruction.

use skep_spec::decode::{DecodeError, DecodeErrorKind};
use skep_spec::opcode::{
    BPF_EXIT, BPF_JA, BPF_JMP, BPF_JMP32, BPF_LDX, BPF_MEM, BPF_MEMSX, CLASS_MASK, MODE_MASK,
};
use skep_spec::raw::Raw;

/// The last line that the kernel's log has on bytes that are no instructions; empty where it has
/// none.
#[must_use]
pub fn undecodable(bytes: &[u8], error: &DecodeError) -> String {
    let last = bytes.len().checked_sub(Raw::SIZE).and_then(|at| bytes.get(at..)?.first_chunk());
    let ends = last.is_some_and(|last| ENDS.contains(&Raw::from_bytes(*last).opcode));
    match error.kind {
        // A load command of such a length fails before there is a log.
        DecodeErrorKind::PartialSlot { .. } => String::new(),
        // The kernel looks at the end of the program before it looks at its instructions.
        _ if !ends => "last insn is not an exit or jmp".into(),
        DecodeErrorKind::UnknownOpcode { opcode } => match opcode & CLASS_MASK {
            // And at how loads address memory before it looks at opcodes.
            BPF_LDX if !MODES.contains(&(opcode & MODE_MASK)) => {
                "BPF_LDX uses reserved fields".into()
            }
            _ => format!("unknown opcode {opcode:02x}"),
        },
        DecodeErrorKind::Field { form, .. } => format!("{form} uses reserved fields"),
        DecodeErrorKind::Register { number, .. } => format!("R{number} is invalid"),
        DecodeErrorKind::LdImm64SecondMissing | DecodeErrorKind::LdImm64Second { .. } => {
            "invalid bpf_ld_imm64 insn".into()
        }
        DecodeErrorKind::LdImm64Pseudo { .. } => "unrecognized bpf_ld_imm64 insn".into(),
        DecodeErrorKind::AtomicOperation { imm } => {
            format!("BPF_ATOMIC uses invalid atomic opcode {imm:02x}")
        }
        DecodeErrorKind::AtomicSize { .. } => "invalid atomic operand size".into(),
    }
}

/// Opcodes that a program may end with: `exit`, `goto`, `gotol`.
const ENDS: [u8; 3] = [BPF_JMP | BPF_EXIT, BPF_JMP | BPF_JA, BPF_JMP32 | BPF_JA];

/// How loads may address memory.
const MODES: [u8; 2] = [BPF_MEM, BPF_MEMSX];
