//! Finding, in the types of a machine, what a program knows by name.

use skep_btf::compare::{Comparison, essential_name};
use skep_btf::ext::RelocationKind;
use skep_btf::{Btf, Member, Type, TypeId};

use super::Reason;
use super::spec::{MAX_STEPS, Spec, Step, resolve};

/// Members looked at while adapting one program. Real programs look at a few hundred members for
/// each of some hundred relocations; structs without names, nested on purpose, could ask for more
/// than any machine can do.
const MAX_MEMBERS: u32 = 1 << 24;

/// Follows ways through the types of a target, and counts what that costs.
#[derive(Debug)]
pub(super) struct Search<'a> {
    target: &'a Btf,
    comparison: Comparison<'a>,
    members_left: u32,
}

impl<'a> Search<'a> {
    pub(super) fn new(local: &'a Btf, target: &'a Btf) -> Search<'a> {
        let comparison = Comparison::new(local, target);
        Search { target, comparison, members_left: MAX_MEMBERS }
    }

    /// Counts one candidate or member.
    fn spend(&mut self) -> Result<(), Reason> {
        let left = self.members_left.checked_sub(1);
        self.members_left = left.ok_or("the target's types have too many members")?;
        Ok(())
    }

    /// The way through the target's types, starting at a candidate, that has the same names and
    /// indices as `local`.
    pub(super) fn find(
        &mut self,
        local: &Spec<'a>,
        candidate: TypeId,
    ) -> Result<Option<Spec<'a>>, Reason> {
        self.spend()?;
        let spec = Spec::start(self.target, candidate, local.kind);
        if local.kind.is_type() {
            let same = if local.kind == RelocationKind::TypeMatches {
                self.comparison.matches(local.root, candidate)
            } else {
                self.comparison.compatible(local.root, candidate)
            };
            return same.map(|same| same.then_some(spec)).map_err(|error| error.to_string());
        }
        if local.kind.is_enumval() {
            return find_variant(local, spec);
        }
        self.find_field(local, spec)
    }

    /// The way to a field.
    fn find_field(
        &mut self,
        local: &Spec<'a>,
        mut spec: Spec<'a>,
    ) -> Result<Option<Spec<'a>>, Reason> {
        let mut at = spec.root;
        for (number, step) in local.steps.iter().enumerate() {
            let (id, ty) = resolve(spec.btf, at)?;
            at = match step.name {
                Some(name) => {
                    let wanted = Wanted { ty: member_type(local.btf, step), name };
                    match self.find_member(&wanted, &mut spec, id)? {
                        Some(next) => next,
                        None => return Ok(None),
                    }
                }
                // The root is an element of the array that the pointer to it may point into.
                None if number == 0 => {
                    spec.element(id, step.index)?;
                    id
                }
                None => {
                    let Type::Array(array) = ty else { return Ok(None) };
                    if !spec.has_element(&array, step.index) {
                        return Ok(None);
                    }
                    let (element, _) = resolve(spec.btf, array.element)?;
                    spec.element(element, step.index)?;
                    element
                }
            };
        }
        Ok(Some(spec))
    }

    /// Goes on to the member with a name, which may be in structs and unions without one. Returns
    /// the member's type; `None` if there is no such member or its type is another.
    fn find_member(
        &mut self,
        wanted: &Wanted<'_>,
        spec: &mut Spec<'a>,
        composite: TypeId,
    ) -> Result<Option<TypeId>, Reason> {
        match self.member(wanted, spec, composite)? {
            Found::Member(ty) => Ok(Some(ty)),
            Found::Nothing | Found::OtherType => Ok(None),
        }
    }

    fn member(
        &mut self,
        wanted: &Wanted<'_>,
        spec: &mut Spec<'a>,
        composite: TypeId,
    ) -> Result<Found, Reason> {
        let (id, ty) = resolve(spec.btf, composite)?;
        let (Type::Struct(found) | Type::Union(found)) = ty else { return Ok(Found::Nothing) };
        let before = spec.bit_offset;
        for (member, index) in found.members.iter().zip(0u32..) {
            self.spend()?;
            if spec.raw.len() >= MAX_STEPS {
                return Err(format!("target types are nested deeper than {MAX_STEPS}"));
            }
            if !member.name.is_empty() && member.name != wanted.name {
                continue;
            }
            spec.advance(member.bit_offset.into())?;
            spec.raw.push(index);
            if member.name == wanted.name {
                let agree = self.comparison.field(wanted.ty, member.ty);
                if !agree.map_err(|error| error.to_string())? {
                    return Ok(Found::OtherType);
                }
                spec.step(Step { ty: id, index, name: Some(member.name) })?;
                return Ok(Found::Member(member.ty));
            }
            match self.member(wanted, spec, member.ty)? {
                Found::Nothing => {}
                found @ (Found::Member(_) | Found::OtherType) => return Ok(found),
            }
            spec.raw.pop();
            spec.bit_offset = before;
        }
        Ok(Found::Nothing)
    }
}

/// A member that is looked for.
struct Wanted<'a> {
    ty: TypeId,
    name: &'a str,
}

/// The outcome of looking for a member.
enum Found {
    /// It is there, and has this type.
    Member(TypeId),
    /// There is none of this name.
    Nothing,
    /// There is one, but its type is another.
    OtherType,
}

/// The type of the member that a step goes to.
fn member_type(btf: &Btf, step: &Step<'_>) -> TypeId {
    match btf.ty(step.ty) {
        Ok(Type::Struct(composite) | Type::Union(composite)) => composite
            .members
            .get(step.index as usize)
            .map_or(TypeId::VOID, |member: Member<'_>| member.ty),
        _ => TypeId::VOID,
    }
}

/// The way to a value of an enumeration.
fn find_variant<'a>(local: &Spec<'a>, mut spec: Spec<'a>) -> Result<Option<Spec<'a>>, Reason> {
    let name = local.steps.first().and_then(|step| step.name).unwrap_or_default();
    let (id, ty) = resolve(spec.btf, spec.root)?;
    let (Type::Enum(of) | Type::Enum64(of)) = ty else { return Ok(None) };
    let wanted = essential_name(name);
    let found = of.variants.iter().zip(0u32..).find(|(it, _)| essential_name(it.name) == wanted);
    let Some((variant, index)) = found else { return Ok(None) };
    spec.raw.push(index);
    spec.step(Step { ty: id, index, name: Some(variant.name) })?;
    Ok(Some(spec))
}
