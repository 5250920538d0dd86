//! What a map has lost or refused, so that no loss is hidden.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Counts since the map was made.
#[derive(Default)]
pub(crate) struct Counters {
    full: AtomicU64,
    evicted: AtomicU64,
    lost: AtomicU64,
}

/// What a map has lost or refused since it was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Losses {
    /// Inserts refused because the map was full or there was no memory.
    pub full: u64,
    /// Elements that made room for others in an LRU map.
    pub evicted: u64,
    /// Records that found their ring full.
    pub lost: u64,
}

impl Counters {
    pub(crate) fn full(&self) {
        self.full.fetch_add(1, Relaxed);
    }

    pub(crate) fn evicted(&self) {
        self.evicted.fetch_add(1, Relaxed);
    }

    pub(crate) fn lost(&self) {
        self.lost.fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self) -> Losses {
        Losses {
            full: self.full.load(Relaxed),
            evicted: self.evicted.load(Relaxed),
            lost: self.lost.load(Relaxed),
        }
    }
}
