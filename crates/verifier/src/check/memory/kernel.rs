//! Objects of the kernel, by its types.
//!
//! They are only read. Which of them are alive the kernel's types do not say; so each pointer
//! carries what is known of it ([`Trust`]), and so do those that are loaded through it. Loads
//! through pointers of which little is known are made with care when the program runs: what cannot
//! be read is zero.

use skep_btf::{Btf, Kind as BtfKind, Type, TypeId};

use super::kernel_walk::{Found, Tag, find};
use super::{Access, Transfer, bytes};
use crate::explore::Walk;
use crate::rejection::{Check, Direction, Reason, unsupported};
use crate::state::register::{MemoryKind, Trust};
use crate::state::{Kind, Register};

impl Walk<'_> {
    /// An access to an object of the kernel.
    pub(super) fn access_kernel(&mut self, access: &Access, transfer: Transfer) -> Check<Register> {
        let pointer = *self.state.register(access.reg);
        let (reg, off) = (access.reg, pointer.off.wrapping_add(access.off));
        self.check_kernel_region(reg, access.off, bytes(access.size), transfer)?;
        let Kind::Kernel { type_id, trust, .. } = pointer.kind else {
            return Ok(Register::UNKNOWN);
        };
        let btf = self.environment.kernel_btf().ok_or(NO_TYPES)?;
        let found = find(btf, type_id, off.unsigned_abs(), bytes(access.size))
            .map_err(|text| Reason::KernelMember { text })?;
        match found {
            Found::Number => Ok(Register::UNKNOWN),
            Found::Address => {
                Ok(Register::pointer(Kind::Memory { size: 0, access: MemoryKind::Untrusted }))
            }
            Found::Pointer { target, member, tag, in_union } => {
                let parent = Parent { type_id, trust, referenced: pointer.reference.is_some() };
                let (trust, nullable) = self.inherited(btf, parent, target, member, tag, in_union);
                let kind = Kind::Kernel { type_id: target, trust, percpu: tag == Tag::Percpu };
                let id = if nullable { Some(self.fresh_id()) } else { None };
                Ok(Register { nullable, id, ..Register::pointer(kind) })
            }
        }
    }

    /// Whether an object may be accessed at all at a place.
    pub(super) fn check_kernel_region(
        &mut self,
        reg: skep_spec::insn::Reg,
        off: i32,
        size: u32,
        transfer: Transfer,
    ) -> Check {
        let pointer = *self.state.register(reg);
        let off = pointer.off.wrapping_add(off);
        let Kind::Kernel { type_id, trust, percpu } = pointer.kind else { return Ok(()) };
        let btf = self.environment.kernel_btf().ok_or(NO_TYPES)?;
        let name = btf.ty(type_id).map_or("", |ty| ty.name()).to_owned();
        if !self.input.gpl {
            return Err(Reason::KernelLicence { name }.into());
        }
        if off < 0 {
            return Err(Reason::KernelNegative { reg, name, off }.into());
        }
        if pointer.has_variable_offset() {
            let var_off = pointer.value.tnum;
            return Err(Reason::KernelVariable { reg, name, off, var_off }.into());
        }
        if trust == Trust::User {
            return Err(Reason::KernelUser { reg, name, off }.into());
        }
        if percpu {
            return Err(Reason::KernelPercpu { reg, name, off }.into());
        }
        if transfer.direction() == Direction::Write {
            return Err(Reason::KernelWrite.into());
        }
        find(btf, type_id, off.unsigned_abs(), size)
            .map(|_| ())
            .map_err(|text| Reason::KernelMember { text }.into())
    }

    /// What is known of a pointer that was loaded from an object: how far it can be trusted, and
    /// whether it may be null.
    ///
    /// Sound: it is said to be alive only where the kernel vouches for it: for members that live as
    /// long as the object, and for others while RCU is held.
    fn inherited(
        &self,
        btf: &Btf,
        parent: Parent,
        target: TypeId,
        member: &str,
        tag: Tag,
        in_union: bool,
    ) -> (Trust, bool) {
        let plain = match (tag, in_union) {
            (Tag::User, _) => Trust::User,
            (_, true) => Trust::Untrusted,
            (Tag::None | Tag::Percpu | Tag::Rcu, false) => Trust::Plain,
        };
        let trusted = parent.referenced || parent.trust == Trust::Trusted;
        if parent.trust == Trust::Untrusted && !parent.referenced {
            return (Trust::Untrusted, false);
        }
        if !trusted && parent.trust != Trust::Rcu {
            return (plain, false);
        }
        let vouched = |suffix| is_vouched_for(btf, parent.type_id, suffix, member, target);
        if vouched("__safe_trusted") {
            return (Trust::Trusted, false);
        }
        if vouched("__safe_trusted_or_null") {
            return (Trust::Trusted, true);
        }
        let rcu_held = self.state.lock.is_some() || !self.input.flags.sleepable;
        if !rcu_held {
            return (Trust::Untrusted, false);
        }
        if vouched("__safe_rcu") {
            return (Trust::Rcu, false);
        }
        if vouched("__safe_rcu_or_null") {
            return (Trust::Rcu, true);
        }
        match (tag, in_union) {
            (Tag::Rcu, false) => (Trust::Rcu, true),
            (Tag::Rcu, true) => (Trust::Untrusted, true),
            (Tag::None | Tag::User | Tag::Percpu, _) => (plain, false),
        }
    }

    /// A load from the kernel's struct of a map.
    pub(super) fn access_map_struct(
        &mut self,
        name: &'static str,
        off: u32,
        access: &Access,
    ) -> Check<Register> {
        let btf = self.environment.kernel_btf().ok_or(NO_TYPES)?;
        let Some(type_id) = btf.find_by_name(name, BtfKind::Struct) else {
            return unsupported("maps whose struct the kernel's types do not have");
        };
        let found = find(btf, type_id, off, bytes(access.size))
            .map_err(|text| Reason::KernelMember { text })?;
        Ok(match found {
            Found::Number => Register::UNKNOWN,
            Found::Address => {
                Register::pointer(Kind::Memory { size: 0, access: MemoryKind::Untrusted })
            }
            Found::Pointer { target, tag, in_union, .. } => {
                let trust = match (tag, in_union) {
                    (Tag::User, _) => Trust::User,
                    (Tag::Rcu, false) => Trust::Rcu,
                    (_, true) => Trust::Untrusted,
                    (Tag::None | Tag::Percpu, false) => Trust::Plain,
                };
                let percpu = tag == Tag::Percpu;
                Register::pointer(Kind::Kernel { type_id: target, trust, percpu })
            }
        })
    }
}

