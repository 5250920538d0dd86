//! What stands at an offset of a kernel object, by its types.

use skep_btf::{Array, Btf, Composite, Member, Type, TypeId};

/// How deep structs and arrays are looked into. Types of the kernel nest far less.
const NESTING: usize = 64;

/// What an access to an object of the kernel meets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found<'a> {
    /// A number, or part of one.
    Number,
    /// A pointer to a struct.
    Pointer {
        /// The struct.
        target: TypeId,
        /// The name of the member.
        member: &'a str,
        /// What its type is tagged with.
        tag: Tag,
        /// Whether it is in a union, so that it may be something else.
        in_union: bool,
    },
    /// A pointer to something else.
    Address,
}

/// What the type of a pointer is tagged with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tag {
    /// Nothing of interest.
    None,
    /// `__user`: an address of the process.
    User,
    /// `__percpu`: of a per-CPU variable.
    Percpu,
    /// `__rcu`: alive while RCU is held.
    Rcu,
}

/// Why there is nothing, in the kernel's words.
pub(super) type Nothing = String;

/// An access that is looked for.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    off: u32,
    size: u32,
}

/// What is left to look into.
enum Step<'a> {
    Done(Found<'a>),
    Into(TypeId, u32),
}

/// Finds what `size` bytes at `off` of a struct are.
///
/// Sound: a pointer is found only where the access covers exactly it, so that what is loaded is
/// what the kernel has put there.
pub(super) fn find(btf: &Btf, id: TypeId, off: u32, size: u32) -> Result<Found<'_>, Nothing> {
    let (mut id, mut wanted) = (id, Wanted { off, size });
    let mut in_union = false;
    for _ in 0..NESTING {
        let (composite, is_union) = match btf.resolve(id) {
            Ok((_, Type::Struct(composite))) => (composite, false),
            Ok((_, Type::Union(composite))) => (composite, true),
            Ok((_, other)) => return Err(format!("Type '{}' is not a struct", other.name())),
            Err(_) => return Err(String::new()),
        };
        in_union |= is_union && composite.members.len() != 1;
        match step(btf, &composite, wanted, in_union)? {
            Step::Done(found) => return Ok(found),
            Step::Into(inner, off) => {
                id = inner;
                wanted.off = off;
            }
        }
    }
    Err(String::new())
}

/// Looks into one struct.
fn step<'a>(
    btf: &'a Btf,
    composite: &Composite<'a>,
    wanted: Wanted,
    in_union: bool,
) -> Result<Step<'a>, Nothing> {
    let Wanted { off, size } = wanted;
    let end = off.saturating_add(size);
    if end > composite.size {
        return beyond(btf, composite, wanted);
    }
    for member in composite.members.iter() {
        let first = member.bit_offset / 8;
        if end <= first {
            break;
        }
        if let Some(bits) = member.bitfield_size {
            let past = (member.bit_offset + u32::from(bits)).div_ceil(8);
            if off <= first && past <= end {
                return Ok(Step::Done(Found::Number));
            }
            continue;
        }
        if off < first {
            break;
        }
        let Ok(bytes) = btf.size_of(member.ty) else {
            return Err(format!("field {} doesn't have size", member.name));
        };
        let past = first.saturating_add(bytes);
        if off < past {
            return within(btf, composite, &member, wanted, past, in_union);
        }
    }
    Err(format!("struct {} doesn't have field at offset {off}", composite.name))
}

/// Looks into the member that an access begins in, which ends at `past`.
fn within<'a>(
    btf: &'a Btf,
    composite: &Composite<'a>,
    member: &Member<'a>,
    wanted: Wanted,
    past: u32,
    in_union: bool,
) -> Result<Step<'a>, Nothing> {
    let Wanted { off, size } = wanted;
    let mut first = member.bit_offset / 8;
    let (mut id, mut ty) = btf.resolve(member.ty).map_err(|_| String::new())?;
    for _ in 0..NESTING {
        let Type::Array(Array { element, .. }) = ty else { break };
        let bytes = btf.size_of(element).unwrap_or(0);
        let number = (off - first).checked_div(bytes).unwrap_or(0);
        first += number * bytes;
        (id, ty) = btf.resolve(element).map_err(|_| String::new())?;
    }
    match ty {
        Type::Struct(_) | Type::Union(_) => Ok(Step::Into(id, off - first)),
        Type::Ptr(target) => {
            if size != skep_btf::POINTER_SIZE || off != first {
                return Err(format!(
                    "cannot access ptr member {} with moff {first} in struct {} with off {off} \
                     size {size}",
                    member.name, composite.name
                ));
            }
            let (pointee, found) = btf.resolve(target).map_err(|_| String::new())?;
            Ok(Step::Done(match found {
                Type::Struct(_) | Type::Union(_) => Found::Pointer {
                    target: pointee,
                    member: member.name,
                    tag: tag_of(btf, target),
                    in_union,
                },
                _ => Found::Address,
            }))
        }
        _ if off.saturating_add(size) > past && !in_union => Err(format!(
            "access beyond the end of member {} (mend:{past}) in struct {} with off {off} size \
             {size}",
            member.name, composite.name
        )),
        _ => Ok(Step::Done(Found::Number)),
    }
}

/// An access that ends behind a struct, which is allowed in the array of any length at its end.
fn beyond<'a>(btf: &Btf, composite: &Composite<'_>, wanted: Wanted) -> Result<Step<'a>, Nothing> {
    let Wanted { off, size } = wanted;
    let name = if composite.name.is_empty() { "(anon)" } else { composite.name };
    let refused = || Err(format!("access beyond struct {name} at off {off} size {size}"));
    let Some(last) = composite.members.last() else { return refused() };
    let Ok((_, Type::Array(Array { element, nelems: 0, .. }))) = btf.resolve(last.ty) else {
        return refused();
    };
    let Some(into) = off.checked_sub(last.bit_offset / 8) else { return refused() };
    match btf.resolve(element) {
        Ok((_, Type::Int(_))) => Ok(Step::Done(Found::Number)),
        Ok((id, Type::Struct(inner) | Type::Union(inner))) => match into.checked_rem(inner.size) {
            Some(off) => Ok(Step::Into(id, off)),
            None => refused(),
        },
        Ok(_) | Err(_) => refused(),
    }
}

/// What what a pointer points to is tagged with.
pub(super) fn tag_of(btf: &Btf, target: TypeId) -> Tag {
    match btf.ty(target) {
        Ok(Type::TypeTag(tag)) if !tag.is_attribute => match tag.name {
            "user" => Tag::User,
            "percpu" => Tag::Percpu,
            "rcu" => Tag::Rcu,
            _ => Tag::None,
        },
        Ok(_) | Err(_) => Tag::None,
    }
}
