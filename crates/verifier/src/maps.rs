//! The maps of a program, numbered.

use crate::environment::MapFacts;

/// The number of a map among those that a program can reach.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MapIdx(pub u16);

/// The maps that a program can reach: those it names, and the shapes of maps within them.
#[derive(Debug, Default)]
pub struct Maps {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    facts: MapFacts,
    inner: Option<MapIdx>,
    named: bool,
}

impl Maps {
    /// Takes in a map that the program names, unless it is known already.
    pub(crate) fn add(&mut self, mut facts: MapFacts) -> MapIdx {
        let known = self.entries.iter().position(|entry| entry.named && entry.facts.id == facts.id);
        if let Some(known) = known {
            return index(known);
        }
        let inner = facts.inner.take().map(|inner| self.push(*inner, None, false));
        self.push(facts, inner, true)
    }

    fn push(&mut self, facts: MapFacts, inner: Option<MapIdx>, named: bool) -> MapIdx {
        self.entries.push(Entry { facts, inner, named });
        index(self.entries.len() - 1)
    }

    /// How many maps the program names.
    pub(crate) fn named(&self) -> usize {
        self.entries.iter().filter(|entry| entry.named).count()
    }

    /// The map.
    #[must_use]
    pub fn facts(&self, map: MapIdx) -> &MapFacts {
        &self.entries[usize::from(map.0)].facts
    }

    /// The shape of maps in a map of maps.
    #[must_use]
    pub fn inner(&self, map: MapIdx) -> Option<MapIdx> {
        self.entries[usize::from(map.0)].inner
    }
}

fn index(entry: usize) -> MapIdx {
    MapIdx(u16::try_from(entry).expect("maps: at most two for each that the program may name"))
}
