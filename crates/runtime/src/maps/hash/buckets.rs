//! The buckets of a hash table.
//!
//! A bucket is one cache line: a word with the lock and the head of the overflow chain, and seven
//! slots. A slot is an element's index plus 1 in its lower half, 0 if it is free, and 32 bits of the
//! key's hash in its upper half, so that a lookup touches the elements of other keys practically
//! never. An element beyond the seventh goes into the overflow chain, through the links of the
//! control area. An element stays at its place while it is in the table; a new version of it takes
//! the same place in one store.
//!
//! Writers hold the bucket's lock. Readers take no lock. They check after comparing the key that the
//! slot has not changed, and after walking an overflow chain that nobody has held the lock meanwhile:
//! the chain of an element that left may lead anywhere. After some attempts they take the lock.
//!
//! Indices that are read are bounded by the number of elements, chains by [`MAX_CHAIN`].

use std::hint::spin_loop;
use std::ops::Range;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64, fence};

use skep_command::Errno;

use crate::maps::lock::{Changed, Held, Lock, Seen};
use crate::maps::memory::Area;
use crate::maps::pool::LINK;

/// Bytes of a bucket.
const BUCKET: usize = 64;
/// Slots of a bucket, behind the word with lock and overflow head.
const SLOTS: usize = 7;
/// The keys for which a bucket is made: half of its slots are free in a full map.
const KEYS_PER_BUCKET: u64 = 4;
/// The longest overflow chain that is walked. Hashing keeps chains to a few elements; a longer one
/// has been tampered with.
const MAX_CHAIN: usize = 4096;
/// How often a lookup without lock starts again before it takes the lock.
const MAX_ATTEMPTS: usize = 16;
/// Where a table is in its control area.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buckets {
    at: usize,
    links_at: usize,
    mask: u64,
    elements: u32,
}

/// An element's place in its bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// In a slot.
    Slot(usize),
    /// In the overflow chain, at its head or behind another element.
    Overflow { before: Option<u32> },
}

impl Buckets {
    /// How many buckets a table for so many keys has.
    pub(crate) fn count_for(keys: u32) -> u64 {
        u64::from(keys).div_ceil(KEYS_PER_BUCKET).next_power_of_two()
    }

    /// Bytes of so many buckets.
    pub(crate) fn len_for(keys: u32) -> usize {
        usize::try_from(Buckets::count_for(keys)).unwrap_or(usize::MAX).saturating_mul(BUCKET)
    }

    /// A table at `at` for `keys` keys, among `elements` elements whose links are at `links_at`.
    pub(crate) fn new(at: usize, links_at: usize, keys: u32, elements: u32) -> Buckets {
        Buckets { at, links_at, mask: Buckets::count_for(keys) - 1, elements }
    }

    /// Commits the memory of the links of some elements.
    pub(crate) fn commit_links(&self, control: &Area, elements: Range<u32>) -> Result<(), Errno> {
        let first = self.links_at + LINK * elements.start as usize;
        control.commit(first, LINK * elements.len())
    }

    /// How many buckets there are.
    pub(crate) fn count(&self) -> u64 {
        self.mask + 1
    }

    /// The number of the bucket of a hash.
    #[inline]
    pub(crate) fn of(&self, hash: u64) -> u64 {
        hash & self.mask
    }

    /// A bucket.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the buckets fit the address space")]
    pub(crate) fn bucket<'a>(&self, control: &'a Area, number: u64) -> Bucket<'a> {
        let at = self.at + (number & self.mask) as usize * BUCKET;
        Bucket { control, at, table: *self }
    }

    /// The bucket of a hash, locked; `EBUSY` if its lock is never free.
    #[inline]
    pub(crate) fn lock<'a>(&self, control: &'a Area, hash: u64) -> Result<Locked<'a>, Errno> {
        self.bucket(control, self.of(hash)).lock()
    }
}

/// A bucket.
#[derive(Clone, Copy)]
pub(crate) struct Bucket<'a> {
    control: &'a Area,
    at: usize,
    table: Buckets,
}

