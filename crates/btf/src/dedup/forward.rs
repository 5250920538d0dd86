//! Forward declarations, and the types that complete them.
//!
//! An object that only passes on a pointer to a struct has it declared by name; another has all of
//! it. The declaration stands for the complete type if there is exactly one in the end: of several
//! that differ, nobody can say which was meant.

use std::collections::HashMap;

use super::label::Labels;
use crate::bytes::index;
use crate::types::{FwdKind, Type, TypeId};
use crate::{Btf, Kind};

/// What can be declared without being complete.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Tagged {
    Struct,
    Union,
    Enum,
}

/// Forward declarations, each with all types that could complete it.
pub(super) struct Forwards(Vec<(TypeId, Vec<TypeId>)>);

impl Forwards {
    /// Those of a BTF whose completions look alike. The base's own stay as they are.
    pub(super) fn find(btf: &Btf, labels: &Labels, stands_for: &[TypeId]) -> Self {
        let free = |id: &TypeId| stands_for.get(index(id.0)) == Some(id);
        let mut complete: HashMap<(Tagged, &str), Vec<TypeId>> = HashMap::new();
        let mut declared = Vec::new();
        for id in (1..btf.end_id()).map(TypeId).filter(free) {
            match tagged(btf, id) {
                Some((key, true)) => complete.entry(key).or_default().push(id),
                Some((key, false)) if id >= btf.first_id() => declared.push((id, key)),
                Some((_, false)) | None => {}
            }
        }
        let alike = |ids: &&Vec<TypeId>| {
            ids.windows(2).all(|pair| labels.get(pair[0]) == labels.get(pair[1]))
        };
        let found = declared.into_iter().filter_map(|(id, key)| {
            let completions = complete.get(&key).filter(alike)?;
            Some((id, completions.clone()))
        });
        Self(found.collect())
    }

    /// Has the first completion stand for each declaration.
    pub(super) fn apply(&self, stands_for: &mut [TypeId]) {
        for (id, completions) in &self.0 {
            if let Some(&first) = completions.first() {
                stands_for[index(id.0)] = first;
            }
        }
    }

    /// Takes back what has turned out to be ambiguous; without `patience`, all that could be.
    /// Returns whether there was anything.
    pub(super) fn withdraw(
        &mut self,
        stands_for: &mut [TypeId],
        blocks: &[u32],
        patience: bool,
    ) -> bool {
        let before = self.0.len();
        self.0.retain(|(id, completions)| {
            let block = |id: &TypeId| blocks.get(index(id.0));
            let certain = if patience {
                completions.windows(2).all(|pair| block(&pair[0]) == block(&pair[1]))
            } else {
                completions.len() == 1
            };
            if !certain {
                stands_for[index(id.0)] = *id;
            }
            certain
        });
        self.0.len() != before
    }
}

/// What a type declares by name, and whether it is complete.
fn tagged(btf: &Btf, id: TypeId) -> Option<((Tagged, &str), bool)> {
    let kind = btf.kind_of(id)?;
    if !matches!(kind, Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 | Kind::Fwd) {
        return None;
    }
    let ty = btf.known(id);
    let (tag, complete) = match &ty {
        Type::Struct(_) => (Tagged::Struct, true),
        Type::Union(_) => (Tagged::Union, true),
        Type::Enum(of) | Type::Enum64(of) => (Tagged::Enum, !of.variants.is_empty()),
        Type::Fwd(fwd) => match fwd.kind {
            FwdKind::Struct => (Tagged::Struct, false),
            FwdKind::Union => (Tagged::Union, false),
        },
        _ => return None,
    };
    let name = ty.name();
    (!name.is_empty()).then_some(((tag, name), complete))
}
