//! Members lie in their struct, variables in their section, and arrays have a size.

use crate::bytes::checked_u32;
use crate::error::{Error, Role, TypeError};
use crate::raw::Raw;
use crate::types::TypeId;
use crate::{Btf, Kind};

/// The widest bit field, that of a 128-bit integer.
const MAX_BITFIELD: u32 = 128;

/// Checks a type whose references and nesting have been checked.
pub(super) fn check(btf: &Btf, id: TypeId) -> Result<(), TypeError> {
    let raw = || btf.raw(id).expect("btf: the id is one of this BTF");
    match btf.kind_of(id).expect("btf: the id is one of this BTF") {
        Kind::Array => match btf.size_of(id) {
            Err(Error::Type { reason, .. }) => Err(reason),
            // An array of what is only declared is fine until someone asks for its size.
            Ok(_) | Err(_) => Ok(()),
        },
        Kind::Struct | Kind::Union => {
            let raw = raw();
            (0..)
                .map(Role::Member)
                .zip(raw.entries())
                .try_for_each(|(role, entry)| Member { btf, raw, role, entry }.check())
        }
        Kind::Datasec => section(raw()),
        Kind::Int
        | Kind::Ptr
        | Kind::Enum
        | Kind::Fwd
        | Kind::Typedef
        | Kind::Volatile
        | Kind::Const
        | Kind::Restrict
        | Kind::Func
        | Kind::FuncProto
        | Kind::Var
        | Kind::Float
        | Kind::DeclTag
        | Kind::TypeTag
        | Kind::Enum64 => Ok(()),
    }
}

struct Member<'a> {
    btf: &'a Btf,
    /// The struct or union.
    raw: Raw<'a>,
    role: Role,
    entry: &'a [u8],
}

impl Member<'_> {
    fn check(&self) -> Result<(), TypeError> {
        let target = TypeId(checked_u32(self.entry, 4));
        let size = match self.btf.size_of(target) {
            Ok(size) => size,
            Err(Error::Type { reason, .. }) => return Err(reason),
            Err(_) => return Err(TypeError::NoSize { role: self.role, target }),
        };
        let (start, bits) = self.bits(target, size)?;
        let end = start + bits;
        if end > u64::from(self.raw.size()) * 8 {
            let (role, size) = (self.role, self.raw.size());
            return Err(TypeError::MemberBounds { role, start, end, size });
        }
        Ok(())
    }

    /// First bit and number of bits.
    fn bits(&self, target: TypeId, size: u32) -> Result<(u64, u64), TypeError> {
        let role = self.role;
        let word = checked_u32(self.entry, 8);
        let (offset, bits) =
            if self.raw.flag { (word & 0x00ff_ffff, word >> 24) } else { (word, 0) };
        let start = u64::from(offset);
        if bits != 0 {
            let fits = u64::from(bits) <= u64::from(size) * 8 && bits <= MAX_BITFIELD;
            if !fits || !self.is_integral(target) {
                return Err(TypeError::Bitfield { role, bits, target });
            }
            return Ok((start, u64::from(bits)));
        }
        // The bit fields of old compilers have no width: their integer has less bits than bytes.
        if let Some((offset, bits)) = self.narrow_int(target) {
            return Ok((start + u64::from(offset), u64::from(bits)));
        }
        if !offset.is_multiple_of(8) {
            return Err(TypeError::MemberAlignment { role, offset });
        }
        Ok((start, u64::from(size) * 8))
    }

    /// The record behind typedefs, qualifiers and type tags.
    fn resolve(&self, target: TypeId) -> Option<Raw<'_>> {
        let mut raw = self.btf.raw(target)?;
        while let Some(target) = raw.alias() {
            raw = self.btf.raw(target)?;
        }
        Some(raw)
    }

    fn is_integral(&self, target: TypeId) -> bool {
        let kind = self.resolve(target).map(|raw| raw.kind);
        matches!(kind, Some(Kind::Int | Kind::Enum | Kind::Enum64))
    }

    /// First bit and number of bits of an integer that has less bits than its bytes.
    fn narrow_int(&self, target: TypeId) -> Option<(u8, u8)> {
        if matches!(self.btf.kind_of(target), Some(Kind::Ptr | Kind::Struct | Kind::Array)) {
            return None;
        }
        let int = self.resolve(target).filter(|raw| raw.kind == Kind::Int)?;
        let [bits, _, offset, _] = int.tail_word(0).to_le_bytes();
        (u32::from(bits) < int.size() * 8).then_some((offset, bits))
    }
}

/// A section of size 0 is one that no loader has filled in yet.
fn section(raw: Raw<'_>) -> Result<(), TypeError> {
    let size = raw.size();
    if size == 0 {
        return Ok(());
    }
    (0..).map(Role::Variable).zip(raw.entries()).try_for_each(|(role, entry)| {
        let start = checked_u32(entry, 4);
        let end = u64::from(start) + u64::from(checked_u32(entry, 8));
        if end > u64::from(size) {
            return Err(TypeError::VarBounds { role, start, end, size });
        }
        Ok(())
    })
}
