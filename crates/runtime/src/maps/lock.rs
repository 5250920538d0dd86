//! A short lock in shared memory, which also tells readers without lock of changes.
//!
//! The lock is a number that counts up with each taking and each release: odd is locked. Who reads
//! without the lock looks at the number before and after. The lock is held for some dozen
//! instructions, never while anybody else's code runs; a taker spins and then gives up the CPU.

use std::hint::spin_loop;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, fence};

use skep_command::Errno;

/// How often a lock is tried before its holder is given the CPU each time.
const SPINS: u32 = 200;
/// How often a lock is tried at all. Its holder has stopped for seconds then.
const MAX_TRIES: u32 = 5_000_000;

/// A lock, at its place in shared memory.
#[derive(Clone, Copy)]
pub(crate) struct Lock<'a> {
    number: &'a AtomicU32,
}

/// The lock is held.
pub(crate) struct Held<'a> {
    number: &'a AtomicU32,
}

/// What a reader remembers of the lock.
#[derive(Clone, Copy)]
pub(crate) struct Seen(u32);

/// Something changed while it was read without lock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changed;

impl<'a> Lock<'a> {
    /// The lock whose number this is.
    #[inline]
    pub(crate) fn new(number: &'a AtomicU32) -> Lock<'a> {
        Lock { number }
    }

    /// Takes the lock; `EBUSY` if it is never free.
    #[inline]
    pub(crate) fn take(self) -> Result<Held<'a>, Errno> {
        for tries in 0..MAX_TRIES {
            if let Some(held) = self.try_take() {
                return Ok(held);
            }
            if tries < SPINS { spin_loop() } else { std::thread::yield_now() }
        }
        Err(Errno::EBUSY)
    }

    /// Takes the lock if it is free.
    #[inline]
    pub(crate) fn try_take(self) -> Option<Held<'a>> {
        let number = self.number.load(Relaxed);
        let taken = number.wrapping_add(1);
        if number & 1 == 1 || self.number.compare_exchange(number, taken, Acquire, Relaxed).is_err()
        {
            return None;
        }
        // Whoever sees a change that follows sees the odd number too.
        fence(Release);
        Some(Held { number: self.number })
    }

    /// Begins to read without the lock.
    #[inline]
    pub(crate) fn begin(self) -> Seen {
        Seen(self.number.load(Acquire))
    }

    /// Whether what was read since `begin` was left alone.
    #[inline]
    pub(crate) fn end(self, seen: Seen) -> Result<(), Changed> {
        fence(Acquire);
        let same = self.number.load(Relaxed) == seen.0;
        if same && seen.0 & 1 == 0 { Ok(()) } else { Err(Changed) }
    }
}

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        self.number.store(self.number.load(Relaxed).wrapping_add(1), Release);
    }
}
