//! Which stack slots matter: those that may be read later, before they are written.
//!
//! Which instruction reads which slot is not known before the walk, as it takes knowing where
//! pointers point to. So the walk tells ([`LiveStack::read`], [`LiveStack::write`]), and when all
//! paths from a checkpoint have ended, all that they read is known: what is not live then has no
//! influence on any of them.
//!
//! It is told apart by chains of calls, as Linux 6.18 does (`kernel/bpf/liveness.c`): a function
//! that is called from two places may access other slots of its callers' stacks each time. What is
//! gathered of a function in one such *instance* is, of each instruction and each frame, the slots
//! that it *may read* on some path that came by, and those that it *must write*, entirely, on
//! all of them. Live slots follow backwards over the blocks of the function: live behind, less what
//! must be written, and what may be read. When the walk leaves the function, what is live at its
//! beginning may be read by the call in the instance of the caller; and what all of its paths must
//! write, the call must write.
//!
//! Sound: a read is never forgotten, and a write only counts if every path that came by made it.
//! Writes that a path did not come by are no harm, as nothing is asked before all paths have ended.
//!
//! Memory is bounded ([`limits::LIVE_STACK_BYTES`]); where it ends, all slots count as live.

use std::collections::HashMap;

use skep_spec::InsnIdx;

use super::blocks::Waiting;
use super::{BlockIdx, Cfg};
use crate::limits::{self, FRAMES};
use crate::state::Frame;

/// Slots of a stack, one bit each, from the frame pointer down.
type Slots = u64;

/// What a walk has gathered about the stack.
#[derive(Debug, Default)]
pub(crate) struct LiveStack {
    instances: Vec<Instance>,
    known: HashMap<Key, InstanceIdx>,
    /// The instance of the function that runs, once it is known.
    current: Option<InstanceIdx>,
    /// What the instruction at hand has written, by frame.
    written: [Slots; FRAMES],
    /// How many functions were active when it began.
    active: usize,
    /// Bytes in use.
    bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct InstanceIdx(u32);

/// What tells instances apart: the instance of the caller, the call in it, and the function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Key {
    caller: Option<InstanceIdx>,
    callsite: InsnIdx,
    function: u16,
}

/// A function, called by one chain of calls.
#[derive(Debug)]
struct Instance {
    key: Key,
    /// How many calls lead here.
    depth: usize,
    /// Of each frame of the chain, from the outermost: what is accessed of its stack; `None` while
    /// nothing is.
    frames: Vec<Option<Accesses>>,
    /// The instructions that have come by with all they write, one bit each.
    came_by: Vec<u64>,
    /// Whether anything has changed since [`LiveStack::update`].
    changed: bool,
    /// Whether an instruction turned out to write less than was thought.
    writes_less: bool,
    /// Whether there was no memory, so that nothing is known.
    unknown: bool,
}

/// How the instructions of an instance access the stack of one frame.
#[derive(Debug)]
struct Accesses {
    insns: Vec<Access>,
    blocks: Vec<Flow>,
    /// Blocks whose flow is out of date.
    waiting: Waiting,
}

/// What an instruction does.
#[derive(Clone, Copy, Default, Debug)]
struct Access {
    may_read: Slots,
    must_write: Slots,
}

/// What is known where a block begins.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Flow {
    /// The slots that may be read before they are written.
    live: Slots,
    /// The slots that are written on all paths to the end of the function.
    written: Slots,
}

/// The slots and blocks of a function.
#[derive(Clone, Copy)]
struct Extent {
    start: u32,
    slots: usize,
    first_block: BlockIdx,
    blocks: usize,
}

impl Extent {
    fn of(cfg: &Cfg, function: u16) -> Extent {
        let subprogram = &cfg.subprograms()[usize::from(function)];
        let first_block = cfg.block_of(subprogram.start);
        let last_block = cfg.block_of(InsnIdx(subprogram.end.0 - 1));
        Extent {
            start: subprogram.start.0,
            slots: (subprogram.end.0 - subprogram.start.0) as usize,
            first_block,
            blocks: last_block.index() - first_block.index() + 1,
        }
    }

