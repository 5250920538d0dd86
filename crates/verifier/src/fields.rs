//! Fields of a map's value that the kernel looks after, found by their types.
//!
//! The kernel knows them by the names of their structs, and pointers to its own objects by their
//! tags (`btf_parse_fields` in kernel/bpf/btf.c).

use skep_btf::{Btf, Type, TypeId};

use crate::environment::{FieldKind, SpecialField};

/// How many structs and arrays deep fields are looked for (`MAX_RESOLVE_DEPTH`).
const DEPTH: u32 = 15;

/// How many fields a value may have (`BTF_FIELDS_MAX`).
const FIELDS: u32 = 11;

/// The fields in a value of a type, by ascending offset; none, if the type cannot be read. The
/// kernel refuses to make maps with more than it takes; as many are found here.
///
/// ```
/// use skep_btf::{BtfBuilder, IntEncoding, Member};
/// use skep_verifier::{environment::FieldKind, fields};
///
/// let mut builder = BtfBuilder::new();
/// let int = builder.int("int", 4, IntEncoding::Signed);
/// let member = |name, ty, bit_offset| Member { name, ty, bit_offset, bitfield_size: None };
/// let lock = builder.structure("bpf_spin_lock", 4, &[member("val", int, 0)]);
/// let value =
///     builder.structure("value", 8, &[member("count", int, 0), member("lock", lock, 32)]);
/// let fields = fields::of(&builder.build()?, value);
/// assert_eq!((fields[0].kind, fields[0].offset), (FieldKind::SpinLock, 4));
/// # Ok::<(), skep_btf::Error>(())
/// ```
#[must_use]
pub fn of(btf: &Btf, value: TypeId) -> Vec<SpecialField> {
    let mut fields = Vec::new();
    find(btf, value, 0, DEPTH, &mut fields);
    fields.sort_by_key(|field| field.offset);
    fields
}

/// Adds the fields of a struct that begins at an offset.
fn find(btf: &Btf, id: TypeId, offset: u32, depth: u32, fields: &mut Vec<SpecialField>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match btf.resolve(id) {
        Ok((_, Type::Struct(composite) | Type::Union(composite))) => {
            for member in composite.members {
                let at = offset.saturating_add(member.bit_offset / 8);
                one(btf, member.ty, at, depth, fields);
            }
        }
        Ok((_, Type::Datasec(section))) => {
            for var in section.vars {
                let Ok(Type::Var(variable)) = btf.ty(var.ty) else { continue };
                one(btf, variable.ty, offset.saturating_add(var.offset), depth, fields);
            }
        }
        Ok(_) | Err(_) => {}
    }
}

/// Adds the field of a type, or those within it.
fn one(btf: &Btf, id: TypeId, at: u32, depth: u32, fields: &mut Vec<SpecialField>) {
    if fields.len() >= FIELDS as usize {
        return;
    }
    match btf.resolve(id) {
        Ok((_, Type::Array(array))) => {
            let size = btf.size_of(array.element).unwrap_or(0);
            let Some(depth) = depth.checked_sub(1) else { return };
            for number in 0..array.nelems.min(FIELDS) {
                let at = at.saturating_add(size.saturating_mul(number));
                let before = fields.len();
                one(btf, array.element, at, depth, fields);
                if fields.len() == before {
                    return;
                }
            }
        }
        Ok((found, Type::Struct(composite))) => match kind_of(composite.name) {
            Some(kind) => {
                fields.push(SpecialField { kind, offset: at, bytes: composite.size });
            }
            None => find(btf, found, at, depth, fields),
        },
        Ok((_, Type::Ptr(target))) => {
            if let Some(kind) = tagged(btf, target) {
                fields.push(SpecialField { kind, offset: at, bytes: skep_btf::POINTER_SIZE });
            }
        }
        Ok(_) | Err(_) => {}
    }
}

/// What the kernel takes a struct of this name for.
fn kind_of(name: &str) -> Option<FieldKind> {
    const STRUCTS: [FieldKind; 10] = [
        FieldKind::SpinLock,
        FieldKind::ResSpinLock,
        FieldKind::Timer,
        FieldKind::Workqueue,
        FieldKind::TaskWork,
        FieldKind::ListHead,
        FieldKind::ListNode,
        FieldKind::RbRoot,
        FieldKind::RbNode,
        FieldKind::Refcount,
    ];
    STRUCTS.into_iter().find(|kind| kind.name() == name)
}

/// What a pointer to a tagged type is.
fn tagged(btf: &Btf, target: TypeId) -> Option<FieldKind> {
    let Ok(Type::TypeTag(tag)) = btf.ty(target) else { return None };
    match tag.name {
        "kptr_untrusted" => Some(FieldKind::KptrUntrusted),
        "kptr" => Some(FieldKind::Kptr),
        "percpu_kptr" => Some(FieldKind::KptrPercpu),
        "uptr" => Some(FieldKind::Uptr),
        _ => None,
    }
}
