//! Commands on programs, and what there is to know of one.
use super::NAME_BYTES;
use super::wire::wire_struct;

/// The size of a function's record: slot and type id.
pub const FUNC_INFO_BYTES: u32 = 8;

/// The size of a line's record: slot, file name, line text, line and column.
pub const LINE_INFO_BYTES: u32 = 16;

wire_struct! {
    /// `BPF_PROG_LOAD`.
    pub struct Load: 168 {
        /// The program type's number.
        0 => prog_type: u32,
        /// The number of slots.
        4 => insn_cnt: u32,
        /// Pointer to the instructions.
        8 => insns: u64,
        /// Pointer to the licence, a C string.
        16 => license: u64,
        /// `BPF_LOG_*`.
        24 => log_level: u32,
        /// The size of the log's room.
        28 => log_size: u32,
        /// Pointer to room for the log.
        32 => log_buf: u64,
        /// The kernel's version, for old kprobe programs.
        40 => kern_version: u32,
        /// `BPF_F_*`.
        44 => prog_flags: u32,
        /// The name.
        48 => prog_name: [u8; NAME_BYTES],
        /// The device to offload to.
        64 => prog_ifindex: u32,
        /// The attach type's number.
        68 => expected_attach_type: u32,
        /// The program's BTF.
        72 => prog_btf_fd: u32,
        /// [`FUNC_INFO_BYTES`].
        76 => func_info_rec_size: u32,
        /// Pointer to the functions' records.
        80 => func_info: u64,
        /// How many.
        88 => func_info_cnt: u32,
        /// [`LINE_INFO_BYTES`].
        92 => line_info_rec_size: u32,
        /// Pointer to the lines' records.
        96 => line_info: u64,
        /// How many.
        104 => line_info_cnt: u32,
        /// The BTF type that it attaches to.
        108 => attach_btf_id: u32,
        /// The program that it attaches to, or the module's BTF.
        112 => attach_prog_fd: u32,
        /// The number of CO-RE relocations left to the kernel.
        116 => core_relo_cnt: u32,
        /// Pointer to the descriptors that instructions refer to by index.
        120 => fd_array: u64,
        /// Pointer to the CO-RE relocations.
        128 => core_relos: u64,
        /// The size of each.
        136 => core_relo_rec_size: u32,
        /// Out: the size that the whole log takes.
        140 => log_true_size: u32,
        /// A token.
        144 => prog_token_fd: i32,
        /// The number of descriptors, if given.
        148 => fd_array_cnt: u32,
        /// Pointer to a signature.
        152 => signature: u64,
        /// Its size.
        160 => signature_size: u32,
        /// The keyring to check it with.
        164 => keyring_id: i32,
    }
}

wire_struct! {
    /// `BPF_PROG_TEST_RUN`.
    pub struct TestRun: 80 {
        /// The program.
        0 => prog_fd: u32,
        /// Out: r0.
        4 => retval: u32,
        /// The packet's size.
        8 => data_size_in: u32,
        /// The room for the packet; out: its size afterwards.
        12 => data_size_out: u32,
        /// Pointer to the packet.
        16 => data_in: u64,
        /// Pointer to room for the packet.
        24 => data_out: u64,
        /// How often.
        32 => repeat: u32,
        /// Out: nanoseconds for a run.
        36 => duration: u32,
        /// The context's size.
        40 => ctx_size_in: u32,
        /// The room for the context; out: its size afterwards.
        44 => ctx_size_out: u32,
        /// Pointer to the context.
        48 => ctx_in: u64,
        /// Pointer to room for the context.
        56 => ctx_out: u64,
        /// `BPF_F_TEST_*`.
        64 => flags: u32,
        /// The CPU, with `BPF_F_TEST_RUN_ON_CPU`.
        68 => cpu: u32,
        /// Frames at once, with `BPF_F_TEST_XDP_LIVE_FRAMES`.
        72 => batch_size: u32,
    }
}

wire_struct! {
    /// `struct bpf_prog_info`.
    pub struct Info: 232 {
        /// The program type's number.
        0 => prog_type: u32,
        /// The id.
        4 => id: u32,
        /// The tag: the head of a hash of the instructions.
        8 => tag: [u8; 8],
        /// Bytes of compiled code.
        16 => jited_prog_len: u32,
        /// Bytes of instructions.
        20 => xlated_prog_len: u32,
        /// Pointer to room for compiled code.
        24 => jited_prog_insns: u64,
        /// Pointer to room for instructions.
        32 => xlated_prog_insns: u64,
        /// Nanoseconds from boot to load.
        40 => load_time: u64,
        /// The user who loaded it.
        48 => created_by_uid: u32,
        /// The number of maps; in: the room for ids.
        52 => nr_map_ids: u32,
        /// Pointer to room for the maps' ids.
        56 => map_ids: u64,
        /// The name.
        64 => name: [u8; NAME_BYTES],
        /// The device that it is offloaded to.
        80 => ifindex: u32,
        /// Bit 0: the licence is GPL-compatible.
        84 => gpl_compatible: u32,
        /// The device's network namespace.
        88 => netns_dev: u64,
        /// The same.
        96 => netns_ino: u64,
        /// The number of compiled functions.
        104 => nr_jited_ksyms: u32,
        /// The same, for their sizes.
        108 => nr_jited_func_lens: u32,
        /// Pointer to room for their addresses.
        112 => jited_ksyms: u64,
        /// Pointer to room for their sizes.
        120 => jited_func_lens: u64,
        /// The BTF's id.
        128 => btf_id: u32,
        /// The size of a function's record.
        132 => func_info_rec_size: u32,
        /// Pointer to room for functions' records.
        136 => func_info: u64,
        /// How many.
        144 => nr_func_info: u32,
        /// The number of lines' records.
        148 => nr_line_info: u32,
        /// Pointer to room for lines' records.
        152 => line_info: u64,
        /// Pointer to room for lines' addresses in compiled code.
        160 => jited_line_info: u64,
        /// How many.
        168 => nr_jited_line_info: u32,
        /// The size of a line's record.
        172 => line_info_rec_size: u32,
        /// The size of a line's address.
        176 => jited_line_info_rec_size: u32,
        /// The number of functions' tags.
        180 => nr_prog_tags: u32,
        /// Pointer to room for functions' tags.
        184 => prog_tags: u64,
        /// Nanoseconds spent in it, with statistics on.
        192 => run_time_ns: u64,
        /// How often it ran, with statistics on.
        200 => run_cnt: u64,
        /// How often it did not run, being in the middle of it.
        208 => recursion_misses: u64,
        /// Instructions that the verifier visited.
        216 => verified_insns: u32,
        /// The id of the BTF with what it attaches to.
        220 => attach_btf_obj_id: u32,
        /// The BTF type that it attaches to.
        224 => attach_btf_id: u32,
    }
}
