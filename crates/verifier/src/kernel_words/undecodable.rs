//! The kernel's words for bytes that are no instruction.

use skep_spec::decode::{DecodeError, DecodeErrorKind};

/// The last line that the kernel's log has on bytes that are no instructions; empty where it has
/// none.
#[must_use]
pub fn undecodable(error: &DecodeError) -> String {
    match error.kind {
        // A load command of such a length fails before there is a log.
        DecodeErrorKind::PartialSlot { .. } => String::new(),
        DecodeErrorKind::UnknownOpcode { opcode } => format!("unknown opcode {opcode:02x}"),
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
