//! Hash tables: `BPF_MAP_TYPE_HASH`, `LRU_HASH` and their per-CPU forms.
//!
//! An update of a shared value fills a spare element and puts it in the old one's place, so that who
//! still reads the old value reads it whole; the old element becomes a spare. Values per CPU are
//! written in place.
//!
//! Elements that leave a preallocated table are reused at once, as in the kernel: a program that
//! still holds the address of a deleted value may see it become another key's. Those of a table with
//! `BPF_F_NO_PREALLOC` wait until no run can hold them; so that they have room to wait, there are
//! more of them, whose memory is committed only when it is used.
//!
//! Control holds the header, the heads of the two pools (free elements, spares), the buckets, the
//! elements' links and, in an LRU map, the elements' reference marks.

mod buckets;
mod hasher;
mod lru;

use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::atomic::fence;

use skep_command::Errno;
use skep_spec::abi::flags::update;

use self::buckets::{Buckets, Locked};
use self::hasher::Hasher;
use self::lru::Clock;
use super::counters::Counters;
use super::elements::{Elements, Shape};
use super::memory::Area;
use super::pool::{LINK, Pool, PoolShape, waiting_room};
use crate::world::Cpu;

/// Bytes before the pools: version, and the hand of the LRU clock.
const HEADER: usize = 64;
/// The version of the layout of control, in its first word.
const VERSION: u64 = 1;
/// Where the number of keys is, in a table that is not preallocated.
const KEYS: usize = 8;
/// Spare elements beyond one for each CPU: commands that update at the same time.
const EXTRA_SPARES: u32 = 16;
/// How often an update waits for a spare. Spares come back within an update's time.
const MAX_WAITS: u32 = 1_000_000;
/// How often an insert into an LRU map that lost its victim to another thread tries again.
const MAX_EVICTIONS: u32 = 64;
/// The most elements: the kernel's limit on the number of its buckets.
const MAX_ELEMENTS: u32 = 1 << 31;

/// What a hash table is to be, beyond the shape of its elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// The number of possible CPUs.
    pub(crate) cpus: u32,
    /// Whether the least recently used elements make room for new ones.
    pub(crate) lru: bool,
    /// Whether elements that left are reused at once.
    pub(crate) prealloc: bool,
    /// Whether the hash is seeded.
    pub(crate) seeded: bool,
}

/// A hash table.
pub(crate) struct Hash {
    elements: Elements,
    control: Area,
    buckets: Buckets,
    hasher: Hasher,
    free: Pool,
    change: Change,
    /// How many keys a table that is not preallocated may have: its pool does not say.
    limit: Option<u32>,
    clock: Option<Clock>,
}

/// How an existing value is changed.
enum Change {
    /// In its place: it is per CPU.
    InPlace,
    /// By a spare element.
    Spare(Pool),
    /// By a new element.
    New,
}

