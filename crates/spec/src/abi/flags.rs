//! Flags of commands and helpers, by what takes them.
//!
//! ```
//! use skep_spec::abi::flags;
//!
//! assert_eq!(flags::map::MMAPABLE, 1024);
//! assert_eq!(flags::names(flags::map::NAMES, 1025), "BPF_F_NO_PREALLOC|BPF_F_MMAPABLE");
//! ```

/// Defines a module of flags: a constant each, and `NAMES` with all of them.
macro_rules! flag_set {
    (
        $(#[$meta:meta])*
        pub mod $module:ident: $type:ty {
            $( $(#[$flag_meta:meta])* $flag:ident = $value:expr, $uapi:literal; )*
        }
    ) => {
        $(#[$meta])*
        pub mod $module {
            $(
                #[doc = concat!("`", $uapi, "`:")]
                $(#[$flag_meta])*
                pub const $flag: $type = $value;
            )*

            /// Each flag with its name in the UAPI header.
            pub const NAMES: &[($type, &str)] = &[$(($flag, $uapi)),*];
        }
    };
}

flag_set! {
    /// Flags of a new map.
    pub mod map: u32 {
        /// elements are allocated when they are made.
        NO_PREALLOC = 1 << 0, "BPF_F_NO_PREALLOC";
        /// each CPU has an LRU list of its own.
        NO_COMMON_LRU = 1 << 1, "BPF_F_NO_COMMON_LRU";
        /// allocate on the given NUMA node.
        NUMA_NODE = 1 << 2, "BPF_F_NUMA_NODE";
        /// commands may read only.
        RDONLY = 1 << 3, "BPF_F_RDONLY";
        /// commands may write only.
        WRONLY = 1 << 4, "BPF_F_WRONLY";
        /// stacks are build ids and offsets.
        STACK_BUILD_ID = 1 << 5, "BPF_F_STACK_BUILD_ID";
        /// the hash is not seeded.
        ZERO_SEED = 1 << 6, "BPF_F_ZERO_SEED";
        /// programs may read only.
        RDONLY_PROG = 1 << 7, "BPF_F_RDONLY_PROG";
        /// programs may write only.
        WRONLY_PROG = 1 << 8, "BPF_F_WRONLY_PROG";
        /// storage is inherited by accepted sockets.
        CLONE = 1 << 9, "BPF_F_CLONE";
        /// values can be mapped into memory.
        MMAPABLE = 1 << 10, "BPF_F_MMAPABLE";
        /// perf events outlive the handle that put them in.
        PRESERVE_ELEMS = 1 << 11, "BPF_F_PRESERVE_ELEMS";
        /// the inner map may have another number of entries than the model.
        INNER_MAP = 1 << 12, "BPF_F_INNER_MAP";
        /// a struct_ops map is attached by a link.
        LINK = 1 << 13, "BPF_F_LINK";
        /// the path is relative to a given directory.
        PATH_FD = 1 << 14, "BPF_F_PATH_FD";
        /// the value's type stands in a given module's BTF.
        VTYPE_BTF_OBJ_FD = 1 << 15, "BPF_F_VTYPE_BTF_OBJ_FD";
        /// a token is given.
        TOKEN_FD = 1 << 16, "BPF_F_TOKEN_FD";
        /// an arena access to a page that is not there is a signal.
        SEGV_ON_FAULT = 1 << 17, "BPF_F_SEGV_ON_FAULT";
        /// arena pointers are not converted to user addresses.
        NO_USER_CONV = 1 << 18, "BPF_F_NO_USER_CONV";
    }
}

flag_set! {
    /// Flags of an element's update and lookup.
    pub mod update: u64 {
        /// make or replace.
        ANY = 0, "BPF_ANY";
        /// make only.
        NOEXIST = 1, "BPF_NOEXIST";
        /// replace only.
        EXIST = 2, "BPF_EXIST";
        /// hold the value's spin lock.
        LOCK = 4, "BPF_F_LOCK";
    }
}

flag_set! {
    /// Flags of a program to load.
    pub mod prog_load: u32 {
        /// misaligned accesses are rejected.
        STRICT_ALIGNMENT = 1 << 0, "BPF_F_STRICT_ALIGNMENT";
        /// misaligned accesses are accepted.
        ANY_ALIGNMENT = 1 << 1, "BPF_F_ANY_ALIGNMENT";
        /// upper halves of 32-bit results are randomized, for tests.
        TEST_RND_HI32 = 1 << 2, "BPF_F_TEST_RND_HI32";
        /// states are kept more often, for tests.
        TEST_STATE_FREQ = 1 << 3, "BPF_F_TEST_STATE_FREQ";
        /// the program may sleep.
        SLEEPABLE = 1 << 4, "BPF_F_SLEEPABLE";
        /// the program knows packets in several buffers.
        XDP_HAS_FRAGS = 1 << 5, "BPF_F_XDP_HAS_FRAGS";
        /// the program is bound to a device.
        XDP_DEV_BOUND_ONLY = 1 << 6, "BPF_F_XDP_DEV_BOUND_ONLY";
        /// the verifier checks itself.
        TEST_REG_INVARIANTS = 1 << 7, "BPF_F_TEST_REG_INVARIANTS";
    }
}

flag_set! {
    /// Flags of a test run.
    pub mod test_run: u32 {
        /// on the given CPU.
        ON_CPU = 1 << 0, "BPF_F_TEST_RUN_ON_CPU";
        /// verdicts are carried out.
        XDP_LIVE_FRAMES = 1 << 1, "BPF_F_TEST_XDP_LIVE_FRAMES";
        /// the packet's checksum is known.
        SKB_CHECKSUM_COMPLETE = 1 << 2, "BPF_F_TEST_SKB_CHECKSUM_COMPLETE";
    }
}

flag_set! {
    /// Flags of `bpf_skb_store_bytes`, and of the checksum replacements.
    pub mod csum: u64 {
        /// update the packet's checksum.
        RECOMPUTE_CSUM = 1 << 0, "BPF_F_RECOMPUTE_CSUM";
        /// forget the packet's hash.
        INVALIDATE_HASH = 1 << 1, "BPF_F_INVALIDATE_HASH";
        /// the size of the header field, in bytes; 0 if the difference is given.
        HDR_FIELD_MASK = 0xf, "BPF_F_HDR_FIELD_MASK";
        /// the field is part of the pseudo header.
        PSEUDO_HDR = 1 << 4, "BPF_F_PSEUDO_HDR";
        /// a checksum of zero stays: there is none.
        MARK_MANGLED_0 = 1 << 5, "BPF_F_MARK_MANGLED_0";
        /// a checksum of zero is updated all the same.
        MARK_ENFORCE = 1 << 6, "BPF_F_MARK_ENFORCE";
        /// the packet is IPv6.
        IPV6 = 1 << 7, "BPF_F_IPV6";
    }
}

flag_set! {
    /// Flags of `bpf_redirect`, `bpf_clone_redirect` and `bpf_redirect_map`.
    pub mod redirect: u64 {
        /// into the device, not out of it.
        INGRESS = 1 << 0, "BPF_F_INGRESS";
        /// to all devices of the map.
        BROADCAST = 1 << 3, "BPF_F_BROADCAST";
        /// but not the one that the packet came from.
        EXCLUDE_INGRESS = 1 << 4, "BPF_F_EXCLUDE_INGRESS";
    }
}

flag_set! {
    /// Flags of ring buffer records.
    pub mod ringbuf: u64 {
        /// do not wake the reader.
        NO_WAKEUP = 1 << 0, "BPF_RB_NO_WAKEUP";
        /// wake the reader even if it is behind.
        FORCE_WAKEUP = 1 << 1, "BPF_RB_FORCE_WAKEUP";
    }
}

/// What `bpf_ringbuf_query` is asked.
pub mod ringbuf_query {
    /// `BPF_RB_AVAIL_DATA`: bytes not yet consumed.
    pub const AVAIL_DATA: u64 = 0;
    /// `BPF_RB_RING_SIZE`: bytes of the ring.
    pub const RING_SIZE: u64 = 1;
    /// `BPF_RB_CONS_POS`: the consumer's position.
    pub const CONS_POS: u64 = 2;
    /// `BPF_RB_PROD_POS`: the producer's position.
    pub const PROD_POS: u64 = 3;
}

/// The header in front of a ring buffer record: a word of length and bits, a word of page offset.
pub mod ringbuf_header {
    /// `BPF_RINGBUF_BUSY_BIT`: reserved, not yet submitted.
    pub const BUSY_BIT: u32 = 1 << 31;
    /// `BPF_RINGBUF_DISCARD_BIT`: to be skipped.
    pub const DISCARD_BIT: u32 = 1 << 30;
    /// `BPF_RINGBUF_HDR_SZ`: its size in bytes.
    pub const SIZE: u32 = 8;
}

/// Flags of `bpf_perf_event_output`.
pub mod perf_event {
    /// `BPF_F_INDEX_MASK`: the index of the map's entry.
    pub const INDEX_MASK: u64 = 0xffff_ffff;
    /// `BPF_F_CURRENT_CPU`: the index is the current CPU.
    pub const CURRENT_CPU: u64 = 0xffff_ffff;
    /// `BPF_F_CTXLEN_MASK`: how many bytes of the packet to append.
    pub const CTXLEN_MASK: u64 = 0xf_ffff << 32;
    /// The position of the length in [`CTXLEN_MASK`].
    pub const CTXLEN_SHIFT: u32 = 32;
}

/// What `bpf_csum_level` is asked.
pub mod csum_level {
    /// `BPF_CSUM_LEVEL_QUERY`.
    pub const QUERY: u64 = 0;
    /// `BPF_CSUM_LEVEL_INC`.
    pub const INC: u64 = 1;
    /// `BPF_CSUM_LEVEL_DEC`.
    pub const DEC: u64 = 2;
    /// `BPF_CSUM_LEVEL_RESET`.
    pub const RESET: u64 = 3;
}

/// Where `bpf_skb_load_bytes_relative` counts from.
pub mod hdr_start {
    /// `BPF_HDR_START_MAC`.
    pub const MAC: u64 = 0;
    /// `BPF_HDR_START_NET`.
    pub const NET: u64 = 1;
}

/// The names of the flags in `bits`, joined by `|`; what has no name as a number, `0` for none.
#[must_use]
pub fn names(names: &[(u32, &str)], bits: u32) -> String {
    let mut rest = bits;
    let mut found: Vec<String> = Vec::new();
    for (flag, name) in names {
        if rest & flag != 0 {
            rest &= !flag;
            found.push((*name).to_owned());
        }
    }
    if rest != 0 || found.is_empty() {
        found.push(format!("{rest:#x}"));
    }
    found.join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_bits_are_numbers() {
        let check = |bits, expected: &str| assert_eq!(names(map::NAMES, bits), expected);
        check(0, "0x0");
        check(1 << 30 | map::CLONE, "BPF_F_CLONE|0x40000000");
        check(map::RDONLY_PROG | map::MMAPABLE, "BPF_F_RDONLY_PROG|BPF_F_MMAPABLE");
    }
}
