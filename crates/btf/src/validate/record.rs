//! One record by itself: its flags, its name and the names in it, its numbers, and that what it
//! refers to exists and can stand there.

use crate::bytes::checked_u32;
use crate::error::{Role, TypeError};
use crate::format::{INT_BOOL, INT_CHAR, INT_SIGNED};
use crate::names::{MAX_NAME, NotName};
use crate::raw::Raw;
use crate::types::TypeId;
use crate::{Btf, Kind};

/// The largest number of a linkage: static, global, extern.
const LAST_LINKAGE: u16 = 2;

/// Checks the record of `id`, one of this BTF's own types.
pub(super) fn check(btf: &Btf, id: TypeId) -> Result<(), TypeError> {
    let raw = btf.raw(id).expect("btf: the id is one of this BTF");
    let record = Record { btf, raw };
    record.flags()?;
    record.name(Role::Itself, raw.name)?;
    record.body()
}

struct Record<'a> {
    btf: &'a Btf,
    raw: Raw<'a>,
}

impl Record<'_> {
    fn flags(&self) -> Result<(), TypeError> {
        let Raw { kind, vlen, flag, .. } = self.raw;
        if flag && !kind.takes_flag() {
            return Err(TypeError::KindFlag { kind });
        }
        let limit = match kind.tail() {
            _ if kind == Kind::Func => LAST_LINKAGE,
            (_, 0) => 0,
            (_, 1..) => u16::MAX,
        };
        if vlen > limit {
            return Err(TypeError::Vlen { kind, found: vlen, limit });
        }
        Ok(())
    }

    /// What the kind asks for.
    fn body(&self) -> Result<(), TypeError> {
        let raw = self.raw;
        match raw.kind {
            Kind::Int => {
                self.size(&[1, 2, 4, 8, 16], "1, 2, 4, 8, 16")?;
                int(raw.size(), raw.tail_word(0))
            }
            Kind::Float => {
                self.named(true)?;
                self.size(&[2, 4, 8, 12, 16], "2, 4, 8, 12, 16")
            }
            Kind::Enum | Kind::Enum64 => {
                self.size(&[1, 2, 4, 8], "1, 2, 4, 8")?;
                self.each_entry(|number, entry| self.name(Role::Variant(number), word(entry, 0)))
            }
            Kind::Struct | Kind::Union => self.each_entry(|number, entry| {
                let role = Role::Member(number);
                self.name(role, word(entry, 0))?;
                self.target(role, TypeId(word(entry, 4)), Place::Type)
            }),
            Kind::FuncProto => self.signature(),
            Kind::Datasec => {
                self.named(true)?;
                self.each_entry(|number, entry| {
                    self.target(Role::Variable(number), TypeId(word(entry, 0)), Place::Symbol)
                })
            }
            Kind::Array => {
                self.named(false)?;
                self.target(Role::Element, TypeId(raw.tail_word(0)), Place::Type)?;
                self.target(Role::Index, TypeId(raw.tail_word(4)), Place::Type)
            }
            Kind::Fwd => self.named(true),
            Kind::Typedef => {
                self.named(true)?;
                self.target(Role::Target, raw.target(), Place::TypeOrVoid)
            }
            Kind::Ptr | Kind::Volatile | Kind::Const | Kind::Restrict => {
                self.named(false)?;
                self.target(Role::Target, raw.target(), Place::TypeOrVoid)
            }
            Kind::TypeTag => self.target(Role::Target, raw.target(), Place::TypeOrVoid),
            Kind::Func => {
                self.named(true)?;
                self.target(Role::Target, raw.target(), Place::Signature)
            }
            Kind::Var => {
                self.named(true)?;
                linkage(raw.tail_word(0))?;
                self.target(Role::Target, raw.target(), Place::TypeOrVoid)
            }
            Kind::DeclTag => self.decl_tag(),
        }
    }

    fn name(&self, role: Role, offset: u32) -> Result<(), TypeError> {
        let available = self.btf.names_end();
        if offset != 0 && offset >= available {
            return Err(TypeError::NameOffset { role, offset, available });
        }
        match self.btf.names_with(offset).map(|(names, inside)| names.check_at(inside)) {
            Some(Err(NotName::TooLong)) => {
                Err(TypeError::NameLength { role, offset, limit: MAX_NAME })
            }
            Some(Err(NotName::NotUtf8)) => Err(TypeError::NameNotUtf8 { role, offset }),
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// Whether there is a name, which has been checked, is as the kind requires.
    fn named(&self, required: bool) -> Result<(), TypeError> {
        let offset = self.raw.name;
        let empty = match self.btf.names_with(offset) {
            Some((names, inside)) if offset != 0 => names.is_empty_at(inside),
            Some(_) | None => true,
        };
        if empty == required {
            return Err(TypeError::NamePresence { kind: self.raw.kind, required });
        }
        Ok(())
    }

    fn size(&self, allowed: &[u32], required: &'static str) -> Result<(), TypeError> {
        let found = self.raw.size();
        if !allowed.contains(&found) {
            return Err(TypeError::Size { kind: self.raw.kind, found, required });
        }
        Ok(())
    }

    fn each_entry(
        &self,
        check: impl Fn(u16, &[u8]) -> Result<(), TypeError>,
    ) -> Result<(), TypeError> {
        (0..).zip(self.raw.entries()).try_for_each(|(number, entry)| check(number, entry))
    }

    fn signature(&self) -> Result<(), TypeError> {
        self.named(false)?;
        self.target(Role::Return, self.raw.target(), Place::TypeOrVoid)?;
        let last = self.raw.vlen.saturating_sub(1);
        self.each_entry(|number, entry| {
            let (role, name, target) = (Role::Param(number), word(entry, 0), word(entry, 4));
            self.name(role, name)?;
            let ellipsis = number == last && name == 0;
            let place = if ellipsis { Place::TypeOrVoid } else { Place::Type };
            self.target(role, TypeId(target), place)
        })
    }

    fn target(&self, role: Role, target: TypeId, place: Place) -> Result<(), TypeError> {
        let kind = self.btf.kind_of(target);
        if kind.is_none() && !target.is_void() {
            return Err(TypeError::TargetRange { role, target, last: self.btf.last_id() });
        }
        if place.fits(kind) {
            return Ok(());
        }
        let found = kind.map_or("void", Kind::name);
        Err(TypeError::TargetKind { role, target, found, required: place.describe() })
    }

    fn decl_tag(&self) -> Result<(), TypeError> {
        self.target(Role::Target, self.raw.target(), Place::Taggable)?;
        let found = self.raw.tail_word(0).cast_signed();
        let limit = match self.btf.raw(self.raw.target()) {
            Some(func) if func.kind == Kind::Func => {
                self.target(Role::Target, func.target(), Place::Signature)?;
                self.btf.raw(func.target()).map_or(0, |signature| signature.vlen)
            }
            Some(target) if matches!(target.kind, Kind::Struct | Kind::Union) => target.vlen,
            Some(_) | None => 0,
        };
        if found != -1 && !(0..i32::from(limit)).contains(&found) {
            return Err(TypeError::Component { found, limit });
        }
        Ok(())
    }
}

/// What may stand where a type is referred to.
#[derive(Clone, Copy)]
enum Place {
    Type,
    TypeOrVoid,
    Signature,
    Symbol,
    Taggable,
}

impl Place {
    /// Whether a type of this kind, `None` being `void`, can stand here.
    fn fits(self, kind: Option<Kind>) -> bool {
        let Some(kind) = kind else { return matches!(self, Self::TypeOrVoid) };
        match self {
            Self::Type | Self::TypeOrVoid => !kind.is_declaration(),
            Self::Signature => kind == Kind::FuncProto,
            Self::Symbol => matches!(kind, Kind::Var | Kind::Func),
            Self::Taggable => {
                matches!(kind, Kind::Struct | Kind::Union | Kind::Func | Kind::Var | Kind::Typedef)
            }
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Type => "a type",
            Self::TypeOrVoid => "a type or void",
            Self::Signature => "FUNC_PROTO",
            Self::Symbol => "VAR or FUNC",
            Self::Taggable => "STRUCT, UNION, FUNC, VAR or TYPEDEF",
        }
    }
}

fn word(entry: &[u8], at: usize) -> u32 {
    checked_u32(entry, at)
}

fn int(size: u32, word: u32) -> Result<(), TypeError> {
    let [bits, reserved, offset, encoding] = word.to_le_bytes();
    if reserved != 0 {
        return Err(TypeError::ReservedBits { bits: u32::from(reserved) << 8 });
    }
    if ![0, INT_SIGNED, INT_CHAR, INT_BOOL].contains(&u32::from(encoding)) {
        return Err(TypeError::IntEncoding { found: encoding });
    }
    if bits == 0 || u32::from(bits) + u32::from(offset) > size * 8 {
        return Err(TypeError::IntBits { bits, offset, size });
    }
    Ok(())
}

fn linkage(found: u32) -> Result<(), TypeError> {
    if found > u32::from(LAST_LINKAGE) {
        return Err(TypeError::Linkage { found });
    }
    Ok(())
}
