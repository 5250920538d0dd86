//! Commands on maps, and what there is to know of one.
use super::NAME_BYTES;
use super::wire::wire_struct;

wire_struct! {
    /// `BPF_MAP_CREATE`.
    pub struct Create: 96 {
        /// The map type's number.
        0 => map_type: u32,
        /// Bytes of a key.
        4 => key_size: u32,
        /// Bytes of a value.
        8 => value_size: u32,
        /// The number of elements.
        12 => max_entries: u32,
        /// `BPF_F_*`.
        16 => map_flags: u32,
        /// The model of inner maps.
        20 => inner_map_fd: u32,
        /// The NUMA node, with `BPF_F_NUMA_NODE`.
        24 => numa_node: u32,
        /// The name.
        28 => map_name: [u8; NAME_BYTES],
        /// The device to offload to.
        44 => map_ifindex: u32,
        /// The BTF with the types of keys and values.
        48 => btf_fd: u32,
        /// The key's type.
        52 => btf_key_type_id: u32,
        /// The value's type.
        56 => btf_value_type_id: u32,
        /// The kernel's struct that a struct_ops map implements.
        60 => btf_vmlinux_value_type_id: u32,
        /// Extra data by type.
        64 => map_extra: u64,
        /// The module's BTF, with `BPF_F_VTYPE_BTF_OBJ_FD`.
        72 => value_type_btf_obj_fd: i32,
        /// A token, with `BPF_F_TOKEN_FD`.
        76 => map_token_fd: i32,
        /// Pointer to the hash of the only program that may use the map.
        80 => excl_prog_hash: u64,
        /// The hash's size.
        88 => excl_prog_hash_size: u32,
    }
}

wire_struct! {
    /// `BPF_MAP_LOOKUP_ELEM`, `BPF_MAP_UPDATE_ELEM`, `BPF_MAP_DELETE_ELEM`, `BPF_MAP_GET_NEXT_KEY`,
    /// and `BPF_MAP_FREEZE`, which only takes the map.
    pub struct Element: 32 {
        /// The map.
        0 => map_fd: u32,
        /// Pointer to the key.
        8 => key: u64,
        /// Pointer to the value, or to the next key.
        16 => value: u64,
        /// `BPF_ANY` and the like.
        24 => flags: u64,
    }
}

wire_struct! {
    /// `struct bpf_map_info`.
    pub struct Info: 104 {
        /// The map type's number.
        0 => map_type: u32,
        /// The id.
        4 => id: u32,
        /// Bytes of a key.
        8 => key_size: u32,
        /// Bytes of a value.
        12 => value_size: u32,
        /// The number of elements.
        16 => max_entries: u32,
        /// `BPF_F_*`.
        20 => map_flags: u32,
        /// The name.
        24 => name: [u8; NAME_BYTES],
        /// The device that it is offloaded to.
        40 => ifindex: u32,
        /// The kernel's struct that a struct_ops map implements.
        44 => btf_vmlinux_value_type_id: u32,
        /// The device's network namespace.
        48 => netns_dev: u64,
        /// The same.
        56 => netns_ino: u64,
        /// The BTF's id.
        64 => btf_id: u32,
        /// The key's type.
        68 => btf_key_type_id: u32,
        /// The value's type.
        72 => btf_value_type_id: u32,
        /// The id of the BTF with the struct_ops struct.
        76 => btf_vmlinux_id: u32,
        /// Extra data by type.
        80 => map_extra: u64,
        /// Pointer to room for the content's hash.
        88 => hash: u64,
        /// The hash's size.
        96 => hash_size: u32,
    }
}
