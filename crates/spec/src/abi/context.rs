//! Contexts: what r1 points to when a program starts.
//!
//! An object is compiled against the UAPI struct of its program type (`struct xdp_md`,
//! `struct __sk_buff`). That struct exists nowhere: each access to it is converted into accesses to
//! whatever the engine has. So the tables here say, for every program type, which loads and stores
//! of the struct are allowed, and what each of them means. The verifier asks them to admit an
//! access, the interpreter and the code generator to carry it out.
//!
//! ```
//! use skep_spec::abi::ProgType;
//! use skep_spec::abi::context::{self, Access, FieldKind};
//!
//! let context = context::of(ProgType::Xdp);
//! let hit = context.access(Access::load(4, 4), None).unwrap();
//! assert_eq!((hit.field.name, hit.field.kind), ("data_end", FieldKind::PacketEnd));
//! assert!(context.access(Access::store(4, 4), None).is_err());
//! ```
mod cgroup;
mod layout;
pub mod objects;
mod skb;
mod socket;
mod tracing;
mod xdp;

#[cfg(test)]
mod tests;

pub use layout::{Field, FieldKind, FieldSet, Layout, Widths};

use super::{AttachType, ProgType};

/// One load or store of the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The offset in the context, in bytes.
    pub offset: u32,
    /// How many bytes: 1, 2, 4 or 8.
    pub bytes: u32,
    /// Whether it stores.
    pub store: bool,
    /// Whether it loads with sign extension, which no pointer survives.
    pub sign_extend: bool,
}

impl Access {
    /// A load.
    #[must_use]
    pub const fn load(offset: u32, bytes: u32) -> Self {
        Self { offset, bytes, store: false, sign_extend: false }
    }

    /// A store.
    #[must_use]
    pub const fn store(offset: u32, bytes: u32) -> Self {
        Self { offset, bytes, store: true, sign_extend: false }
    }
}

/// What an allowed access touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// The field.
    pub field: &'static Field,
    /// Where the access starts within the field, in bytes; past the first element in an array.
    pub offset: u32,
}

/// Why an access is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It ends behind the context.
    #[error("access ends behind the {size} bytes of the context")]
    Outside {
        /// The size of the context.
        size: u32,
    },
    /// Its offset is no multiple of its size.
    #[error("access is not aligned to its {bytes} bytes")]
    Unaligned {
        /// The size of the access.
        bytes: u32,
    },
    /// There is no field, only padding.
    #[error("there is no field")]
    Padding,
    /// The field cannot be accessed at that width, or from there on.
    #[error("field {field} cannot be accessed like this")]
    Width {
        /// The field.
        field: &'static str,
    },
    /// The program type may not read the field.
    #[error("field {field} is not readable")]
    NotReadable {
        /// The field.
        field: &'static str,
    },
    /// The program type may not write the field.
    #[error("field {field} is not writable")]
    NotWritable {
        /// The field.
        field: &'static str,
    },
    /// The field is there for other attach types only.
    #[error("field {field} is not there at this attach type")]
    AttachType {
        /// The field.
        field: &'static str,
    },
}

/// Fields that exist at certain attach types only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Narrowed {
    /// The fields.
    pub fields: FieldSet,
    /// Whether this is about stores alone; else about loads and stores.
    pub stores_only: bool,
    /// The attach types.
    pub to: &'static [AttachType],
}

/// What programs of a type may do with the packet that their context points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketAccess {
    /// There is no packet.
    None,
    /// Load from it.
    Read,
    /// Load from it, and hand it to helpers to read.
    ReadAndPass,
    /// Load, store, and hand it to helpers.
    Full,
    /// The same, also to helpers that otherwise take no packet: it is plain memory.
    Plain,
}

impl PacketAccess {
    /// Whether the program may store to the packet.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(self, Self::Full | Self::Plain)
    }

    /// Whether a helper may be given packet memory to read; to write, if [`PacketAccess::writes`]
    /// besides. `pkt_access` is what [`Proto`](super::proto::Proto) says of the helper.
    #[must_use]
    pub const fn passes(self, pkt_access: bool) -> bool {
        match self {
            Self::None | Self::Read => false,
            Self::ReadAndPass | Self::Full => pkt_access,
            Self::Plain => true,
        }
    }
}

/// A context that is a UAPI struct, as one program type sees it.
#[derive(Debug, PartialEq, Eq)]
pub struct StructContext {
    /// The struct.
    pub layout: &'static Layout,
    /// The fields that may be loaded.
    pub readable: FieldSet,
    /// The fields that may be stored to.
    pub writable: FieldSet,
    /// Those among both that are there at certain attach types only.
    pub narrowed: &'static [Narrowed],
    /// Fields whose access takes `CAP_BPF` (all of them, or stores alone).
    pub needs_bpf: FieldSet,
    /// What may be done with the packet.
    pub packet: PacketAccess,
}