impl<'a> Bucket<'a> {
    #[inline]
    fn guard(&self) -> Lock<'a> {
        Lock::new(self.control.u32(self.at))
    }

    #[inline]
    fn overflow(&self) -> &'a AtomicU32 {
        self.control.u32(self.at + 4)
    }

    #[inline]
    fn slots(&self) -> &'a [AtomicU64; SLOTS] {
        let [_, slots @ ..] = self.control.line(self.at);
        slots
    }

    #[inline]
    fn link(&self, index: u32) -> &'a AtomicU32 {
        self.control.u32(self.table.links_at + LINK * index as usize)
    }

    /// The index in a link or head, if it is one.
    #[inline]
    fn index(&self, link: u32) -> Option<u32> {
        link.checked_sub(1).filter(|index| *index < self.table.elements)
    }

    /// The element with a hash for which `is_key` holds, without the lock.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is_key: impl Fn(u32) -> bool) -> Option<u32> {
        for _ in 0..MAX_ATTEMPTS {
            match self.attempt(hash, &is_key) {
                Ok(found) => return found,
                Err(Changed) => spin_loop(),
            }
        }
        let locked = self.lock().ok()?;
        locked.find(hash, is_key).map(|(_, index)| index)
    }

    #[inline]
    fn attempt(&self, hash: u64, is_key: &impl Fn(u32) -> bool) -> Result<Option<u32>, Changed> {
        let seen = self.guard().begin();
        for slot in self.slots() {
            let word = slot.load(Acquire);
            if !has_tag(word, hash) {
                continue;
            }
            let Some(index) = self.index(low(word)) else { continue };
            let same = is_key(index);
            fence(Acquire);
            if slot.load(Relaxed) != word {
                return Err(Changed);
            }
            if same {
                return Ok(Some(index));
            }
        }
        let head = self.overflow().load(Acquire);
        if head == 0 { Ok(None) } else { self.attempt_overflow(head, seen, is_key) }
    }

    #[cold]
    fn attempt_overflow(
        &self,
        head: u32,
        seen: Seen,
        is_key: &impl Fn(u32) -> bool,
    ) -> Result<Option<u32>, Changed> {
        let found = self.chain(head).find(|index| is_key(*index));
        self.guard().end(seen)?;
        Ok(found)
    }

    /// The overflow chain that begins with `head`.
    fn chain(self, head: u32) -> impl Iterator<Item = u32> + use<'a> {
        let next = move |index: &u32| self.index(self.link(*index).load(Acquire));
        std::iter::successors(self.index(head), next).take(MAX_CHAIN)
    }

    /// Whether it holds no element (by now that may have changed).
    pub(crate) fn is_empty(&self) -> bool {
        let free = |slot: &AtomicU64| slot.load(Relaxed) == 0;
        self.overflow().load(Relaxed) == 0 && self.slots().iter().all(free)
    }

    /// Takes the lock; `EBUSY` if it is never free.
    #[inline]
    pub(crate) fn lock(self) -> Result<Locked<'a>, Errno> {
        let held = self.guard().take()?;
        Ok(Locked { bucket: self, _held: held })
    }

    /// Takes the lock if it is free.
    pub(crate) fn try_lock(self) -> Option<Locked<'a>> {
        let held = self.guard().try_take()?;
        Some(Locked { bucket: self, _held: held })
    }
}

/// A bucket whose lock is held.
pub(crate) struct Locked<'a> {
    bucket: Bucket<'a>,
    _held: Held<'a>,
}

impl Locked<'_> {
    /// The element with a hash for which `is_key` holds, and its place.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is_key: impl Fn(u32) -> bool) -> Option<(Place, u32)> {
        for (slot, word) in self.bucket.slots().iter().enumerate() {
            let word = word.load(Relaxed);
            if !has_tag(word, hash) {
                continue;
            }
            let index = self.bucket.index(low(word)).filter(|index| is_key(*index));
            if let Some(index) = index {
                return Some((Place::Slot(slot), index));
            }
        }
        let mut before = None;
        for index in self.overflowed() {
            if is_key(index) {
                return Some((Place::Overflow { before }, index));
            }
            before = Some(index);
        }
        None
    }

    /// Adds an element.
    #[inline]
    pub(crate) fn insert(&self, hash: u64, index: u32) {
        for slot in self.bucket.slots() {
            if slot.load(Relaxed) == 0 {
                slot.store(word(hash, index), Release);
                return;
            }
        }
        let head = self.bucket.overflow();
        self.bucket.link(index).store(head.load(Relaxed), Relaxed);
        head.store(index + 1, Release);
    }

    /// Puts an element with the same key in the place of another.
    #[inline]
    pub(crate) fn replace(&self, place: Place, hash: u64, old: u32, new: u32) {
        match place {
            Place::Slot(slot) => self.set(slot, word(hash, new)),
            Place::Overflow { before } => {
                let after = self.bucket.link(old).load(Relaxed);
                self.bucket.link(new).store(after, Relaxed);
                self.lead(before, new + 1);
            }
        }
    }

    /// Removes an element.
    #[inline]
    pub(crate) fn remove(&self, place: Place, index: u32) {
        match place {
            Place::Slot(slot) => self.set(slot, 0),
            Place::Overflow { before } => {
                let after = self.bucket.link(index).load(Relaxed);
                self.lead(before, after);
            }
        }
    }

    #[inline]
    fn set(&self, slot: usize, word: u64) {
        if let Some(slot) = self.bucket.slots().get(slot) {
            slot.store(word, Release);
        }
    }

    /// Lets the head of the overflow chain, or the element before, lead to another element.
    fn lead(&self, before: Option<u32>, to: u32) {
        match before {
            Some(before) => self.bucket.link(before).store(to, Release),
            None => self.bucket.overflow().store(to, Release),
        }
    }

    /// The elements, in the order in which a walk gives them.
    pub(crate) fn elements(&self) -> impl Iterator<Item = u32> + use<'_> {
        let index = |slot: &AtomicU64| self.bucket.index(low(slot.load(Relaxed)));
        self.bucket.slots().iter().filter_map(index).chain(self.overflowed())
    }

    fn overflowed(&self) -> impl Iterator<Item = u32> + use<'_> {
        self.bucket.chain(self.bucket.overflow().load(Relaxed))
    }
}

/// A slot's word.
#[inline]
fn word(hash: u64, index: u32) -> u64 {
    (hash & !u64::from(u32::MAX)) | u64::from(index + 1)
}

/// Whether a slot's word belongs to a hash, as far as it tells.
#[inline]
fn has_tag(word: u64, hash: u64) -> bool {
    (word ^ hash) >> 32 == 0
}

/// The lower half of a word.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the lower half is wanted")]
fn low(word: u64) -> u32 {
    word as u32
}