/// What an update writes.
#[derive(Clone, Copy)]
enum Write<'a> {
    /// The value as a program on a CPU sees it.
    Program(&'a [u8]),
    /// The value as a command sees it.
    Command(&'a [u8]),
}

impl Hash {
    /// An empty table; `shape.count` is the number of elements that it can hold.
    pub(crate) fn new(shape: Shape, kind: Kind) -> Result<Hash, Errno> {
        let Kind { cpus, .. } = kind;
        if shape.count > MAX_ELEMENTS {
            return Err(Errno::E2BIG);
        }
        let spares = match (kind.prealloc, shape.percpu) {
            (true, true) => 0,
            (true, false) => cpus.saturating_add(EXTRA_SPARES),
            (false, _) => waiting_room(shape.count, shape.element_len()),
        };
        let total = shape.count.checked_add(spares).ok_or(Errno::E2BIG)?;

        let heads = PoolShape::heads_len(cpus);
        let buckets_at = HEADER + 2 * heads;
        let lay = || {
            let links_at = buckets_at.checked_add(Buckets::len_for(shape.count))?;
            let marks_at = links_at.checked_add((total as usize).checked_mul(LINK)?)?;
            let len = marks_at.checked_add(if kind.lru { total as usize } else { 0 })?;
            Some((links_at, marks_at, len))
        };
        let (links_at, marks_at, len) = lay().ok_or(Errno::ENOMEM)?;
        let control = Area::sparse(len)?;
        control.commit(0, links_at)?;
        control.u64(0).store(VERSION, Release);

        let pool = |heads_at, first, count| PoolShape {
            heads_at,
            links_at,
            first,
            count,
            cpus,
            elements: total,
        };
        let free = match kind.prealloc {
            true => Pool::new(pool(HEADER, 0, shape.count)),
            false => Pool::with_grace(pool(HEADER, 0, total)),
        };
        let change = match (kind.prealloc, shape.percpu) {
            (_, true) => Change::InPlace,
            (true, false) => Change::Spare(Pool::new(pool(HEADER + heads, shape.count, spares))),
            (false, false) => Change::New,
        };
        Ok(Hash {
            elements: Elements::sparse(Shape { count: total, ..shape })?,
            buckets: Buckets::new(buckets_at, links_at, shape.count, total),
            hasher: if kind.seeded { Hasher::random() } else { Hasher::unseeded() },
            free,
            change,
            limit: (!kind.prealloc).then_some(shape.count),
            clock: kind.lru.then(|| Clock::new(marks_at, total)),
            control,
        })
    }

    pub(crate) fn elements(&self) -> &Elements {
        &self.elements
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.control.len() + self.elements.memory()
    }

    /// The address of a key's value, for a program: the key counts as used.
    #[inline]
    pub(crate) fn lookup(&self, cpu: Cpu, key: &[u8]) -> Option<u64> {
        let index = self.find(key)?;
        if let Some(clock) = &self.clock {
            clock.mark(&self.control, index);
        }
        self.elements.value_address(index, cpu)
    }

    /// A key's value, for a command: that does not count as use.
    pub(crate) fn command_lookup(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.find(key).map(|index| self.elements.command_value(index))
    }

    #[inline]
    fn find(&self, key: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash(key);
        let bucket = self.buckets.bucket(&self.control, self.buckets.of(hash));
        bucket.find(hash, |index| self.elements.key_is(index, key))
    }

    /// Sets a key's value, on one CPU if values are per CPU.
    pub(crate) fn update(
        &self,
        cpu: Cpu,
        key: &[u8],
        value: &[u8],
        flags: u64,
        counters: &Counters,
    ) -> Result<(), Errno> {
        self.put(cpu, key, Write::Program(value), flags, counters)
    }

    /// Sets a key's value, on all CPUs if values are per CPU.
    pub(crate) fn command_update(
        &self,
        key: &[u8],
        value: &[u8],
        flags: u64,
        counters: &Counters,
    ) -> Result<(), Errno> {
        self.put(Cpu(0), key, Write::Command(value), flags, counters)
    }

    fn put(
        &self,
        cpu: Cpu,
        key: &[u8],
        write: Write<'_>,
        flags: u64,
        counters: &Counters,
    ) -> Result<(), Errno> {
        // BPF_F_LOCK too: no value has a spin lock.
        if flags > update::EXIST {
            return Err(Errno::EINVAL);
        }
        let hash = self.hasher.hash(key);
        let mut victim = None;
        for _ in 0..MAX_EVICTIONS {
            let done = self.buckets.lock(&self.control, hash).and_then(|bucket| {
                self.put_locked(&bucket, hash, cpu, key, write, flags, &mut victim)
            });
            match (done, &self.clock) {
                (Err(Errno::E2BIG), Some(clock)) => {
                    victim = self.evict(clock);
                    if victim.is_some() {
                        counters.evicted();
                    }
                }
                (done, _) => {
                    if let Some(unused) = victim {
                        self.free.give_unused(&self.control, cpu, unused);
                    }
                    if matches!(done, Err(Errno::E2BIG | Errno::ENOMEM)) {
                        counters.full();
                    }
                    return done;
                }
            }
        }
        counters.full();
        Err(Errno::ENOMEM)
    }

    /// Sets the value under the bucket's lock; takes `victim` if it needs a new element.
    #[expect(clippy::too_many_arguments, reason = "the arguments of `put` and what it has found")]
    #[inline]
    fn put_locked(
        &self,
        bucket: &Locked<'_>,
        hash: u64,
        cpu: Cpu,
        key: &[u8],
        write: Write<'_>,
        flags: u64,
        victim: &mut Option<u32>,
    ) -> Result<(), Errno> {
        let found = bucket.find(hash, |index| self.elements.key_is(index, key));
        let Some((place, old)) = found else {
            if flags == update::EXIST {
                return Err(Errno::ENOENT);
            }
            let index = match victim.take() {
                Some(index) => index,
                None => self.take_new(cpu)?,
            };
            self.fill(index, cpu, key, write);
            bucket.insert(hash, index);
            return Ok(());
        };
        if flags == update::NOEXIST {
            return Err(Errno::EEXIST);
        }
        let now = match &self.change {
            Change::InPlace => {
                match write {
                    Write::Program(value) => self.elements.set_value(old, cpu, value),
                    Write::Command(value) => self.elements.set_command_value(old, value),
                }
                old
            }
            Change::Spare(spares) => {
                let new = self.take_spare(spares, cpu)?;
                self.fill(new, cpu, key, write);
                bucket.replace(place, old, new);
                spares.give(&self.control, cpu, old);
                new
            }
            Change::New => {
                let new = self.take(&self.free, cpu)?.ok_or(Errno::ENOMEM)?;
                self.fill(new, cpu, key, write);
                bucket.replace(place, old, new);
                self.free.give(&self.control, cpu, old);
                new
            }
        };
        if let Some(clock) = &self.clock {
            clock.mark(&self.control, now);
        }
        Ok(())
    }

    /// An element for a new key: `E2BIG` if there are as many keys as there may be.
    #[inline]
    fn take_new(&self, cpu: Cpu) -> Result<u32, Errno> {
        let Some(limit) = self.limit else {
            return self.take(&self.free, cpu)?.ok_or(Errno::E2BIG);
        };
        let keys = self.control.u32(KEYS);
        if keys.fetch_add(1, Relaxed) >= limit {
            keys.fetch_sub(1, Relaxed);
            return Err(Errno::E2BIG);
        }
        let taken = self.take(&self.free, cpu).and_then(|taken| taken.ok_or(Errno::ENOMEM));
        if taken.is_err() {
            keys.fetch_sub(1, Relaxed);
        }
        taken
    }

    /// Fills an element that nobody finds yet.
    #[inline]
    fn fill(&self, index: u32, cpu: Cpu, key: &[u8], write: Write<'_>) {
        // A reader that sees the new key in an element that it found under the old one sees too that
        // the element has left its place.
        fence(Release);
        self.elements.set_key(index, key);
        match write {
            Write::Program(value) => self.elements.init_value(index, cpu, value),
            Write::Command(value) => self.elements.set_command_value(index, value),
        }
    }

    #[inline]
    fn take(&self, pool: &Pool, cpu: Cpu) -> Result<Option<u32>, Errno> {
        pool.take(&self.control, cpu, |first| self.commit_from(first))
    }

    /// Commits the memory of the elements from `first` on, and returns the first that has none.
    #[cold]
    fn commit_from(&self, first: u32) -> Result<u32, Errno> {
        let end = self.elements.commit_from(first)?;
        self.buckets.commit_links(&self.control, first..end)?;
        if let Some(clock) = &self.clock {
            clock.commit(&self.control, first..end)?;
        }
        Ok(end)
    }

    #[inline]
    fn take_spare(&self, spares: &Pool, cpu: Cpu) -> Result<u32, Errno> {
        for _ in 0..MAX_WAITS {
            if let Some(index) = self.take(spares, cpu)? {
                return Ok(index);
            }
            std::thread::yield_now();
        }
        Err(Errno::EBUSY)
    }

    /// Removes a key.
    pub(crate) fn delete(&self, cpu: Cpu, key: &[u8]) -> Result<(), Errno> {
        let hash = self.hasher.hash(key);
        let bucket = self.buckets.lock(&self.control, hash)?;
        let found = bucket.find(hash, |index| self.elements.key_is(index, key));
        let (place, index) = found.ok_or(Errno::ENOENT)?;
        bucket.remove(place, index);
        drop(bucket);
        if let Some(clock) = &self.clock {
            clock.unmark(&self.control, index);
        }
        if self.limit.is_some() {
            self.control.u32(KEYS).fetch_sub(1, Relaxed);
        }
        self.free.give(&self.control, cpu, index);
        Ok(())
    }

    /// The key after `key` in the order of the buckets; the first if there is no key or the map does
    /// not have it.
    pub(crate) fn next_key(&self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>, Errno> {
        let Some(key) = key else { return self.first_key(0) };
        let hash = self.hasher.hash(key);
        let bucket = self.buckets.lock(&self.control, hash)?;
        let mut indices = bucket.elements();
        if !indices.any(|index| self.elements.key_is(index, key)) {
            drop(indices);
            drop(bucket);
            return self.first_key(0);
        }
        if let Some(index) = indices.next() {
            return Ok(Some(self.elements.key(index)));
        }
        drop(indices);
        drop(bucket);
        self.first_key(self.buckets.of(hash) + 1)
    }

    /// The first key in the buckets from `first` on.
    fn first_key(&self, first: u64) -> Result<Option<Vec<u8>>, Errno> {
        for number in first..self.buckets.count() {
            let bucket = self.buckets.bucket(&self.control, number);
            if bucket.is_empty() {
                continue;
            }
            let bucket = bucket.lock()?;
            if let Some(index) = bucket.elements().next() {
                return Ok(Some(self.elements.key(index)));
            }
        }
        Ok(None)
    }

    /// Hands each key and the address of its value to `visit`, until that says to stop, and returns
    /// how many there were. No lock is held meanwhile: `visit` may change the map.
    pub(crate) fn walk(
        &self,
        cpu: Cpu,
        visit: &mut dyn FnMut(&[u8], u64) -> bool,
    ) -> Result<u32, Errno> {
        let mut visited = 0;
        for number in 0..self.buckets.count() {
            let bucket = self.buckets.bucket(&self.control, number);
            if bucket.is_empty() {
                continue;
            }
            let bucket = bucket.lock()?;
            let with_key = |index| (index, self.elements.key(index));
            let found: Vec<_> = bucket.elements().map(with_key).collect();
            drop(bucket);
            for (index, key) in found {
                let Some(value) = self.elements.value_address(index, cpu) else { continue };
                visited += 1;
                if !visit(&key, value) {
                    return Ok(visited);
                }
            }
        }
        Ok(visited)
    }
}
