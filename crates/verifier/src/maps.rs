//! The maps of a program, numbered.

use skep_spec::abi::MapType;
use skep_spec::abi::context::objects::Object;
use skep_spec::abi::flags::map as flag;

use crate::environment::{FieldKind, MapFacts};
use crate::state::{Id, Kind};

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
        if matches!(facts.map_type, MapType::Devmap | MapType::DevmapHash) {
            // The kernel makes them so: what is looked up is a part of its own list of devices.
            facts.flags |= flag::RDONLY_PROG;
        }
        let inner = facts.inner.take().map(|inner| {
            // A map of maps remembers the shape of what is within, not its name.
            self.push(MapFacts { name: String::new(), ..*inner }, None, false)
        });
        self.push(facts, inner, true)
    }

    fn push(&mut self, facts: MapFacts, inner: Option<MapIdx>, named: bool) -> MapIdx {
        self.entries.push(Entry { facts, inner, named });
        index(self.entries.len() - 1)
    }

    /// Whether the program names another map of the same type.
    pub(crate) fn has_other(&self, facts: &MapFacts) -> bool {
        self.entries.iter().any(|entry| {
            entry.named && entry.facts.map_type == facts.map_type && entry.facts.id != facts.id
        })
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

    /// What a value of a map turns out to be once it is known not to be null, if it is no memory:
    /// a map, or a socket. `id` names the lookup that found it.
    pub(crate) fn element(&self, map: MapIdx, id: Option<Id>) -> Option<Kind> {
        if let Some(map) = self.inner(map) {
            // Timers remember their map, so that one map must be told from another.
            let facts = self.facts(map);
            let told_apart = facts.field(FieldKind::Timer).is_some()
                || facts.field(FieldKind::Workqueue).is_some()
                || facts.field(FieldKind::TaskWork).is_some();
            return Some(Kind::Map { map, uid: if told_apart { id } else { None } });
        }
        match self.facts(map).map_type {
            MapType::Xskmap => Some(Kind::Object(Object::XdpSock)),
            MapType::Sockmap | MapType::Sockhash => Some(Kind::Object(Object::Socket)),
            _ => None,
        }
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