/// What r1 points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// A UAPI struct.
    Struct(&'static StructContext),
    /// Bytes that mean what the hook says: a tracepoint's record, a syscall program's argument.
    Bytes {
        /// The first accessible byte.
        from: u32,
        /// One past the last accessible byte.
        to: u32,
        /// Whether they can be stored to.
        writable: bool,
    },
    /// An array of 64-bit arguments, typed by the kernel's BTF for what the program attaches to.
    Typed,
    /// The context of the program that this one replaces a function of.
    Inherited,
}

/// The context of programs of `prog_type`.
#[must_use]
pub const fn of(prog_type: ProgType) -> Context {
    match prog_type {
        ProgType::SocketFilter => Context::Struct(&skb::SOCKET_FILTER),
        ProgType::SchedCls | ProgType::SchedAct => Context::Struct(&skb::TC),
        ProgType::CgroupSkb => Context::Struct(&skb::CGROUP_SKB),
        ProgType::LwtIn | ProgType::LwtOut | ProgType::LwtSeg6local => Context::Struct(&skb::LWT),
        ProgType::LwtXmit => Context::Struct(&skb::LWT_XMIT),
        ProgType::SkSkb => Context::Struct(&skb::SK_SKB),
        ProgType::FlowDissector => Context::Struct(&skb::FLOW_DISSECTOR),
        ProgType::Xdp => Context::Struct(&xdp::XDP),
        ProgType::CgroupSock => Context::Struct(&socket::CGROUP_SOCK),
        ProgType::CgroupSockAddr => Context::Struct(&socket::SOCK_ADDR),
        ProgType::SockOps => Context::Struct(&socket::SOCK_OPS),
        ProgType::SkMsg => Context::Struct(&socket::SK_MSG),
        ProgType::SkReuseport => Context::Struct(&socket::SK_REUSEPORT),
        ProgType::SkLookup => Context::Struct(&socket::SK_LOOKUP),
        ProgType::CgroupDevice => Context::Struct(&cgroup::DEVICE),
        ProgType::CgroupSysctl => Context::Struct(&cgroup::SYSCTL),
        ProgType::CgroupSockopt => Context::Struct(&cgroup::SOCKOPT),
        ProgType::LircMode2 => Context::Struct(&cgroup::LIRC),
        ProgType::Netfilter => Context::Struct(&tracing::NETFILTER),
        ProgType::Kprobe => Context::Struct(&tracing::KPROBE),
        ProgType::PerfEvent => Context::Struct(&tracing::PERF_EVENT),
        ProgType::RawTracepoint => Context::Struct(&tracing::RAW_TRACEPOINT),
        ProgType::RawTracepointWritable => Context::Struct(&tracing::RAW_TRACEPOINT_WRITABLE),
        ProgType::Tracepoint => tracing::TRACEPOINT,
        ProgType::Syscall => tracing::SYSCALL,
        ProgType::Tracing | ProgType::Lsm | ProgType::StructOps => Context::Typed,
        ProgType::Ext => Context::Inherited,
    }
}

impl StructContext {
    /// What `access` touches, for a program attached at `attach`.
    ///
    /// # Errors
    ///
    /// Why the access is not allowed. Fields of certain attach types are not there without one.
    pub fn access(&self, access: Access, attach: Option<AttachType>) -> Result<Hit, Denied> {
        let (index, hit) = self.layout.hit(access)?;
        let field = hit.field.name;
        if access.store && !self.writable.contains(index) {
            return Err(Denied::NotWritable { field });
        }
        if !access.store && !self.readable.contains(index) {
            return Err(Denied::NotReadable { field });
        }
        let elsewhere = self.narrowed.iter().any(|narrowed| {
            narrowed.fields.contains(index)
                && (access.store || !narrowed.stores_only)
                && !attach.is_some_and(|attach| narrowed.to.contains(&attach))
        });
        if elsewhere {
            return Err(Denied::AttachType { field });
        }
        Ok(hit)
    }

    /// Whether `hit` takes `CAP_BPF`.
    #[must_use]
    pub fn takes_bpf(&self, hit: Hit) -> bool {
        self.layout.index_of(hit.field.offset).is_some_and(|index| self.needs_bpf.contains(index))
    }
}

impl Context {
    /// The UAPI struct, if the context is one.
    #[must_use]
    pub const fn as_struct(self) -> Option<&'static StructContext> {
        match self {
            Self::Struct(context) => Some(context),
            Self::Bytes { .. } | Self::Typed | Self::Inherited => None,
        }
    }

    /// What `access` touches, where the context is a UAPI struct. See [`StructContext::access`].
    ///
    /// # Errors
    ///
    /// Why the access is not allowed; [`Denied::Padding`] where the context is no struct.
    pub fn access(self, access: Access, attach: Option<AttachType>) -> Result<Hit, Denied> {
        match self.as_struct() {
            Some(context) => context.access(access, attach),
            None => Err(Denied::Padding),
        }
    }

    /// What programs with this context may do with the packet.
    #[must_use]
    pub const fn packet(self) -> PacketAccess {
        match self {
            Self::Struct(context) => context.packet,
            Self::Bytes { .. } | Self::Typed | Self::Inherited => PacketAccess::None,
        }
    }
}
