//! The Internet checksum (RFC 1071) in the representations that Linux lets programs see.
//!
//! A sum is a number modulo 2^16−1, but programs see 32-bit and 16-bit representations of it, in
//! which zero has two faces. What is computed here is therefore exact in the representation too:
//! end-around additions in the order of `include/net/checksum.h`. Words are taken from memory in
//! host order, as the kernel does; on a little-endian machine the bytes of a sum come out swapped,
//! which is what RFC 1071 allows and what programs expect to store back.

/// A 32-bit partial sum (`__wsum`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PartialSum(pub(crate) u32);

impl PartialSum {
    /// The sum of `bytes` on top of `seed` (`csum_partial`). An odd last byte counts as if a zero
    /// followed it.
    ///
    /// The result is zero only if seed and bytes are: every other multiple of 2^32−1 shows as
    /// `0xffff_ffff`.
    pub(crate) fn over(bytes: &[u8], seed: PartialSum) -> PartialSum {
        let mut words = bytes.chunks_exact(4);
        let mut sum = u64::from(seed.0);
        for word in &mut words {
            let mut raw = [0; 4];
            raw.copy_from_slice(word);
            sum += u64::from(u32::from_ne_bytes(raw));
            // Carries are put back long before 2^32 words could overflow the accumulator.
            sum = (sum & 0xffff_ffff) + (sum >> 32);
        }
        let mut rest = [0; 4];
        for (to, from) in rest.iter_mut().zip(words.remainder()) {
            *to = *from;
        }
        PartialSum(end_around(sum + u64::from(u32::from_ne_bytes(rest))))
    }

    /// Adds with end-around carry (`csum_add`).
    pub(crate) fn plus(self, other: PartialSum) -> PartialSum {
        let (sum, carry) = self.0.overflowing_add(other.0);
        PartialSum(sum + u32::from(carry))
    }

    /// Takes `other` away again (`csum_sub`).
    pub(crate) fn minus(self, other: PartialSum) -> PartialSum {
        self.plus(other.complement())
    }

    /// All bits turned over.
    pub(crate) fn complement(self) -> PartialSum {
        PartialSum(!self.0)
    }

    /// The sum in 16 bits (`csum_from32to16`); zero only if the partial sum is.
    pub(crate) fn narrow(self) -> u16 {
        let sum = self.0.wrapping_add(self.0.rotate_left(16));
        high_half(sum)
    }

    /// The checksum that belongs into a header field: the complement of the narrow sum
    /// (`csum_fold`).
    pub(crate) fn fold(self) -> u16 {
        !self.narrow()
    }
}

/// Carries of a 64-bit accumulator put back (`csum_finalize_sum`).
fn end_around(sum: u64) -> u32 {
    let folded = sum.wrapping_add(sum.rotate_left(32)) >> 32;
    u32::try_from(folded).expect("checksum: a value shifted right by 32 has 32 bits")
}

fn high_half(sum: u32) -> u16 {
    u16::try_from(sum >> 16).expect("checksum: a value shifted right by 16 has 16 bits")
}

/// Adds two 16-bit sums with end-around carry (`csum16_add`).
pub(crate) fn add16(sum: u16, addend: u16) -> u16 {
    let (sum, carry) = sum.overflowing_add(addend);
    sum + u16::from(carry)
}

/// The checksum `field` after a 16-bit word of the data changed (`csum_replace2`, RFC 1624).
pub(crate) fn replace2(field: u16, from: u16, to: u16) -> u16 {
    !add16(add16(!field, !from), to)
}

/// The checksum `field` after a 32-bit word of the data changed (`csum_replace4`).
pub(crate) fn replace4(field: u16, from: u32, to: u32) -> u16 {
    unfold_complement(field).minus(PartialSum(from)).plus(PartialSum(to)).fold()
}

/// The checksum `field` after the data changed by `diff` (`csum_replace_by_diff`).
pub(crate) fn replace_by_diff(field: u16, diff: PartialSum) -> u16 {
    diff.plus(unfold_complement(field)).fold()
}

/// The checksum field of a packet whose checksum a device is yet to complete: the field holds the
/// pseudo header's sum, uncomplemented, after a 32-bit word of the pseudo header changed.
pub(crate) fn replace4_partial(field: u16, from: u32, to: u32) -> u16 {
    !PartialSum(u32::from(field)).minus(PartialSum(from)).plus(PartialSum(to)).fold()
}

/// The same after the pseudo header changed by `diff`.
pub(crate) fn replace_by_diff_partial(field: u16, diff: PartialSum) -> u16 {
    !diff.plus(PartialSum(u32::from(field))).fold()
}

/// `~csum_unfold(field)`: the 32-bit complement, upper half ones.
fn unfold_complement(field: u16) -> PartialSum {
    PartialSum(!u32::from(field))
}

/// What `bpf_csum_diff` returns: the sum of `to` less the sum of `from`, on top of `seed`, in 16
/// bits (Linux 6.13 and later, where the result no longer depends on the architecture).
pub(crate) fn diff(from: &[u8], to: &[u8], seed: PartialSum) -> u16 {
    let sum = match (from.is_empty(), to.is_empty()) {
        (true, true) => seed,
        (true, false) => PartialSum::over(to, seed),
        (false, true) => PartialSum::over(from, seed.complement()).complement(),
        (false, false) => PartialSum::over(to, seed).minus(PartialSum::over(from, PartialSum(0))),
    };
    sum.narrow()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 1071's definition: 16-bit words added one by one, carries at the end.
    fn plain(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in bytes.chunks(2) {
            let low = pair[0];
            let high = pair.get(1).copied().unwrap_or(0);
            sum += u32::from(u16::from_ne_bytes([low, high]));
        }
        while sum >> 16 != 0 {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        u16::try_from(sum).unwrap()
    }

    #[test]
    fn sums_agree_with_the_definition() {
        let bytes: Vec<u8> =
            (0u32..600).map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect();
        for len in 0..bytes.len() {
            assert_eq!(
                PartialSum::over(&bytes[..len], PartialSum(0)).narrow(),
                plain(&bytes[..len]),
                "{len}"
            );
        }
    }

    #[test]
    fn zero_shows_only_for_zeros() {
        assert_eq!(PartialSum::over(&[0; 8], PartialSum(0)), PartialSum(0));
        assert_eq!(PartialSum::over(&[0xff; 8], PartialSum(0)), PartialSum(0xffff_ffff));
        assert_eq!(PartialSum(0xffff_ffff).narrow(), 0xffff);
    }

    #[test]
    fn replacing_a_word_equals_summing_again() {
        let mut header =
            [0x45u8, 0, 0, 0x54, 0x12, 0x34, 0x40, 0, 0x40, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        let checksum = PartialSum::over(&header, PartialSum(0)).fold();
        let from = u32::from_ne_bytes([10, 0, 0, 2]);
        let to = u32::from_ne_bytes([192, 168, 7, 9]);
        header[16..20].copy_from_slice(&to.to_ne_bytes());
        let expected = PartialSum::over(&header, PartialSum(0)).fold();
        assert_eq!(replace4(checksum, from, to), expected);
        let by_diff = diff(&from.to_ne_bytes(), &to.to_ne_bytes(), PartialSum(0));
        let by_diff = PartialSum(u32::from(by_diff));
        assert_eq!(replace_by_diff(checksum, by_diff), expected);
        assert_eq!(replace2(checksum, 3, 3), checksum);
    }
}
