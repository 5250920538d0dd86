//! What the verifier asks about the world outside of the program.

use std::rc::Rc;
use std::sync::Arc;

use skep_btf::{Btf, TypeId};
use skep_spec::abi::{HelperId, MapType};
use skep_spec::insn::Imm64;

use crate::limits;

/// The world that a program is loaded into.
pub trait Environment {
    /// The map that a 64-bit immediate names ([`Imm64::MapFd`], [`Imm64::MapValue`] and their forms
    /// by index), or why there is none.
    ///
    /// # Errors
    ///
    /// What is wrong with the reference.
    fn map(&self, reference: Imm64) -> Result<MapFacts, NoMap>;

    /// The kernel's types, of which some helpers and program types speak.
    fn kernel_btf(&self) -> Option<&Btf>;

    /// Whether the kernel was built, and is run, with a helper. With all, unless told otherwise, but
    /// those that write where they please: kernels that are locked down do not have
    /// `bpf_probe_write_user`, and few are built with `bpf_override_return`
    /// (`CONFIG_BPF_KPROBE_OVERRIDE`).
    fn offers(&self, helper: HelperId) -> bool {
        !matches!(helper, HelperId::ProbeWriteUser | HelperId::OverrideReturn)
    }

    /// How many CPUs there can be, which limits what `bpf_get_smp_processor_id` returns.
    fn cpus(&self) -> u32 {
        limits::CPUS
    }

    /// What the caller may do. All, unless told otherwise.
    fn privileges(&self) -> Privileges {
        Privileges::default()
    }
}

/// Why there is no map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoMap {
    /// The descriptor is none of a map.
    NotAMap,
    /// A map is named by index, and the command carries no descriptors.
    NoArray,
}

/// What the caller may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Privileges {
    /// `CAP_BPF`.
    pub bpf: bool,
    /// `CAP_PERFMON`: addresses need not be kept secret.
    pub perfmon: bool,
    /// `CAP_NET_ADMIN`.
    pub net_admin: bool,
}

impl Default for Privileges {
    fn default() -> Privileges {
        Privileges { bpf: true, perfmon: true, net_admin: true }
    }
}

/// A map, as far as programs depend on it.
#[derive(Clone, Debug)]
pub struct MapFacts {
    /// What tells it from other maps: two references to one map have the same number.
    pub id: u64,
    /// Its name; may be empty.
    pub name: String,
    /// The type.
    pub map_type: MapType,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// The number of elements.
    pub max_entries: u32,
    /// Flags that it was made with (`BPF_F_*`).
    pub flags: u32,
    /// The contents of the first value, if they can no longer change: a frozen map that programs
    /// only read, `.rodata` for one.
    pub frozen: Option<Rc<[u8]>>,
    /// The shape of maps in a map of maps.
    pub inner: Option<Box<MapFacts>>,
    /// Fields of a value that the kernel looks after.
    pub fields: Vec<SpecialField>,
    /// The types of its values, if it was made with BTF.
    pub btf: Option<MapBtf>,
}

/// The types of a map's values.
#[derive(Clone, Debug)]
pub struct MapBtf {
    /// Where the types are.
    pub btf: Arc<Btf>,
    /// A value's type.
    pub value: TypeId,
}

/// A field of a map's value that the kernel looks after, and programs do not access directly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpecialField {
    /// What it is.
    pub kind: FieldKind,
    /// Where it begins, in bytes.
    pub offset: u32,
    /// How many bytes it has.
    pub bytes: u32,
}

/// What the kernel looks after in a map's value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FieldKind {
    /// `struct bpf_spin_lock`.
    SpinLock,
    /// `struct bpf_res_spin_lock`.
    ResSpinLock,
    /// `struct bpf_timer`.
    Timer,
    /// `struct bpf_wq`.
    Workqueue,
    /// `struct bpf_task_work`.
    TaskWork,
    /// A pointer tagged `kptr_untrusted`.
    KptrUntrusted,
    /// A pointer tagged `kptr`.
    Kptr,
    /// A pointer tagged `percpu_kptr`.
    KptrPercpu,
    /// A pointer tagged `uptr`.
    Uptr,
    /// `struct bpf_list_head`.
    ListHead,
    /// `struct bpf_list_node`.
    ListNode,
    /// `struct bpf_rb_root`.
    RbRoot,
    /// `struct bpf_rb_node`.
    RbNode,
    /// `struct bpf_refcount`.
    Refcount,
}

impl FieldKind {
    /// The name of its struct, or what it is called in the kernel's log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FieldKind::SpinLock => "bpf_spin_lock",
            FieldKind::ResSpinLock => "bpf_res_spin_lock",
            FieldKind::Timer => "bpf_timer",
            FieldKind::Workqueue => "bpf_wq",
            FieldKind::TaskWork => "bpf_task_work",
            FieldKind::KptrUntrusted | FieldKind::Kptr => "kptr",
            FieldKind::KptrPercpu => "percpu_kptr",
            FieldKind::Uptr => "uptr",
            FieldKind::ListHead => "bpf_list_head",
            FieldKind::ListNode => "bpf_list_node",
            FieldKind::RbRoot => "bpf_rb_root",
            FieldKind::RbNode => "bpf_rb_node",
            FieldKind::Refcount => "bpf_refcount",
        }
    }

    /// Whether it is a pointer that programs may load.
    #[must_use]
    pub const fn is_kptr(self) -> bool {
        matches!(
            self,
            FieldKind::KptrUntrusted | FieldKind::Kptr | FieldKind::KptrPercpu | FieldKind::Uptr
        )
    }
}

impl MapFacts {
    /// Whether values hold a lock.
    #[must_use]
    pub fn has_lock(&self) -> bool {
        self.field(FieldKind::SpinLock).is_some() || self.field(FieldKind::ResSpinLock).is_some()
    }

    /// The field of a kind, if values have one.
    #[must_use]
    pub fn field(&self, kind: FieldKind) -> Option<&SpecialField> {
        self.fields.iter().find(|field| field.kind == kind)
    }
}
