//! Commands on objects of any kind: pins and info.
use super::wire::wire_struct;

wire_struct! {
    /// `BPF_OBJ_PIN` and `BPF_OBJ_GET`.
    pub struct Pin: 24 {
        /// Pointer to the path, a C string.
        0 => pathname: u64,
        /// The object, to pin.
        8 => bpf_fd: u32,
        /// `BPF_F_*`.
        12 => file_flags: u32,
        /// The directory that the path is relative to, with `BPF_F_PATH_FD`.
        16 => path_fd: i32,
    }
}

wire_struct! {
    /// `BPF_OBJ_GET_INFO_BY_FD`.
    pub struct InfoByFd: 16 {
        /// The object.
        0 => bpf_fd: u32,
        /// The room for the info; out: its size.
        4 => info_len: u32,
        /// Pointer to room for the info.
        8 => info: u64,
    }
}
