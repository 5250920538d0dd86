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
    packets: u64,
}

impl Progress {
    pub(crate) fn new() -> Progress {
        let watched = io::stderr().is_terminal();
        Progress { watched, began: Instant::now(), shown: None, packets: 0 }
    }

    /// How many packets there were.
    pub(crate) fn packets(&self) -> u64 {
        self.packets
    }

    /// Tells that there is one more packet.
    pub(crate) fn tick(&mut self) {
        self.packets += 1;
        if !self.watched || !self.packets.is_multiple_of(STRIDE) {
            return;
        }
        let now = Instant::now();
        if now - self.shown.unwrap_or(self.began) < INTERVAL {
            return;
        }
        self.shown = Some(now);
        let rate = u128::from(self.packets) * 1000 / (now - self.began).as_millis().max(1);
        let rate = count(u64::try_from(rate).unwrap_or(u64::MAX));
        // What cannot be shown is not worth failing for.
        let _ = write!(io::stderr(), "\r\x1b[K{} packets, {rate} a second", count(self.packets));
    }
}

impl Drop for Progress {
    /// Removes the line.
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
