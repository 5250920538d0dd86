//! A way through types: from a type along members and elements, or to a value of an enumeration.

use std::fmt;

use skep_btf::ext::{Relocation, RelocationKind};
use skep_btf::{Array, Btf, Enum, Type, TypeId};

use super::Reason;

/// Steps on one way (`BPF_CORE_SPEC_MAX_LEN` of libbpf).
pub(super) const MAX_STEPS: usize = 64;

/// A way through the types of one BTF.
#[derive(Clone, Debug)]
pub(super) struct Spec<'a> {
    pub(super) btf: &'a Btf,
    /// The type that the way starts at.
    pub(super) root: TypeId,
    /// What is asked.
    pub(super) kind: RelocationKind,
    /// The named members and the indices on the way; members without a name are left out.
    pub(super) steps: Vec<Step<'a>>,
    /// All indices on the way.
    pub(super) raw: Vec<u32>,
    /// Where the way ends, in bits from the beginning of the root.
    pub(super) bit_offset: u64,
}

/// A named member, an index, or a value of an enumeration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    /// The struct or union, the element type, or the enumeration.
    pub(super) ty: TypeId,
    /// Number of the member, index of the element, or number of the value.
    pub(super) index: u32,
    /// The name of a member or value; `None` for an index.
    pub(super) name: Option<&'a str>,
}

