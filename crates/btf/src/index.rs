//! Lookups over all types of a [`Btf`], built when first asked for.

use crate::types::{DeclTag, Type, TypeId};
use crate::{Btf, Kind, compare};

/// Types by name, and tags by what they are on. Only of the types that are not the base's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// Hash of the name without its flavour, and id; sorted.
    names: Vec<(u32, TypeId)>,
    /// Target and tag; sorted.
    tags: Vec<(TypeId, TypeId)>,
}

impl Index {
    fn new(btf: &Btf) -> Self {
        let mut index = Self::default();
        for id in (btf.first_id..btf.end_id()).map(TypeId) {
            let Some(raw) = btf.raw(id) else { break };
            if raw.kind == Kind::DeclTag {
                index.tags.push((raw.target(), id));
            } else if raw.name != 0 {
                index.names.push((hash(compare::essential_name(btf.name_at(raw.name))), id));
            }
        }
        index.names.sort_unstable();
        index.tags.sort_unstable();
        index
    }
}

impl Btf {
    fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::new(self))
    }

    /// The types with this name, in the order of their ids. Tags are found by what they are on,
    /// not by name.
    pub fn named(&self, name: &str) -> impl Iterator<Item = TypeId> {
        self.flavours(compare::essential_name(name))
            .filter(move |&id| self.known(id).name() == name)
    }

    /// The types whose name without its flavour is `essential`, in the order of their ids.
    pub(crate) fn flavours(&self, essential: &str) -> impl Iterator<Item = TypeId> {
        let hash = hash(essential);
        self.with_bases()
            .flat_map(move |owner| equal_range(&owner.index().names, hash))
            .filter(move |&id| compare::essential_name(self.known(id).name()) == essential)
    }

    /// The tags on a struct, union, function, variable or typedef, and on its parts.
    pub fn decl_tags(&self, id: TypeId) -> impl Iterator<Item = (TypeId, DeclTag<'_>)> {
        self.with_bases().flat_map(move |owner| equal_range(&owner.index().tags, id)).filter_map(
            |tag| match self.known(tag) {
                Type::DeclTag(found) => Some((tag, found)),
                _ => None,
            },
        )
    }

    /// The base of all first, this one last.
    fn with_bases(&self) -> impl Iterator<Item = &Btf> {
        let mut chain: Vec<&Btf> =
            std::iter::successors(Some(self), |btf| btf.base.as_deref()).collect();
        chain.reverse();
        chain.into_iter()
    }
}

/// The ids that a sorted list has for `key`.
fn equal_range<K: Ord + Copy>(sorted: &[(K, TypeId)], key: K) -> impl Iterator<Item = TypeId> {
    let start = sorted.partition_point(|(found, _)| *found < key);
    sorted.iter().skip(start).take_while(move |(found, _)| *found == key).map(|&(_, id)| id)
}

/// FNV-1a. Equal hashes of unequal names only cost a comparison.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
