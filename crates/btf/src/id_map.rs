//! [`IdMap`]: what has become of the types of one BTF in another.

use crate::bytes::index;
use crate::types::TypeId;

/// The ids that types have now, by the ids that they had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdMap(Vec<Option<TypeId>>);

impl IdMap {
    /// A map of ids below `end`, all of which lead nowhere but that of `void`.
    pub(crate) fn new(end: u32) -> Self {
        let mut ids = vec![None; index(end).max(1)];
        ids[0] = Some(TypeId::VOID);
        Self(ids)
    }

    /// Notes that `from`, one of the map's ids, has become `to`.
    pub(crate) fn put(&mut self, from: TypeId, to: TypeId) {
        *self.0.get_mut(index(from.0)).expect("btf: a map has all ids of its BTF") = Some(to);
    }

    /// The id now; `None` if the type is gone, or has never been there.
    pub fn get(&self, id: TypeId) -> Option<TypeId> {
        self.0.get(index(id.0)).copied().flatten()
    }

    /// This map, and `next` behind it: from the ids before the first step to those after the second.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        Self(self.0.iter().map(|id| next.get((*id)?)).collect())
    }

    /// All ids that lead somewhere, with where they lead.
    pub fn iter(&self) -> impl Iterator<Item = (TypeId, TypeId)> {
        (0..).map(TypeId).zip(&self.0).filter_map(|(from, to)| Some((from, (*to)?)))
    }
}
