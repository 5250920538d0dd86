//! A line that says how far a long capture has got, for people who watch.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::table::count;

/// How often the line is written anew.
const INTERVAL: Duration = Duration::from_millis(200);

/// The clock is looked at once in this many packets.
const STRIDE: u64 = 256;

/// A progress line on standard error, if that is a terminal.
pub(crate) struct Progress {
    watched: bool,
    began: Instant,
    shown: Option<Instant>,
}

impl Progress {
    pub(crate) fn new() -> Progress {
        Progress { watched: io::stderr().is_terminal(), began: Instant::now(), shown: None }
    }

    /// Tells that so many packets are done.
    pub(crate) fn tick(&mut self, packets: u64) {
        if !self.watched || !packets.is_multiple_of(STRIDE) {
            return;
        }
        let now = Instant::now();
        if now - self.shown.unwrap_or(self.began) < INTERVAL {
            return;
        }
        self.shown = Some(now);
        let rate = u128::from(packets) * 1000 / (now - self.began).as_millis().max(1);
        let rate = count(u64::try_from(rate).unwrap_or(u64::MAX));
        // What cannot be shown is not worth failing for.
        let _ = write!(io::stderr(), "\r\x1b[K{} packets, {rate} a second", count(packets));
    }

    /// Removes the line.
    pub(crate) fn clear(&mut self) {
        if self.shown.take().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
