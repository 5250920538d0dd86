//! Device maps: `BPF_MAP_TYPE_DEVMAP` and `BPF_MAP_TYPE_DEVMAP_HASH`.
//!
//! A value is the number of an interface, and in the wider form the program that runs on what is
//! redirected there: commands give its handle and get its id. Programs may read values and not write
//! them. The user engine takes any interface number but 0; Linux also asks that it has the interface.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use skep_command::{Errno, Handle};
use skep_spec::abi::flags::update;
use skep_spec::abi::{AttachType, ProgType};

use super::array::index;
use super::counters::Counters;
use super::elements::{Elements, Shape};
use super::hash::Hash;
use super::{Kind, Map, Programs};
use crate::program::Program;
use crate::world::Cpu;

/// Bytes of a place: interface and program id.
const PLACE: usize = 8;

/// Where a packet is redirected.
#[derive(Clone, Debug)]
pub struct Device {
    /// The interface.
    pub ifindex: u32,
    /// The program that runs on the packet there.
    pub program: Option<Arc<Program>>,
}

/// A value: the interface, and the id of the program or 0.
#[derive(Clone, Copy)]
struct Entry {
    ifindex: u32,
    program: u32,
}

impl Entry {
    fn parse(value: &[u8]) -> Entry {
        let part = |at: usize| value.get(at..at + 4).and_then(index).unwrap_or(0);
        Entry { ifindex: part(0), program: part(4) }
    }

    fn bytes(self) -> [u8; PLACE] {
        let [a, b, c, d] = self.ifindex.to_ne_bytes();
        let [e, f, g, h] = self.program.to_ne_bytes();
        [a, b, c, d, e, f, g, h]
    }
}

/// The programs of the values that have one.
#[derive(Default)]
struct Runs(Mutex<BTreeMap<u32, Arc<Program>>>);

impl Runs {
    fn get(&self, key: u32) -> Option<Arc<Program>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }

    fn set(&self, key: u32, program: Option<Arc<Program>>) {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match program {
            Some(program) => runs.insert(key, program),
            None => runs.remove(&key),
        };
        drop(runs);
        drop(before);
    }
}

/// Turns what a command wrote into an entry: the program's handle into its id.
fn resolve(value: &[u8], programs: Programs<'_>) -> Result<(Entry, Option<Arc<Program>>), Errno> {
    let Entry { ifindex, program } = Entry::parse(value);
    let program = match i32::try_from(program) {
        Ok(handle) if handle > 0 => {
            // Linux says EINVAL whatever is wrong with the program.
            let program = programs(Handle(handle)).map_err(|_| Errno::EINVAL)?;
            if program.prog_type() != ProgType::Xdp
                || program.expected_attach_type() != Some(AttachType::XdpDevmap)
            {
                return Err(Errno::EINVAL);
            }
            Some(program)
        }
        Ok(_) | Err(_) => None,
    };
    let id = program.as_ref().map_or(0, |program| program.id());
    Ok((Entry { ifindex, program: id }, program))
}

/// An array of devices.
pub(crate) struct Devmap {
    elements: Elements,
    runs: Runs,
}

impl Devmap {
    pub(crate) fn new(count: u32) -> Result<Devmap, Errno> {
        let shape = Shape { count, key_size: 0, value_size: PLACE, copies: 1, percpu: false };
        Ok(Devmap { elements: Elements::new(shape)?, runs: Runs::default() })
    }

    pub(crate) fn elements(&self) -> &Elements {
        &self.elements
    }

    /// The place that a key names, if it is not empty.
    fn place(&self, key: &[u8]) -> Option<u32> {
        let place = index(key).filter(|place| *place < self.elements.count())?;
        let entry = Entry::parse(&self.elements.command_value(place));
        (entry.ifindex != 0).then_some(place)
    }

    /// The address of a value.
    pub(crate) fn lookup(&self, key: &[u8]) -> Option<u64> {
        self.elements.value_address(self.place(key)?, Cpu(0))
    }

    /// A value of `size` bytes.
    pub(crate) fn command_lookup(&self, key: &[u8], size: usize) -> Option<Vec<u8>> {
        let mut value = self.elements.command_value(self.place(key)?);
        value.truncate(size);
        Some(value)
    }

