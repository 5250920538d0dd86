//! Free elements, by index.
//!
//! A pool begins with the indices `first..first + count`. Indices that were never used come in
//! ascending order, and the memory of their elements is committed as the mark passes it: this is
//! where a map without memory finds out (`ENOMEM`), not when an element is touched. Indices that came
//! back are kept in one lock-free stack for each CPU; a CPU whose stack is empty takes from others.
//!
//! A pool may make returned indices wait until no run can know the address of their element
//! ([`super::grace`]).
//!
//! All state is in a control area: a head for each CPU on a cache line of its own, and one link for
//! each element, which its user may use while the element is not free. A head counts its changes in
//! its upper half, so that a stack that changed and changed back is noticed. What is read from the
//! area is bounded before it is used.

use std::sync::Mutex;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use skep_command::Errno;

use super::grace::Limbo;
use super::memory::Area;
use crate::world::Cpu;

/// Bytes from one CPU's head to the next.
const HEAD_STRIDE: usize = 64;

/// Bytes of a link.
pub(crate) const LINK: usize = 4;

/// How often a taker gives up the CPU for runs that may hold returned elements. The taker's own run
/// may be among them, so there is an end.
const MAX_WAITS: u32 = 256;

/// How many elements should be able to wait, and in how many bytes, besides as many as the map has.
const ROOM: u32 = 64 << 10;
const ROOM_BYTES: usize = 16 << 20;

/// For how many elements that wait for runs to end there is room in a map of `count` elements of
/// `size` bytes. The room is address space, which becomes memory when it is used.
pub(crate) fn waiting_room(count: u32, size: usize) -> u32 {
    let fitting = u32::try_from(ROOM_BYTES / size.max(1)).unwrap_or(ROOM);
    count.max(ROOM.min(fitting))
}

/// A pool's place in a control area.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolShape {
    /// Where the heads begin, a multiple of 64.
    pub(crate) heads_at: usize,
    /// Where the links of all elements begin.
    pub(crate) links_at: usize,
    /// The first index.
    pub(crate) first: u32,
    /// How many indices it has at first.
    pub(crate) count: u32,
    /// How many elements the map has: elements of several pools may change places.
    pub(crate) elements: u32,
    /// How many stacks.
    pub(crate) cpus: u32,
}

impl PoolShape {
    /// Bytes of the heads: the mark's line and one for each CPU.
    pub(crate) const fn heads_len(cpus: u32) -> usize {
        HEAD_STRIDE * (1 + cpus as usize)
    }
}

/// Free elements.
pub(crate) struct Pool {
    shape: PoolShape,
    /// The first index whose memory is not committed.
    committed: Mutex<u32>,
    /// Where returned indices wait.
    limbo: Option<Limbo>,
}

impl Pool {
    /// A pool of indices that were never used.
    pub(crate) fn new(shape: PoolShape) -> Pool {
        Pool { shape, committed: Mutex::new(shape.first), limbo: None }
    }

    /// The same with returned indices waiting until no run can hold their element.
    pub(crate) fn with_grace(shape: PoolShape) -> Pool {
        Pool { limbo: Some(Limbo::default()), ..Pool::new(shape) }
    }

    /// Takes a free index; `None` if there is none. `commit` commits the memory of elements from an
    /// index on and says how far.
    #[inline]
    pub(crate) fn take(
        &self,
        control: &Area,
        cpu: Cpu,
        commit: impl Fn(u32) -> Result<u32, Errno>,
    ) -> Result<Option<u32>, Errno> {
        let own = cpu.0 % self.shape.cpus;
        if let Some(index) = self.pop(control, own) {
            return Ok(Some(index));
        }
        if let Some(index) = self.take_unused(control, commit)? {
            return Ok(Some(index));
        }
        let stolen =
            (1..self.shape.cpus).find_map(|n| self.pop(control, (own + n) % self.shape.cpus));
        match &self.limbo {
            Some(limbo) if stolen.is_none() => Ok(self.wait_for(limbo, control, cpu)),
            Some(_) | None => Ok(stolen),
        }
    }

    /// Waits a moment for runs to end that may hold returned elements.
    #[cold]
    fn wait_for(&self, limbo: &Limbo, control: &Area, cpu: Cpu) -> Option<u32> {
        for _ in 0..MAX_WAITS {
            limbo.empty(|index| self.push(control, cpu, index));
            if let Some(index) = self.pop(control, cpu.0 % self.shape.cpus) {
                return Some(index);
            }
            std::thread::yield_now();
        }
        None
    }

    /// Gives an index back.
    #[inline]
    pub(crate) fn give(&self, control: &Area, cpu: Cpu, index: u32) {
        match &self.limbo {
            Some(limbo) => limbo.put(index, |free| self.push(control, cpu, free)),
            None => self.push(control, cpu, index),
        }
    }

    /// Gives an index back that nobody has found in the meantime: at once.
    pub(crate) fn give_unused(&self, control: &Area, cpu: Cpu, index: u32) {
        self.push(control, cpu, index);
    }

    #[inline]
    fn push(&self, control: &Area, cpu: Cpu, index: u32) {
        let head = control.u64(self.head_at(cpu.0 % self.shape.cpus));
        let link = control.u32(self.link_at(index));
        let mut old = head.load(Relaxed);
        loop {
            link.store(top(old), Relaxed);
            match head.compare_exchange_weak(old, bump(old, index + 1), Release, Relaxed) {
                Ok(_) => return,
                Err(now) => old = now,
            }
        }
    }

    /// Pops from one CPU's stack.
    #[inline]
    fn pop(&self, control: &Area, stack: u32) -> Option<u32> {
        let head = control.u64(self.head_at(stack));
        let mut old = head.load(Acquire);
        loop {
            let index = self.bounded(top(old).checked_sub(1)?)?;
            let next = control.u32(self.link_at(index)).load(Relaxed);
            match head.compare_exchange_weak(old, bump(old, next), AcqRel, Acquire) {
                Ok(_) => return Some(index),
                Err(now) => old = now,
            }
        }
    }

    /// Takes the next index that was never used.
    fn take_unused(
        &self,
        control: &Area,
        commit: impl Fn(u32) -> Result<u32, Errno>,
    ) -> Result<Option<u32>, Errno> {
        let mark = control.u32(self.shape.heads_at);
        if mark.load(Relaxed) >= self.shape.count {
            return Ok(None);
        }
        let mut committed = self.committed.lock().unwrap_or_else(|broken| broken.into_inner());
        let used = mark.load(Relaxed);
        if used >= self.shape.count {
            return Ok(None);
        }
        let index = self.shape.first + used;
        if index >= *committed {
            *committed = commit(index)?;
        }
        mark.store(used + 1, Relaxed);
        Ok(Some(index))
    }

    /// The index, if it is one.
    #[inline]
    fn bounded(&self, index: u32) -> Option<u32> {
        (index < self.shape.elements).then_some(index)
    }

    fn head_at(&self, stack: u32) -> usize {
        self.shape.heads_at + HEAD_STRIDE * (1 + stack as usize)
    }

    fn link_at(&self, index: u32) -> usize {
        self.shape.links_at + LINK * index as usize
    }
}

/// The top of a stack, from its head: an index plus 1, or 0.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the lower half is wanted")]
fn top(head: u64) -> u32 {
    head as u32
}

/// A head that has changed once more and now begins with `top` (an index plus 1, or 0).
#[inline]
fn bump(head: u64, top: u32) -> u64 {
    ((head >> 32).wrapping_add(1) << 32) | u64::from(top)
}
