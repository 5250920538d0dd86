//! Each type once: what compilers repeat in every object is found to be the same.
//!
//! Two types are the same if they look alike (kind, name, size, members, values) and what they
//! refer to is the same. As structs refer to each other in circles, that is a question about all
//! types at once: the coarsest partition in which no two types of a block can be told apart. It is
//! found by splitting blocks until nothing is left to split (module `partition`), in time that
//! grows little faster than the BTF, whatever is in it, and without recursion.
//!
//! | step | what it does |
//! |---|---|
//! | 1 | forward declarations stand for the type that completes them, if there is but one |
//! | 2 | types are told apart by what they say themselves (`label`) |
//! | 3 | types are told apart by what they refer to |
//! | 4 | of each block, the type with the smallest id stays |
//!
//! The rules are those of libbpf's `btf__dedup`: variables and sections are never the same, and
//! tags on declarations are when what they are on is.

mod forward;
mod label;
mod partition;

use std::collections::{HashMap, HashSet};

use crate::bytes::index;
use crate::error::Error;
use crate::types::TypeId;
use crate::{Btf, BtfBuilder, IdMap};
use label::Labels;
use partition::{Edges, refine};

/// Rounds in which forward declarations are found to have more than one completion. Every round
/// but the last tells apart types that looked the same before; real BTF needs two.
const MAX_ROUNDS: u32 = 8;

/// Types without what is there more than once.
#[derive(Clone, Debug)]
pub struct Deduplicated {
    /// Each type once, in the order in which they were first met.
    pub btf: Btf,
    /// Where each type of before is now.
    pub ids: IdMap,
}

/// A deduplication that is being prepared: see the [module](self).
///
/// ```
/// use skep_btf::{BtfBuilder, IntEncoding, dedup::Dedup};
///
/// let mut one = BtfBuilder::new();
/// let int = one.int("int", 4, IntEncoding::Signed);
/// one.ptr(int);
/// let one = one.build()?;
///
/// // The types of two objects, one behind the other.
/// let mut both = BtfBuilder::new();
/// let first = both.append(&one)?;
/// let second = both.append(&one)?;
/// let merged = Dedup::new(&both.build()?).run()?;
/// assert_eq!(merged.btf.types().count(), 2);
/// assert_eq!(second.then(&merged.ids).get(int), first.then(&merged.ids).get(int));
/// # Ok::<(), skep_btf::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Dedup<'a> {
    btf: &'a Btf,
    instead: HashMap<TypeId, TypeId>,
    removed: HashSet<TypeId>,
    keep_strings: bool,
}

impl<'a> Dedup<'a> {
    /// A deduplication of these types. Of a split BTF its own types go where they are the same as
    /// those of its base, and the base stays as it is.
    pub fn new(btf: &'a Btf) -> Self {
        Self { btf, instead: HashMap::new(), removed: HashSet::new(), keep_strings: false }
    }

    /// Has `other` stand wherever `id` is referred to, and `id` go: as a linker has the definition
    /// of a symbol stand for its declarations.
    pub fn instead(&mut self, id: TypeId, other: TypeId) -> &mut Self {
        self.instead.insert(id, other);
        self
    }

    /// Has a type go to which nothing may refer: a section, or what is on nothing any more.
    pub fn without(&mut self, id: TypeId) -> &mut Self {
        self.removed.insert(id);
        self
    }

    /// Leaves all strings where they are, those that no type refers to among them: what else has
    /// offsets of strings, as `.BTF.ext`, stays right. Otherwise the names of types are all that
    /// is kept.
    pub fn keep_strings(&mut self) -> &mut Self {
        self.keep_strings = true;
        self
    }

    /// Does it.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownType`] for ids that are not there; [`Error::Circle`] if types stand for each
    /// other in a circle; [`Error::Removed`] if something refers to a type that is to go; as
    /// [`Btf::parse`], if the wrong types were taken for each other.
    pub fn run(&self) -> Result<Deduplicated, Error> {
        let labels = Labels::new(self.btf);
        let mut stands_for = self.stands_for()?;
        let mut forwards = forward::Forwards::find(self.btf, &labels, &stands_for);
        forwards.apply(&mut stands_for);
        let mut rounds = 0;
        let blocks = loop {
            rounds += 1;
            let edges = Edges::new(self.btf, &stands_for);
            let blocks = refine(labels.of(&stands_for), &edges);
            if !forwards.withdraw(&mut stands_for, &blocks, rounds < MAX_ROUNDS) {
                break blocks;
            }
        };
        self.rewrite(&first_of_each(&blocks, &stands_for))
    }

    /// For each type, the one that is taken for it: mostly itself.
    fn stands_for(&self) -> Result<Vec<TypeId>, Error> {
        let mut stands_for: Vec<TypeId> = (0..self.btf.end_id()).map(TypeId).collect();
        for &id in self.instead.keys() {
            let mut last = id;
            let mut steps = 0;
            while let Some(&next) = self.instead.get(&last) {
                (last, steps) = (next, steps + 1);
                if steps > self.instead.len() {
                    return Err(Error::Circle { id });
                }
            }
            for known in [id, last] {
                self.btf.ty(known)?;
            }
            stands_for[index(id.0)] = last;
        }
        Ok(stands_for)
    }

    /// The types that stay, with what they refer to as it is now.
    fn rewrite(&self, kept: &[TypeId]) -> Result<Deduplicated, Error> {
        let btf = self.btf;
        let mut builder = match &btf.base {
            Some(base) => BtfBuilder::split(base.clone()),
            None => BtfBuilder::new(),
        };
        if self.keep_strings {
            builder.keep_strings_of(btf);
        }
        let own = || (btf.first_id..btf.end_id()).map(TypeId);
        let stays = |id: TypeId| kept.get(index(id.0)) == Some(&id) && !self.removed.contains(&id);
        let mut ids = IdMap::new(btf.end_id());
        (1..btf.first_id).map(TypeId).for_each(|id| ids.put(id, id));
        let mut next = builder.next_id();
        for id in own().filter(|&id| stays(id)) {
            ids.put(id, next);
            next = TypeId(next.0 + 1);
        }
        for id in own().filter(|&id| !stays(id) && !self.removed.contains(&id)) {
            let now = kept.get(index(id.0)).and_then(|&first| ids.get(first));
            now.into_iter().for_each(|now| ids.put(id, now));
        }
        for id in own().filter(|&id| stays(id)) {
            let mut gone = None;
            builder.copy(btf, id, |target| {
                ids.get(target).unwrap_or_else(|| {
                    gone = Some(target);
                    TypeId::VOID
                })
            })?;
            if let Some(target) = gone {
                return Err(Error::Removed { id, target });
            }
        }
        Ok(Deduplicated { btf: builder.build()?, ids })
    }
}

/// For each type, the first of those that are the same.
fn first_of_each(blocks: &[u32], stands_for: &[TypeId]) -> Vec<TypeId> {
    let mut first: Vec<Option<TypeId>> = vec![None; blocks.len()];
    let own = |id: TypeId| stands_for[index(id.0)] == id;
    for (id, &block) in (0..).map(TypeId).zip(blocks).filter(|(id, _)| own(*id)) {
        first[index(block)].get_or_insert(id);
    }
    stands_for
        .iter()
        .map(|&id| first[index(blocks[index(id.0)])].expect("btf: each stands in its own block"))
        .collect()
}
