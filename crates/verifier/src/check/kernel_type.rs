//! Types of the kernel that helpers speak of.

use skep_btf::{Btf, Kind as BtfKind, Type, TypeId};
use skep_spec::insn::Reg;

use crate::environment::Environment;
use crate::explore::Walk;
use crate::rejection::{Check, Reason, unsupported};
use crate::state::Kind;

/// How deep structs are looked into for one that stands at an offset. Types of the kernel nest far
/// less.
const NESTING: usize = 32;

/// The struct with a name.
pub(super) fn find(environment: &dyn Environment, name: &str) -> Check<TypeId> {
    let btf = environment.kernel_btf();
    match btf.and_then(|btf| btf.find_by_name(name, BtfKind::Struct)) {
        Some(id) => Ok(id),
        None => unsupported("helpers that speak of the kernel's types without its BTF"),
    }
}

impl Walk<'_> {
    /// Whether the object of the kernel in `reg` is one of type `wanted`, or has one inside of it
    /// where the pointer points.
    pub(super) fn check_kernel_type(&self, reg: Reg, wanted: TypeId) -> Check {
        let pointer = self.state.register(reg);
        let Kind::Kernel { type_id, .. } = pointer.kind else { return Ok(()) };
        let Some(btf) = self.environment.kernel_btf() else {
            return unsupported("kernel objects without the kernel's BTF");
        };
        let off = u32::try_from(pointer.off).ok();
        if off.is_some_and(|off| contains_at(btf, type_id, off, wanted)) {
            return Ok(());
        }
        let name = |id| btf.ty(id).map_or("", |ty| ty.name()).to_owned();
        Err(Reason::ArgumentType { reg, found: name(type_id), expected: name(wanted) }.into())
    }
}

/// Whether a struct is of type `wanted`, or has one at an offset.
fn contains_at(btf: &Btf, id: TypeId, off: u32, wanted: TypeId) -> bool {
    let (mut id, mut off) = (id, off);
    if off == 0 && id == wanted {
        return true;
    }
    for _ in 0..NESTING {
        let Some(inner) = struct_at(btf, id, off) else { return false };
        if inner == wanted {
            return true;
        }
        (id, off) = (inner, 0);
    }
    false
}

/// The struct that begins at an offset within a struct.
fn struct_at(btf: &Btf, id: TypeId, off: u32) -> Option<TypeId> {
    let (mut id, mut off) = (id, off);
    for _ in 0..NESTING {
        let Ok((_, Type::Struct(composite) | Type::Union(composite))) = btf.resolve(id) else {
            return None;
        };
        let covering = composite.members.iter().find_map(|member| {
            let at = member.byte_offset()?;
            let size = btf.size_of(member.ty).ok()?;
            (at <= off && off - at < size).then_some((member.ty, off - at))
        });
        let (mut ty, mut within) = covering?;
        while let Ok((_, Type::Array(array))) = btf.resolve(ty) {
            let size = btf.size_of(array.element).ok()?;
            within = within.checked_rem(size)?;
            ty = array.element;
        }
        let (resolved, found) = btf.resolve(ty).ok()?;
        if !matches!(found, Type::Struct(_) | Type::Union(_)) {
            return None;
        }
        if within == 0 {
            return Some(resolved);
        }
        (id, off) = (resolved, within);
    }
    None
}
