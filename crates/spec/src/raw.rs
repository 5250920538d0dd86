//! One slot as it stands in memory, before anyone asks what it means.
//!
//! This is the lenient view: any eight bytes are a [`Raw`]. The strict one is
//! [`Insn`](crate::Insn), which only [`decode`](crate::decode) makes.

/// The five fields of an instruction slot (RFC 9669 section 3.1), little-endian.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Raw {
    /// The operation.
    pub opcode: u8,
    /// The destination register's number, 0 to 15.
    pub dst: u8,
    /// The source register's number, or a selector, 0 to 15.
    pub src: u8,
    /// The offset.
    pub off: i16,
    /// The immediate.
    pub imm: i32,
}

impl Raw {
    /// The size of a slot in bytes.
    pub const SIZE: usize = 8;

    /// Splits eight bytes into their fields.
    pub const fn from_bytes(bytes: [u8; Raw::SIZE]) -> Raw {
        let [opcode, registers, off0, off1, imm0, imm1, imm2, imm3] = bytes;
        Raw {
            opcode,
            dst: registers & 0x0f,
            src: registers >> 4,
            off: i16::from_le_bytes([off0, off1]),
            imm: i32::from_le_bytes([imm0, imm1, imm2, imm3]),
        }
    }

    /// The fields as eight bytes; of `dst` and `src`, the lower four bits.
    pub const fn to_bytes(self) -> [u8; Raw::SIZE] {
        let [off0, off1] = self.off.to_le_bytes();
        let [imm0, imm1, imm2, imm3] = self.imm.to_le_bytes();
        let registers = (self.dst & 0x0f) | (self.src << 4);
        [self.opcode, registers, off0, off1, imm0, imm1, imm2, imm3]
    }
}
