//! One instruction as it stands in memory: a `struct sock_filter`.

/// The four fields of an instruction, any values (`struct sock_filter`, `linux/filter.h`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Raw {
    /// The operation.
    pub code: u16,
    /// Of a conditional jump: how many instructions to skip if the condition holds.
    pub jt: u8,
    /// Of a conditional jump: how many instructions to skip if it does not.
    pub jf: u8,
    /// The number that the operation works with.
    pub k: u32,
}

impl Raw {
    /// The size in bytes.
    pub const SIZE: usize = 8;

    /// Splits eight bytes into fields, little-endian as on every machine that skep runs on.
    pub const fn from_bytes(bytes: [u8; Raw::SIZE]) -> Raw {
        let [code0, code1, jt, jf, k0, k1, k2, k3] = bytes;
        Raw {
            code: u16::from_le_bytes([code0, code1]),
            jt,
            jf,
            k: u32::from_le_bytes([k0, k1, k2, k3]),
        }
    }

    /// The fields as eight bytes.
    pub const fn to_bytes(self) -> [u8; Raw::SIZE] {
        let [code0, code1] = self.code.to_le_bytes();
        let [k0, k1, k2, k3] = self.k.to_le_bytes();
        [code0, code1, self.jt, self.jf, k0, k1, k2, k3]
    }
}

/// Splits bytes into instructions.
///
/// # Errors
///
/// How many bytes are left over, if their number is no multiple of eight.
pub fn from_bytes(bytes: &[u8]) -> Result<Vec<Raw>, usize> {
    let (chunks, rest) = bytes.as_chunks();
    if rest.is_empty() {
        Ok(chunks.iter().map(|bytes| Raw::from_bytes(*bytes)).collect())
    } else {
        Err(rest.len())
    }
}

/// The bytes of instructions, one after the other.
pub fn to_bytes(raws: &[Raw]) -> Vec<u8> {
    raws.iter().flat_map(|raw| raw.to_bytes()).collect()
}