    fn slot(self, at: InsnIdx) -> usize {
        (at.0 - self.start) as usize
    }

    fn block(self, block: BlockIdx) -> usize {
        block.index() - self.first_block.index()
    }

    /// How many bytes it takes to describe accesses to the stack of one frame.
    fn bytes(self) -> usize {
        self.slots * size_of::<Access>()
            + self.blocks * (size_of::<Flow>() + size_of::<BlockIdx>() + size_of::<bool>())
    }
}

impl LiveStack {
    /// An instruction begins, with this many functions active.
    #[inline]
    pub(crate) fn begin(&mut self, active: usize) {
        self.written = [0; FRAMES];
        self.active = active;
    }

    /// The instruction at hand may read slots of a frame's stack.
    pub(crate) fn read(
        &mut self,
        cfg: &Cfg,
        frames: &[Frame],
        at: InsnIdx,
        frame: usize,
        slots: Slots,
    ) {
        let current = self.current(frames);
        self.add_read(cfg, current, at, frame, slots);
    }

    /// The instruction at hand writes slots of a frame's stack, entirely and for certain.
    pub(crate) fn write(&mut self, frame: usize, slots: Slots) {
        self.written[frame] |= slots;
    }

    /// The instruction at hand was carried out, and has written no more than was said.
    ///
    /// It need not be called for instructions that never write. What a call of a function writes is
    /// known only when the function returns.
    pub(crate) fn commit(&mut self, cfg: &Cfg, frames: &[Frame], at: InsnIdx) {
        if frames.len() != self.active {
            self.current = None;
            return;
        }
        let current = self.current(frames);
        self.add_writes(cfg, current, at, self.written);
    }

    /// A path has ended, or a function on it: works out what its functions read, from the innermost
    /// to the outermost.
    pub(crate) fn update(&mut self, cfg: &Cfg, frames: &[Frame]) {
        let mut next = Some(self.current(frames));
        while let Some(idx) = next {
            if std::mem::take(&mut self.of_mut(idx).changed) {
                self.of_mut(idx).flow(cfg);
                self.pass_on(cfg, idx);
            }
            next = self.of(idx).key.caller;
        }
        self.current = None;
    }

    /// The slots that may be read from an instruction on, before they are written, by frame.
    ///
    /// The frames stand at the calls to each other, and the last one at the instruction. Valid once
    /// all paths from there have ended and [`LiveStack::update`] was called for each.
    pub(crate) fn live(&self, cfg: &Cfg, frames: &[Frame], at: InsnIdx) -> [Slots; FRAMES] {
        let mut live = [0; FRAMES];
        let mut caller = None;
        for (depth, frame) in frames.iter().enumerate() {
            let function = frame.subprogram;
            let key = Key { caller, callsite: callsite(frames, depth), function };
            let Some(idx) = self.known.get(&key).copied() else { break };
            let instance = self.of(idx);
            let here = match frames.get(depth + 1) {
                None => at,
                // A call that calls back does so again, reading what its callback reads.
                Some(callee) if cfg.calls_callback(callee.callsite) => callee.callsite,
                Some(callee) => InsnIdx(callee.callsite.0 + 1),
            };
            for (frame, live) in live.iter_mut().enumerate().take(depth + 1) {
                *live |= instance.live_at(cfg, here, frame);
            }
            caller = Some(idx);
        }
        live
    }

    fn of(&self, idx: InstanceIdx) -> &Instance {
        &self.instances[idx.0 as usize]
    }

    fn of_mut(&mut self, idx: InstanceIdx) -> &mut Instance {
        &mut self.instances[idx.0 as usize]
    }

    /// The instance of the function that runs.
    fn current(&mut self, frames: &[Frame]) -> InstanceIdx {
        if let Some(current) = self.current {
            return current;
        }
        let mut found = self.find(Key {
            caller: None,
            callsite: callsite(frames, 0),
            function: frames.first().map_or(0, |frame| frame.subprogram),
        });
        for (depth, frame) in frames.iter().enumerate().skip(1) {
            let key = Key {
                caller: Some(found),
                callsite: callsite(frames, depth),
                function: frame.subprogram,
            };
            found = self.find(key);
        }
        self.current = Some(found);
        found
    }

