//! The types of a machine that programs look at, and no others.

use std::collections::HashMap;

use skep_btf::ext::{Relocation, RelocationKind};
use skep_btf::{Btf, Minimal, TypeId, compare};

use super::search::Search;
use super::spec::{self, Spec};
use super::{CoreTarget, slot};
use crate::error::{Place, Problem, Result};
use crate::function::Function;
use crate::link;
use crate::object::Object;

/// The types of a target that the CO-RE relocations of objects look at.
///
/// Adapted to these, the objects' programs are what they are adapted to all of the target: they
/// can be shipped, in a file of some kilobytes, to machines that do not show their types. Only ids
/// of types are others than in the target, and so is the answer to the one question that asks for
/// them.
#[derive(Clone, Debug)]
pub struct Needs<'a> {
    target: &'a Btf,
    kept: Minimal<'a>,
}

impl<'a> Needs<'a> {
    /// Those of no object yet.
    pub fn new(target: &CoreTarget<'a>) -> Needs<'a> {
        Needs { target: target.btf(), kept: Minimal::new(target.btf()) }
    }

    /// Adds what an object looks at, in all of its functions.
    ///
    /// # Errors
    ///
    /// [`Problem::Core`], with the place, for relocations that make no sense.
    pub fn add(&mut self, object: &Object) -> Result<()> {
        let Some(local) = object.btf() else { return Ok(()) };
        let search = Search::new(local, self.target);
        let mut looks = Looks { local, search, candidates: HashMap::new(), needs: self };
        for function in object.functions() {
            for relocation in object.records().relocations(function) {
                looks.add(function, relocation)?;
            }
        }
        Ok(())
    }

    /// The types, as BTF that stands by itself.
    ///
    /// # Errors
    ///
    /// [`Problem::Btf`], which no real target leads to.
    pub fn build(&self) -> Result<Btf> {
        let built = self.kept.build().map(|(btf, _)| btf);
        built.map_err(|error| Place::section(".BTF").error(Problem::Btf(error)))
    }
}

/// The relocations of one object.
struct Looks<'l, 'a, 'n> {
    local: &'l Btf,
    search: Search<'l>,
    /// The types of the target that each type of the object may be.
    candidates: HashMap<TypeId, Vec<TypeId>>,
    needs: &'n mut Needs<'a>,
}

impl<'l, 'a: 'l> Looks<'l, 'a, '_> {
    /// Keeps what a relocation looks at.
    fn add(&mut self, function: &Function, relocation: &Relocation) -> Result<()> {
        let (local, target): (_, &'l Btf) = (self.local, self.needs.target);
        let fail = |spec: String, reason| {
            link::place(function, slot(function, relocation).0)
                .error(Problem::Core { spec, reason })
        };
        let spec = Spec::parse(local, relocation)
            .map_err(|reason| fail(spec::raw(local, relocation), reason))?;
        if spec.kind == RelocationKind::TypeIdLocal {
            return Ok(());
        }
        let candidates = self
            .candidates
            .entry(spec.root)
            .or_insert_with(|| compare::candidates(local, spec.root, target));
        for &candidate in candidates.iter() {
            let found = self.search.find(&spec, candidate);
            let found = found.map_err(|reason| fail(spec.to_string(), reason))?;
            let Some(found) = found else { continue };
            let kept = &mut self.needs.kept;
            let kept = if spec.kind.is_field() {
                kept.field(found.root, &found.raw)
            } else if spec.kind == RelocationKind::TypeMatches {
                kept.whole(found.root)
            } else {
                kept.shape(found.root)
            };
            kept.map_err(|error| fail(spec.to_string(), error.to_string()))?;
        }
        Ok(())
    }
}
