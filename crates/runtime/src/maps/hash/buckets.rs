//! The buckets of a hash table.
//!
//! A bucket is one cache line: the lock, the head of the overflow chain, and eight slots. A slot is
//! an element's index plus 1, 0 if it is free, and a tag: 16 bits of the key's hash, never 0 in a slot
//! that is used. The tags of four slots make a word, so that a lookup compares them all at once and
//! touches the elements of other keys practically never. An element for which no slot is free goes
//! into the overflow chain, through the links of the control area. An element stays at its place
//! while it is in the table; a new version of it takes the same place in one store.
//!
//! Writers hold the bucket's lock. A slot's index is written before its tag and erased before it.
//! Readers take no lock. They check after comparing the key that the slot's index has not changed, and after walking an overflow chain that nobody has held the lock meanwhile:
//! the chain of an element that left may lead anywhere. After some attempts they take the lock.
//!
//! Indices that are read are bounded by the number of elements, chains by [`MAX_CHAIN`].

use std::hint::spin_loop;
use std::ops::Range;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64, fence};

use skep_command::Errno;

use crate::maps::lock::{Changed, Held, Lock};
use crate::maps::memory::Area;
use crate::maps::pool::LINK;

/// Bytes of a bucket.
const BUCKET: usize = 64;
/// Slots of a bucket.
const SLOTS: usize = 8;
/// Where the head of the overflow chain is in a bucket, behind the lock.
const OVERFLOW: usize = 4;
/// Where the tags begin in a bucket.
const TAGS: usize = 8;
/// Where the indices begin in a bucket.
const INDICES: usize = 24;
/// Tags in a word, and bits of a tag.
const LANES: usize = 4;
const TAG_BITS: u32 = 16;
/// The lowest and the highest bit of each tag in a word.
const LOWEST: u64 = 0x0001_0001_0001_0001;
const HIGHEST: u64 = LOWEST << (TAG_BITS - 1);
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
        self.control.u32(self.at + OVERFLOW)
    }

    /// The word with the tags of the slots from `LANES * word` on.
    #[inline]
    fn tags(&self, word: usize) -> &'a AtomicU64 {
        self.control.u64(self.at + TAGS + 8 * word)
    }

    /// A slot's index plus 1, or 0.
    #[inline]
    fn slot(&self, slot: usize) -> &'a AtomicU32 {
        self.control.u32(self.at + INDICES + 4 * (slot % SLOTS))
    }

    /// The slots that may have a tag, lowest first. Slots behind the first that has it may be wrong.
    #[inline]
    fn with_tag(&self, tag: u64) -> impl Iterator<Item = usize> + use<'a> {
        let [low, high] = [0, 1].map(|word| lanes_with(self.tags(word).load(Acquire), tag));
        // One bit a slot: bits 0, 2, 4, 6 and 1, 3, 5, 7 of what is left after the shifts.
        let mut bits = low >> (TAG_BITS - 1) | high >> (TAG_BITS - 2);
        std::iter::from_fn(move || {
            let bit = bits.trailing_zeros();
            if bit == u64::BITS {
                return None;
            }
            bits &= bits - 1;
            let (lane, word) = (bit / TAG_BITS, bit % TAG_BITS);
            Some(lane as usize + LANES * word as usize)
        })
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
        match self.attempt(hash, &is_key) {
            Ok(found) => found,
            Err(Changed) => self.find_again(hash, &is_key),
        }
    }

    /// The same while somebody changes the bucket.
    #[cold]
    fn find_again(&self, hash: u64, is_key: &impl Fn(u32) -> bool) -> Option<u32> {
        for _ in 0..MAX_ATTEMPTS {
            match self.attempt(hash, is_key) {
                Ok(found) => return found,
                Err(Changed) => spin_loop(),
            }
        }
        let locked = self.lock().ok()?;
        locked.find(hash, is_key).map(|(_, index)| index)
    }

    #[inline]
    fn attempt(&self, hash: u64, is_key: &impl Fn(u32) -> bool) -> Result<Option<u32>, Changed> {
        for slot in self.with_tag(tag(hash)) {
            let slot = self.slot(slot);
            let word = slot.load(Acquire);
            let Some(index) = self.index(word) else { continue };
            let same = is_key(index);
            fence(Acquire);
            if slot.load(Relaxed) != word {
                return Err(Changed);
            }
            if same {
                return Ok(Some(index));
            }
        }
        if self.overflow().load(Acquire) == 0 { Ok(None) } else { self.attempt_overflow(is_key) }
    }

    #[cold]
    fn attempt_overflow(&self, is_key: &impl Fn(u32) -> bool) -> Result<Option<u32>, Changed> {
        let seen = self.guard().begin();
        let found = self.chain(self.overflow().load(Acquire)).find(|index| is_key(*index));
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
        let free = |word| self.tags(word).load(Relaxed) == 0;
        self.overflow().load(Relaxed) == 0 && free(0) && free(1)
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
        for slot in self.bucket.with_tag(tag(hash)) {
            let index = self.bucket.index(self.bucket.slot(slot).load(Relaxed));
            if let Some(index) = index.filter(|index| is_key(*index)) {
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
        if let Some(slot) = self.bucket.with_tag(0).next() {
            self.bucket.slot(slot).store(index + 1, Release);
            self.set_tag(slot, tag(hash));
            return;
        }
        let head = self.bucket.overflow();
        self.bucket.link(index).store(head.load(Relaxed), Relaxed);
        head.store(index + 1, Release);
    }

    /// Puts an element with the same key in the place of another.
    #[inline]
    pub(crate) fn replace(&self, place: Place, old: u32, new: u32) {
        match place {
            Place::Slot(slot) => self.bucket.slot(slot).store(new + 1, Release),
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
            Place::Slot(slot) => {
                self.bucket.slot(slot).store(0, Release);
                self.set_tag(slot, 0);
            }
            Place::Overflow { before } => {
                let after = self.bucket.link(index).load(Relaxed);
                self.lead(before, after);
            }
        }
    }

    #[inline]
    fn set_tag(&self, slot: usize, tag: u64) {
        let tags = self.bucket.tags(slot / LANES);
        let shift = TAG_BITS as usize * (slot % LANES);
        let others = tags.load(Relaxed) & !(0xffff << shift);
        tags.store(others | tag << shift, Release);
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
        let index = |slot| self.bucket.index(self.bucket.slot(slot).load(Relaxed));
        (0..SLOTS).filter_map(index).chain(self.overflowed())
    }

    fn overflowed(&self) -> impl Iterator<Item = u32> + use<'_> {
        self.bucket.chain(self.bucket.overflow().load(Relaxed))
    }
}