    /// Sets a value; an interface of 0 empties the place.
    pub(crate) fn command_update(
        &self,
        key: &[u8],
        value: &[u8],
        flags: u64,
        programs: Programs<'_>,
    ) -> Result<(), Errno> {
        if flags > update::EXIST {
            return Err(Errno::EINVAL);
        }
        let place = index(key).filter(|place| *place < self.elements.count());
        let place = place.ok_or(Errno::E2BIG)?;
        if flags == update::NOEXIST {
            return Err(Errno::EEXIST);
        }
        let entry = Entry::parse(value);
        if entry.ifindex == 0 {
            // A program, but nowhere to run it.
            if i32::try_from(entry.program).is_ok_and(|handle| handle > 0) {
                return Err(Errno::EINVAL);
            }
            self.set(place, entry_none(), None);
            return Ok(());
        }
        let (entry, program) = resolve(value, programs)?;
        self.set(place, entry, program);
        Ok(())
    }

    /// Empties a place. It need not have been full.
    pub(crate) fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        let place = index(key).filter(|place| *place < self.elements.count());
        self.set(place.ok_or(Errno::EINVAL)?, entry_none(), None);
        Ok(())
    }

    fn set(&self, place: u32, entry: Entry, program: Option<Arc<Program>>) {
        self.elements.set_value(place, Cpu(0), &entry.bytes());
        self.runs.set(place, program);
    }
}

/// An empty place.
fn entry_none() -> Entry {
    Entry { ifindex: 0, program: 0 }
}

/// A hash table of devices.
pub(crate) struct DevmapHash {
    hash: Hash,
    runs: Runs,
}

impl DevmapHash {
    /// A table over a hash table with keys of 4 and values of 8 bytes.
    pub(crate) fn new(hash: Hash) -> DevmapHash {
        DevmapHash { hash, runs: Runs::default() }
    }

    /// Bytes of a value in the table below.
    pub(crate) const VALUE: usize = PLACE;

    pub(crate) fn hash(&self) -> &Hash {
        &self.hash
    }

    /// Sets a value.
    pub(crate) fn command_update(
        &self,
        key: &[u8],
        value: &[u8],
        flags: u64,
        programs: Programs<'_>,
        counters: &Counters,
    ) -> Result<(), Errno> {
        if flags > update::EXIST || Entry::parse(value).ifindex == 0 {
            return Err(Errno::EINVAL);
        }
        if flags == update::NOEXIST && self.hash.lookup(Cpu(0), key).is_some() {
            return Err(Errno::EEXIST);
        }
        let (entry, program) = resolve(value, programs)?;
        // BPF_EXIST does not ask for anything here.
        let flags = if flags == update::EXIST { update::ANY } else { flags };
        self.hash.command_update(key, &entry.bytes(), flags, counters)?;
        self.runs.set(index(key).ok_or(Errno::EINVAL)?, program);
        Ok(())
    }

    /// Removes a key.
    pub(crate) fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        self.hash.delete(Cpu(0), key)?;
        self.runs.set(index(key).ok_or(Errno::EINVAL)?, None);
        Ok(())
    }
}

impl Map {
    /// The device under a key of a device map: where `bpf_redirect_map` sends a packet.
    pub fn device(&self, key: u32) -> Option<Device> {
        let bytes = key.to_ne_bytes();
        let (value, runs) = match &self.kind {
            Kind::Devmap(devmap) => (devmap.command_lookup(&bytes, PLACE)?, &devmap.runs),
            Kind::DevmapHash(devmap) => (devmap.hash.command_lookup(&bytes)?, &devmap.runs),
            Kind::Array(_)
            | Kind::Hash(_)
            | Kind::LpmTrie(_)
            | Kind::ProgArray(_)
            | Kind::Ringbuf(_)
            | Kind::PerfEventArray(_) => return None,
        };
        let entry = Entry::parse(&value);
        let program = if entry.program == 0 { None } else { runs.get(key) };
        Some(Device { ifindex: entry.ifindex, program })
    }
}