impl<'a> Spec<'a> {
    /// The beginning of a way.
    pub(super) fn start(btf: &'a Btf, root: TypeId, kind: RelocationKind) -> Spec<'a> {
        Spec { btf, root, kind, steps: Vec::new(), raw: Vec::new(), bit_offset: 0 }
    }

    /// The way that a relocation describes by indices.
    pub(super) fn parse(btf: &'a Btf, relocation: &Relocation) -> Result<Spec<'a>, Reason> {
        let mut spec = Spec::start(btf, relocation.ty, relocation.kind);
        let access = &relocation.access;
        if relocation.kind.is_type() {
            return match access.as_slice() {
                [0] => Ok(spec),
                _ => Err("a question about a type has an access string other than 0".to_owned()),
            };
        }
        if access.len() > MAX_STEPS {
            return Err(format!("{} steps, at most {MAX_STEPS} are supported", access.len()));
        }
        let [first, rest @ ..] = access.as_slice() else {
            return Err("its access string is empty".to_owned());
        };
        let (root, ty) = resolve(btf, relocation.ty)?;
        if relocation.kind.is_enumval() {
            let (Type::Enum(of) | Type::Enum64(of), []) = (ty, rest) else {
                return Err("a question about a value is put to no enumeration".to_owned());
            };
            let Some(variant) = of.variants.get(*first as usize) else {
                return Err(format!("the enumeration has no value number {first}"));
            };
            spec.step(Step { ty: root, index: *first, name: Some(variant.name) })?;
            spec.raw.push(*first);
            return Ok(spec);
        }
        spec.element(root, *first)?;
        let mut at = root;
        for &index in rest {
            at = spec.descend(at, index)?;
        }
        Ok(spec)
    }

    /// Goes on to a member or an element, by number.
    fn descend(&mut self, at: TypeId, index: u32) -> Result<TypeId, Reason> {
        let (id, ty) = resolve(self.btf, at)?;
        match ty {
            Type::Struct(composite) | Type::Union(composite) => {
                let Some(member) = composite.members.get(index as usize) else {
                    return Err(format!(
                        "{} {} has no member number {index}",
                        ty.kind_name(),
                        named(composite.name)
                    ));
                };
                self.advance(member.bit_offset.into())?;
                self.raw.push(index);
                if !member.name.is_empty() {
                    self.step(Step { ty: id, index, name: Some(member.name) })?;
                }
                Ok(member.ty)
            }
            Type::Array(array) => {
                if !self.has_element(&array, index) {
                    return Err(format!("an array of {} has no element {index}", array.nelems));
                }
                let (element, _) = resolve(self.btf, array.element)?;
                self.element(element, index)?;
                Ok(element)
            }
            _ => Err(format!("a {} has neither members nor elements", ty.kind_name())),
        }
    }

    /// Whether an array that the way leads to has an element. Arrays without a length, at the end
    /// of a struct, have any.
    pub(super) fn has_element(&self, array: &Array, index: u32) -> bool {
        index < array.nelems || (array.nelems == 0 && self.at_last_member())
    }

    /// Whether the last step went to the last member of its struct or union.
    fn at_last_member(&self) -> bool {
        let Some(Step { ty, index, name: Some(_) }) = self.steps.last() else { return false };
        match self.btf.ty(*ty) {
            Ok(Type::Struct(composite) | Type::Union(composite)) => {
                composite.members.len() == *index as usize + 1
            }
            _ => false,
        }
    }

    /// Goes on to an element of a given type.
    pub(super) fn element(&mut self, ty: TypeId, index: u32) -> Result<(), Reason> {
        let size = self.btf.size_of(ty).map_err(|error| error.to_string())?;
        self.advance(u64::from(index) * u64::from(size) * 8)?;
        self.raw.push(index);
        self.step(Step { ty, index, name: None })
    }

    /// Notes a step.
    pub(super) fn step(&mut self, step: Step<'a>) -> Result<(), Reason> {
        if self.steps.len() >= MAX_STEPS {
            return Err(format!("more than {MAX_STEPS} steps"));
        }
        self.steps.push(step);
        Ok(())
    }

    /// Moves the end of the way. Offsets of more than 32 bits fit no instruction.
    pub(super) fn advance(&mut self, bits: u64) -> Result<(), Reason> {
        match self.bit_offset.checked_add(bits) {
            Some(sum) if u32::try_from(sum).is_ok() => {
                self.bit_offset = sum;
                Ok(())
            }
            _ => Err("its offset does not fit 32 bits".to_owned()),
        }
    }

    /// The name of the type that the way starts at.
    pub(super) fn root_name(&self) -> &'a str {
        self.btf.ty(self.root).map_or("", |ty| ty.name())
    }

    /// The value that the way of an enumeration leads to.
    pub(super) fn variant(&self) -> Option<(Enum<'a>, i128)> {
        let step = self.steps.first()?;
        match self.btf.ty(step.ty) {
            Ok(Type::Enum(of) | Type::Enum64(of)) => {
                Some((of, of.variants.get(step.index as usize)?.value))
            }
            _ => None,
        }
    }
}

/// Skips typedefs and qualifiers.
pub(super) fn resolve(btf: &Btf, id: TypeId) -> Result<(TypeId, Type<'_>), Reason> {
    btf.resolve(id).map_err(|error| error.to_string())
}

/// The kind of a type as libbpf writes it.
fn kind_of(btf: &Btf, id: TypeId) -> String {
    btf.ty(id).map_or_else(|_| "?".to_owned(), |ty| ty.kind_name().to_ascii_lowercase())
}

/// What to call a type in a message.
fn named(name: &str) -> &str {
    if name.is_empty() { "<anon>" } else { name }
}

/// A relocation whose way cannot be followed, in words.
pub(super) fn raw(btf: &Btf, relocation: &Relocation) -> String {
    let kind = kind_of(btf, relocation.ty);
    let name = btf.ty(relocation.ty).map_or("?", |ty| named(ty.name()));
    let access = relocation.access_string();
    format!("<{}> [{}] {kind} {name} + {access}", relocation.kind, relocation.ty)
}

/// libbpf's notation: `<byte_off> [12] struct task_struct.pid (0:5 @ offset 1234)`.
impl fmt::Display for Spec<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = kind_of(self.btf, self.root);
        write!(f, "<{}> [{}] {kind} {}", self.kind, self.root, named(self.root_name()))?;
        if self.kind.is_type() {
            return Ok(());
        }
        if self.kind.is_enumval() {
            let name = self.steps.first().and_then(|step| step.name).unwrap_or_default();
            let value = self.variant().map_or(0, |(_, value)| value);
            return write!(f, "::{name} = {value}");
        }
        for (number, step) in self.steps.iter().enumerate() {
            match step.name {
                Some(name) => write!(f, ".{name}")?,
                None if number > 0 || step.index > 0 => write!(f, "[{}]", step.index)?,
                None => {}
            }
        }
        f.write_str(" (")?;
        for (number, index) in self.raw.iter().enumerate() {
            let separator = if number == 0 { "" } else { ":" };
            write!(f, "{separator}{index}")?;
        }
        let (bytes, bits) = (self.bit_offset / 8, self.bit_offset % 8);
        match bits {
            0 => write!(f, " @ offset {bytes})"),
            _ => write!(f, " @ offset {bytes}.{bits})"),
        }
    }
}
