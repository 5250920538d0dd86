//! Two things at a time, where there are so many types that a second processor pays.

use std::ops::Range;
use std::thread::{Builder, scope};

/// Types from which on a thread is worth its start: about a millisecond of work.
const WORTH: u32 = 1 << 14;

/// What `one` and `other` return. `one` runs in a thread if there are many types, and threads.
pub(crate) fn both<A: Send, B>(
    types: u32,
    one: impl Fn() -> A + Sync,
    other: impl FnOnce() -> B,
) -> (A, B) {
    if types < WORTH {
        return (one(), other());
    }
    scope(|scope| match Builder::new().spawn_scoped(scope, &one) {
        Ok(thread) => {
            let other = other();
            (thread.join().unwrap_or_else(|_| one()), other)
        }
        // No more threads for this process.
        Err(_) => (one(), other()),
    })
}

/// What `part` returns for the first and for the second half of a range.
pub(crate) fn halves<A: Send>(range: Range<u32>, part: impl Fn(Range<u32>) -> A + Sync) -> [A; 2] {
    let middle = range.start + (range.end - range.start) / 2;
    let types = range.end - range.start;
    let (second, first) = both(types, || part(middle..range.end), || part(range.start..middle));
    [first, second]
}
