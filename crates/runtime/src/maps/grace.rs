//! Waiting until nobody holds an element any more.
//!
//! Elements of maps without preallocation are not handed to another key while a run may still hold
//! the address of their value. A run is pinned ([`pin`]) to the epoch in which it began. An element
//! that leaves its map waits in a [`Limbo`] with the epoch in which it left, and is free once the
//! epoch has advanced twice; the epoch advances when no run of the epoch before is left. There is one
//! epoch for the process.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Mutex, PoisonError};

/// The epoch, and how many runs are pinned to epochs of each parity.
static EPOCH: AtomicU64 = AtomicU64::new(2);
static EVEN: Pinned = Pinned(AtomicUsize::new(0));
static ODD: Pinned = Pinned(AtomicUsize::new(0));

/// How many elements are looked at each time that one goes into the limbo.
const REAP: usize = 4;

/// A count on a cache line of its own.
#[repr(align(64))]
struct Pinned(AtomicUsize);

/// The count of the runs of an epoch.
fn pinned(epoch: u64) -> &'static AtomicUsize {
    if epoch.is_multiple_of(2) { &EVEN.0 } else { &ODD.0 }
}

/// While it lives, no element that its holder may know the address of becomes another key's.
#[derive(Debug)]
pub struct Pin {
    epoch: u64,
}

/// Pins the caller to the epoch: a run holds a pin from its beginning to its end.
pub fn pin() -> Pin {
    loop {
        let epoch = EPOCH.load(SeqCst);
        pinned(epoch).fetch_add(1, SeqCst);
        if EPOCH.load(SeqCst) == epoch {
            return Pin { epoch };
        }
        // The epoch ended in between: nobody waited for this pin.
        pinned(epoch).fetch_sub(1, SeqCst);
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        pinned(self.epoch).fetch_sub(1, SeqCst);
    }
}

/// Lets the epoch advance if no run of the epoch before is left, and returns it.
fn advance() -> u64 {
    let epoch = EPOCH.load(SeqCst);
    if pinned(epoch.wrapping_sub(1)).load(SeqCst) != 0 {
        return epoch;
    }
    match EPOCH.compare_exchange(epoch, epoch + 1, SeqCst, Relaxed) {
        Ok(_) => epoch + 1,
        Err(now) => now,
    }
}

/// Elements that have left their map, oldest first, each with the epoch in which it left.
#[derive(Default)]
pub(crate) struct Limbo {
    waiting: Mutex<VecDeque<(u64, u32)>>,
}

impl Limbo {
    /// Puts an element in, and hands those that nobody holds any more to `free`: some of them.
    pub(crate) fn put(&self, index: u32, free: impl FnMut(u32)) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_back((EPOCH.load(SeqCst), index));
        reap(&mut waiting, REAP, free);
    }

    /// Hands all elements that nobody holds any more to `free`.
    pub(crate) fn empty(&self, free: impl FnMut(u32)) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        reap(&mut waiting, usize::MAX, free);
    }
}

fn reap(waiting: &mut VecDeque<(u64, u32)>, most: usize, mut free: impl FnMut(u32)) {
    for _ in 0..most {
        let Some((left, index)) = waiting.front().copied() else { return };
        let over = |epoch: u64| epoch >= left + 2;
        if !over(EPOCH.load(SeqCst)) && !over(advance()) && !over(advance()) {
            return;
        }
        waiting.pop_front();
        free(index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emptied(limbo: &Limbo) -> Vec<u32> {
        let mut freed = Vec::new();
        limbo.empty(|index| freed.push(index));
        freed
    }

    /// Other tests of this process may be pinned for a moment, which delays but never fails it.
    #[test]
    fn waits_for_pins() {
        let limbo = Limbo::default();
        let held = pin();
        limbo.put(7, |index| panic!("{index} is still held"));
        for _ in 0..10 {
            assert_eq!(emptied(&limbo), []);
        }
        drop(held);
        let mut freed = Vec::new();
        while freed.is_empty() {
            freed = emptied(&limbo);
            std::thread::yield_now();
        }
        assert_eq!(freed, [7]);
    }
}
