//! Which element of an LRU map makes room for a new one.
//!
//! A clock: each element has a mark that its use sets; a hand goes round the elements, takes the
//! marks away and stops at an element without one. An element that is used once in each turn of the
//! hand stays. This differs from the kernel's lists in order, not in what it promises; in particular
//! an insert into a full map always finds room, and no room is lost to per-CPU batches.

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

use skep_command::Errno;

use super::Hash;
use crate::maps::memory::Area;

/// Where the hand is, in control's header.
const HAND: usize = 32;
/// How many marked elements the hand passes before it takes a marked one. It bounds the time of an
/// insert; marks that are taken away so fast say little about use.
const MAX_PASSED: u32 = 128;
/// How many elements the hand tries in all. Those that it cannot have are being changed by others.
const MAX_TRIED: u32 = 4096;

/// The marks and the hand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    marks_at: usize,
    elements: u32,
}

impl Clock {
    /// The marks of `elements` elements, from `marks_at` in control on.
    pub(crate) fn new(marks_at: usize, elements: u32) -> Clock {
        Clock { marks_at, elements }
    }

    /// Commits the memory of the marks of some elements.
    pub(crate) fn commit(&self, control: &Area, elements: Range<u32>) -> Result<(), Errno> {
        control.commit(self.marks_at + elements.start as usize, elements.len())
    }

    /// Notes that an element is used.
    #[inline]
    pub(crate) fn mark(&self, control: &Area, index: u32) {
        let mark = control.u8(self.marks_at + index as usize);
        // Most marks are set already: leave the cache line shared then.
        if mark.load(Relaxed) == 0 {
            mark.store(1, Relaxed);
        }
    }

    /// Forgets an element's use, and says whether there was any.
    #[inline]
    pub(crate) fn unmark(&self, control: &Area, index: u32) -> bool {
        let mark = control.u8(self.marks_at + index as usize);
        let used = mark.load(Relaxed) != 0;
        if used {
            mark.store(0, Relaxed);
        }
        used
    }

    /// The element that the hand points at; the hand goes on.
    fn advance(&self, control: &Area) -> u32 {
        control.u32(HAND).fetch_add(1, Relaxed) % self.elements
    }
}

impl Hash {
    /// Removes an element that was not used lately and returns it. The caller holds no lock.
    pub(super) fn evict(&self, clock: &Clock) -> Option<u32> {
        let mut passed = 0;
        for _ in 0..MAX_TRIED.max(clock.elements.saturating_mul(2).min(MAX_TRIED * 2)) {
            let index = clock.advance(&self.control);
            if clock.unmark(&self.control, index) && passed < MAX_PASSED {
                passed += 1;
                continue;
            }
            if self.unlink(index) {
                return Some(index);
            }
        }
        None
    }

    /// Removes an element from the bucket that its key belongs to, if it is there.
    fn unlink(&self, index: u32) -> bool {
        let hash = self.elements.with_key(index, |key| self.hasher.hash(key));
        let bucket = self.buckets.bucket(&self.control, self.buckets.of(hash));
        let Some(bucket) = bucket.try_lock() else { return false };
        let Some((place, _)) = bucket.find(hash, |other| other == index) else { return false };
        bucket.remove(place, index);
        true
    }
}