/// The object that a pointer was loaded from.
#[derive(Clone, Copy, Debug)]
struct Parent {
    type_id: TypeId,
    trust: Trust,
    referenced: bool,
}

/// The kernel's types are not at hand.
const NO_TYPES: NoTypes = NoTypes;

/// The kernel's types are not at hand.
pub(super) struct NoTypes;

impl From<NoTypes> for Box<crate::rejection::Stop> {
    fn from(_: NoTypes) -> Self {
        Box::new(crate::rejection::Stop::Unsupported("kernel objects without the kernel's types"))
    }
}

/// Whether the kernel vouches for a member of a type: it then has a type of the same name and this
/// suffix, with a member of the same name that points to the same type.
fn is_vouched_for(btf: &Btf, parent: TypeId, suffix: &str, member: &str, target: TypeId) -> bool {
    let (kind, name) = match btf.ty(parent) {
        Ok(Type::Struct(composite)) => (BtfKind::Struct, composite.name),
        Ok(Type::Union(composite)) => (BtfKind::Union, composite.name),
        Ok(_) | Err(_) => return false,
    };
    let Some(id) = btf.find_by_name(&format!("{name}{suffix}"), kind) else { return false };
    let Ok(Type::Struct(list) | Type::Union(list)) = btf.ty(id) else { return false };
    list.members.iter().any(|listed| {
        listed.name == member
            && btf.pointee(listed.ty).and_then(|id| btf.resolve(id).ok()).map(|(id, _)| id)
                == Some(target)
    })
}