    fn find(&mut self, key: Key) -> InstanceIdx {
        if let Some(found) = self.known.get(&key) {
            return *found;
        }
        let idx = InstanceIdx(u32::try_from(self.instances.len()).expect("one call, one instance"));
        let depth = key.caller.map_or(0, |caller| self.of(caller).depth + 1);
        self.instances.push(Instance {
            key,
            depth,
            frames: (0..=depth).map(|_| None).collect(),
            came_by: Vec::new(),
            changed: false,
            writes_less: false,
            unknown: false,
        });
        self.known.insert(key, idx);
        idx
    }

    /// What is accessed of a frame's stack in an instance; `None` if there is no memory for it.
    fn accesses(
        &mut self,
        extent: Extent,
        idx: InstanceIdx,
        frame: usize,
    ) -> Option<&mut Accesses> {
        let instance = &self.instances[idx.0 as usize];
        if instance.frames.get(frame)?.is_none() && !self.take_bytes(extent.bytes()) {
            self.give_up(idx);
            return None;
        }
        let new = || Accesses {
            insns: vec![Access::default(); extent.slots],
            blocks: vec![Flow::default(); extent.blocks],
            waiting: Waiting::new(extent.first_block, extent.blocks),
        };
        Some(self.of_mut(idx).frames.get_mut(frame)?.get_or_insert_with(new))
    }

    fn take_bytes(&mut self, bytes: usize) -> bool {
        let total = self.bytes + bytes;
        if total <= limits::LIVE_STACK_BYTES {
            self.bytes = total;
        }
        total <= limits::LIVE_STACK_BYTES
    }

    /// There is no memory for an instance: it may read all slots of all frames.
    fn give_up(&mut self, idx: InstanceIdx) {
        let mut next = Some(idx);
        while let Some(idx) = next {
            let instance = self.of_mut(idx);
            instance.unknown = true;
            next = instance.key.caller;
        }
    }

    fn add_read(&mut self, cfg: &Cfg, idx: InstanceIdx, at: InsnIdx, frame: usize, slots: Slots) {
        let extent = Extent::of(cfg, self.of(idx).key.function);
        let Some(accesses) = self.accesses(extent, idx, frame) else { return };
        let access = &mut accesses.insns[extent.slot(at)];
        if slots & !access.may_read != 0 {
            access.may_read |= slots;
            accesses.waiting.add(cfg.block_of(at));
            self.of_mut(idx).changed = true;
        }
    }

    fn add_writes(&mut self, cfg: &Cfg, idx: InstanceIdx, at: InsnIdx, written: [Slots; FRAMES]) {
        let extent = Extent::of(cfg, self.of(idx).key.function);
        let Some(came_by) = self.came_by(extent, idx, at) else { return };
        for (frame, mut slots) in written.into_iter().enumerate().take(self.of(idx).depth + 1) {
            let known = self.of(idx).frames.get(frame).is_some_and(Option::is_some);
            if slots == 0 && (!came_by || !known) {
                continue;
            }
            let Some(accesses) = self.accesses(extent, idx, frame) else { return };
            let access = &mut accesses.insns[extent.slot(at)];
            let before = access.must_write;
            if came_by {
                slots &= before;
            }
            if slots == before {
                continue;
            }
            access.must_write = slots;
            accesses.waiting.add(cfg.block_of(at));
            let instance = self.of_mut(idx);
            instance.changed = true;
            instance.writes_less |= before & !slots != 0;
        }
    }

