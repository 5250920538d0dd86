//! Members lie in their struct, variables in their section, and arrays have a size.

use crate::Btf;
use crate::error::{Error, Role, TypeError};
use crate::types::{Composite, Datasec, Member, Type, TypeId};

/// The widest bit field, that of a 128-bit integer.
const MAX_BITFIELD: u8 = 128;

pub(super) fn check(btf: &Btf, ty: &Type<'_>) -> Result<(), TypeError> {
    match ty {
        Type::Array(array) => match btf.size_of(array.element) {
            Ok(size) if size.checked_mul(array.nelems).is_none() => Err(TypeError::SizeOverflow),
            // An array of what is only declared is fine until someone asks for its size.
            Ok(_) | Err(_) => Ok(()),
        },
        Type::Struct(composite) | Type::Union(composite) => (0..)
            .map(Role::Member)
            .zip(composite.members)
            .try_for_each(|(role, found)| member(btf, composite, role, &found)),
        Type::Datasec(datasec) => section(datasec),
        Type::Void
        | Type::Int(_)
        | Type::Ptr(_)
        | Type::Enum(_)
        | Type::Fwd(_)
        | Type::Typedef(_)
        | Type::Volatile(_)
        | Type::Const(_)
        | Type::Restrict(_)
        | Type::Func(_)
        | Type::FuncProto(_)
        | Type::Var(_)
        | Type::Float(_)
        | Type::DeclTag(_)
        | Type::TypeTag(_)
        | Type::Enum64(_) => Ok(()),
    }
}

fn member(
    btf: &Btf,
    composite: &Composite<'_>,
    role: Role,
    member: &Member<'_>,
) -> Result<(), TypeError> {
    let target = member.ty;
    let size = match btf.size_of(target) {
        Ok(size) => size,
        Err(Error::Type { reason: TypeError::SizeOverflow, .. }) => {
            return Err(TypeError::SizeOverflow);
        }
        Err(_) => return Err(TypeError::NoSize { role, target }),
    };
    let (start, bits) = match member.bitfield_size {
        Some(bits) => {
            let integral = integral(btf, target);
            if !integral || u64::from(bits) > u64::from(size) * 8 || bits > MAX_BITFIELD {
                return Err(TypeError::Bitfield { role, bits, target });
            }
            (u64::from(member.bit_offset), u64::from(bits))
        }
        None => whole(btf, role, member, size)?,
    };
    let end = start + bits;
    if end > u64::from(composite.size) * 8 {
        return Err(TypeError::MemberBounds { role, start, end, size: composite.size });
    }
    Ok(())
}

/// First bit and number of bits of a member without a width. The bit fields of old compilers are
/// of that form: their integer type has less bits than its size.
fn whole(btf: &Btf, role: Role, member: &Member<'_>, size: u32) -> Result<(u64, u64), TypeError> {
    let start = u64::from(member.bit_offset);
    match btf.resolve(member.ty) {
        Ok((_, Type::Int(int))) if u32::from(int.nr_bits) < int.size * 8 => {
            Ok((start + u64::from(int.bits_offset), u64::from(int.nr_bits)))
        }
        _ if member.byte_offset().is_some() => Ok((start, u64::from(size) * 8)),
        _ => Err(TypeError::MemberAlignment { role, offset: member.bit_offset }),
    }
}

fn integral(btf: &Btf, id: TypeId) -> bool {
    matches!(btf.resolve(id), Ok((_, Type::Int(_) | Type::Enum(_) | Type::Enum64(_))))
}

/// A section of size 0 is one that no loader has filled in yet.
fn section(datasec: &Datasec<'_>) -> Result<(), TypeError> {
    if datasec.size == 0 {
        return Ok(());
    }
    (0..).map(Role::Variable).zip(datasec.vars).try_for_each(|(role, var)| {
        let end = u64::from(var.offset) + u64::from(var.size);
        if end > u64::from(datasec.size) {
            let (start, size) = (var.offset, datasec.size);
            return Err(TypeError::VarBounds { role, start, end, size });
        }
        Ok(())
    })
}
