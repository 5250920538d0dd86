//! Commands on BTF, and what there is to know of one.
use super::wire::wire_struct;

wire_struct! {
    /// `BPF_BTF_LOAD`.
    pub struct Load: 40 {
        /// Pointer to the BTF.
        0 => btf: u64,
        /// Pointer to room for the log.
        8 => btf_log_buf: u64,
        /// The BTF's size.
        16 => btf_size: u32,
        /// The size of the log's room.
        20 => btf_log_size: u32,
        /// `BPF_LOG_*`.
        24 => btf_log_level: u32,
        /// Out: the size that the whole log takes.
        28 => btf_log_true_size: u32,
        /// `BPF_F_*`.
        32 => btf_flags: u32,
        /// A token.
        36 => btf_token_fd: i32,
    }
}

wire_struct! {
    /// `struct bpf_btf_info`.
    pub struct Info: 32 {
        /// Pointer to room for the BTF.
        0 => btf: u64,
        /// Its size.
        8 => btf_size: u32,
        /// The id.
        12 => id: u32,
        /// Pointer to room for the name.
        16 => name: u64,
        /// Its length.
        24 => name_len: u32,
        /// Whether it is the kernel's or a module's.
        28 => kernel_btf: u32,
    }
}