    /// Whether an instruction has come by with what it writes before; it has now. `None` if there
    /// is no memory to know.
    fn came_by(&mut self, extent: Extent, idx: InstanceIdx, at: InsnIdx) -> Option<bool> {
        const BITS: usize = u64::BITS as usize;
        if self.of(idx).came_by.is_empty() {
            let words = extent.slots.div_ceil(BITS);
            if !self.take_bytes(words * size_of::<u64>()) {
                self.give_up(idx);
                return None;
            }
            self.of_mut(idx).came_by = vec![0; words];
        }
        let slot = extent.slot(at);
        let word = &mut self.of_mut(idx).came_by[slot / BITS];
        let bit = 1 << (slot % BITS);
        let before = *word & bit != 0;
        *word |= bit;
        Some(before)
    }

    /// Passes on to the caller of an instance what it accesses of the frames outside.
    fn pass_on(&mut self, cfg: &Cfg, idx: InstanceIdx) {
        let Key { caller: Some(caller), callsite, function } = self.of(idx).key else { return };
        let first_block = Extent::of(cfg, function).first_block;
        let mut written = [0; FRAMES];
        for (frame, written) in written.iter_mut().enumerate().take(self.of(idx).depth) {
            let Some(flow) = self.of(idx).flow_at(cfg, first_block, frame) else { continue };
            *written = flow.written;
            self.add_read(cfg, caller, callsite, frame, flow.live);
        }
        self.add_writes(cfg, caller, callsite, written);
    }
}

impl Instance {
    /// Works out what is live and what is written where blocks begin.
    fn flow(&mut self, cfg: &Cfg) {
        let extent = Extent::of(cfg, self.key.function);
        let writes_less = std::mem::take(&mut self.writes_less);
        for accesses in self.frames.iter_mut().flatten() {
            if writes_less {
                // What is written on all paths can only be worked out from nothing up.
                for (number, flow) in (extent.first_block.0..).zip(&mut accesses.blocks) {
                    flow.written = 0;
                    accesses.waiting.add(BlockIdx(number));
                }
            }
            while let Some(block) = accesses.waiting.take() {
                let flow = accesses.before(cfg, extent, block, cfg.blocks().slots(block).start);
                let known = &mut accesses.blocks[extent.block(block)];
                if *known != flow {
                    *known = flow;
                    for predecessor in cfg.blocks().predecessors(block) {
                        accesses.waiting.add(predecessor);
                    }
                }
            }
        }
    }

    /// What is known of a frame where a block begins.
    fn flow_at(&self, cfg: &Cfg, block: BlockIdx, frame: usize) -> Option<Flow> {
        let extent = Extent::of(cfg, self.key.function);
        let accesses = self.frames.get(frame)?.as_ref()?;
        Some(accesses.blocks[extent.block(block)])
    }

    /// The slots of a frame that may be read from an instruction on.
    fn live_at(&self, cfg: &Cfg, at: InsnIdx, frame: usize) -> Slots {
        if self.unknown {
            return Slots::MAX;
        }
        let Some(Some(accesses)) = self.frames.get(frame) else { return 0 };
        let extent = Extent::of(cfg, self.key.function);
        let block = cfg.block_of(at);
        if cfg.blocks().slots(block).start == at.0 {
            accesses.blocks[extent.block(block)].live
        } else {
            accesses.before(cfg, extent, block, at.0).live
        }
    }
}

impl Accesses {
    /// What is known before an instruction of a block, going by what is known behind the block.
    fn before(&self, cfg: &Cfg, extent: Extent, block: BlockIdx, at: u32) -> Flow {
        let mut live = 0;
        let mut written = None;
        for successor in cfg.blocks().successors(block) {
            let behind = self.blocks[extent.block(successor)];
            live |= behind.live;
            written = Some(written.unwrap_or(Slots::MAX) & behind.written);
        }
        let mut written = written.unwrap_or(0);
        for slot in (at..cfg.blocks().slots(block).end).rev() {
            let access = self.insns[extent.slot(InsnIdx(slot))];
            live = live & !access.must_write | access.may_read;
            written |= access.must_write;
        }
        Flow { live, written }
    }
}

/// The call that leads to a frame; of the outermost, none.
fn callsite(frames: &[Frame], depth: usize) -> InsnIdx {
    match depth {
        0 => InsnIdx(0),
        _ => frames.get(depth).map_or(InsnIdx(0), |frame| frame.callsite),
    }
}