/// The tag of a hash.
#[inline]
fn tag(hash: u64) -> u64 {
    (hash >> (u64::BITS - TAG_BITS)).max(1)
}

/// The tags in a word that are `tag`, by their highest bits. None is missed, and the lowest is right.
#[inline]
fn lanes_with(tags: u64, tag: u64) -> u64 {
    // Tags that are equal become 0; subtracting 1 from a lane that is 0, or from one above it that is
    // 1, gives it a highest bit that it did not have.
    let differ = tags ^ (LOWEST * tag);
    differ.wrapping_sub(LOWEST) & !differ & HIGHEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tag_is_missed_and_the_lowest_is_right() {
        let values = [0, 1, 2, 0x7fff, 0x8000, 0x8001, 0xffff];
        for code in 0..values.len().pow(5) {
            let value = |n: u32| values[code / values.len().pow(n) % values.len()];
            let tag = value(4);
            let tags = (0..4).fold(0, |word, lane| word | value(lane) << (16 * lane));
            let found = lanes_with(tags, tag);
            let exact = (0..4).filter(|lane| value(*lane) == tag);
            let exact = exact.fold(0, |bits, lane| bits | 0x8000 << (16 * lane));
            assert_eq!(found & exact, exact, "{tags:x} {tag:x}");
            assert_eq!(found.trailing_zeros(), exact.trailing_zeros(), "{tags:x} {tag:x}");
        }
    }
}
