//! Lookups over all types of a [`Btf`], built when first asked for.

use std::ops::Range;

use crate::bytes::index;
use crate::types::{DeclTag, Type, TypeId};
use crate::{Btf, Kind, compare, parallel};

/// Types by name, and tags by what they are on. Only of the types that are not the base's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    names: NameTable,
    /// Target and tag; sorted.
    tags: Vec<(TypeId, TypeId)>,
}

impl Index {
    fn new(btf: &Btf) -> Self {
        let [first, second] = parallel::halves(btf.first_id..btf.end_id(), |ids| named(btf, ids));
        let (mut names, mut tags) = first;
        names.extend(second.0);
        tags.extend(second.1);
        tags.sort_unstable();
        Self { names: NameTable::new(&names), tags }
    }
}

/// Hashes of names, and targets of tags, each with its type.
type Named = (Vec<(u32, TypeId)>, Vec<(TypeId, TypeId)>);

/// What is to be found of these types.
fn named(btf: &Btf, ids: Range<u32>) -> Named {
    let mut names = Vec::with_capacity(ids.len());
    let mut tags = Vec::new();
    for id in ids.map(TypeId) {
        let Some(raw) = btf.raw(id) else { break };
        if raw.kind == Kind::DeclTag {
            tags.push((raw.target(), id));
        } else if raw.name != 0 {
            names.push((hash(compare::essential_name(btf.name_at(raw.name))), id));
        }
    }
    (names, tags)
}

/// Ids in buckets, each of those whose names have hashes that begin alike.
#[derive(Clone, Debug, Default)]
struct NameTable {
    /// Where each bucket starts in `entries`, and where the last one ends.
    starts: Vec<u32>,
    /// Hash of the name without its flavour, and id; in a bucket in the order of the ids.
    entries: Vec<(u32, TypeId)>,
    /// Bits of a hash that are not the number of its bucket.
    shift: u32,
}

impl NameTable {
    /// A table of these, which are in the order of their ids.
    fn new(named: &[(u32, TypeId)]) -> Self {
        let bits = named.len().max(2).ilog2();
        let shift = u32::BITS - bits;
        let mut starts = vec![0; (1 << bits) + 1];
        for (hash, _) in named {
            starts[index(hash >> shift) + 1] += 1;
        }
        let mut end = 0;
        for start in &mut starts {
            end += *start;
            *start = end;
        }
        let mut next = starts.clone();
        let mut entries = vec![(0, TypeId::VOID); named.len()];
        for &(hash, id) in named {
            let place = &mut next[index(hash >> shift)];
            entries[index(*place)] = (hash, id);
            *place += 1;
        }
        Self { starts, entries, shift }
    }

    /// The ids of names with this hash.
    fn with_hash(&self, hash: u32) -> impl Iterator<Item = TypeId> {
        let bucket = index(hash >> self.shift);
        let bounds = self.starts.get(bucket..bucket + 2);
        let entries = match bounds {
            Some(&[start, end]) => &self.entries[index(start)..index(end)],
            Some(_) | None => &[],
        };
        entries.iter().filter(move |(found, _)| *found == hash).map(|&(_, id)| id)
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
            .flat_map(move |owner| owner.index().names.with_hash(hash))
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
