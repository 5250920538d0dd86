//! Runs of instructions that are carried out one after the other, and what can follow what.
//!
//! A block begins wherever a path may come from elsewhere, or may be compared with another one, so
//! that what is known at the beginning of blocks answers all questions.

use skep_spec::Code;

use super::flow::{NONE, successors};
use super::{Mark, SlotFacts};

/// The number of a block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct BlockIdx(pub(crate) u32);

impl BlockIdx {
    /// The same as an index into a slice of blocks.
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The blocks of a program, by ascending place. No block is part of two functions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blocks {
    /// Where each begins, and at last where the program ends.
    starts: Vec<u32>,
    /// What can follow each.
    successors: Vec<[u32; 2]>,
    /// What each can follow, by ranges of `predecessor_starts`.
    predecessors: Vec<u32>,
    predecessor_starts: Vec<u32>,
}

impl Blocks {
    /// Divides a program, whose functions begin at `starts`, and numbers the blocks of its slots.
    pub(super) fn new(
        code: &Code,
        functions: impl Iterator<Item = u32>,
        slots: &mut [SlotFacts],
    ) -> Blocks {
        for start in functions {
            slots[start as usize].set(Mark::Leader);
        }
        let mut blocks = Blocks::default();
        let mut ends = true;
        for at in 0..code.len() {
            let facts = &mut slots[at as usize];
            if ends || facts.has(Mark::Leader) || facts.has(Mark::PrunePoint) {
                blocks.starts.push(at);
            }
            facts.block =
                u32::try_from(blocks.starts.len()).expect("blocks: no more than slots") - 1;
            let [behind, target] = successors(code, at);
            ends = behind == NONE || target != NONE;
        }
        blocks.starts.push(code.len());
        blocks.link(code, slots);
        blocks
    }

    fn link(&mut self, code: &Code, slots: &[SlotFacts]) {
        let block_of = |at: u32| slots.get(at as usize).map_or(NONE, |facts| facts.block);
        for range in self.starts.windows(2) {
            let mut last = range[1] - 1;
            if code.get(skep_spec::InsnIdx(last)).is_none() {
                // The second half of a 64-bit immediate load.
                last -= 1;
            }
            self.successors.push(successors(code, last).map(block_of));
        }
        let mut starts = vec![0; self.successors.len() + 1];
        for to in self.successors.iter().flatten().filter(|to| **to != NONE) {
            starts[*to as usize + 1] += 1;
        }
        for number in 1..starts.len() {
            starts[number] += starts[number - 1];
        }
        let mut predecessors = vec![0; starts.last().map_or(0, |total| *total as usize)];
        let mut next = starts.clone();
        for (from, successors) in (0u32..).zip(&self.successors) {
            for to in successors.iter().filter(|to| **to != NONE) {
                let place = &mut next[*to as usize];
                predecessors[*place as usize] = from;
                *place += 1;
            }
        }
        self.predecessors = predecessors;
        self.predecessor_starts = starts;
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.successors.len()
    }

    /// The slots of a block.
    pub(crate) fn slots(&self, block: BlockIdx) -> std::ops::Range<u32> {
        self.starts[block.index()]..self.starts[block.index() + 1]
    }

    /// What can follow a block.
    pub(crate) fn successors(&self, block: BlockIdx) -> impl Iterator<Item = BlockIdx> + use<> {
        self.successors[block.index()].into_iter().filter(|to| *to != NONE).map(BlockIdx)
    }

    /// What a block can follow.
    pub(crate) fn predecessors(&self, block: BlockIdx) -> impl Iterator<Item = BlockIdx> + '_ {
        let starts = &self.predecessor_starts;
        let range = starts[block.index()] as usize..starts[block.index() + 1] as usize;
        self.predecessors[range].iter().copied().map(BlockIdx)
    }
}

/// Blocks to be looked at, each waiting once; the last one added comes first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    queue: Vec<BlockIdx>,
    waits: Vec<bool>,
    first: u32,
}

impl Waiting {
    /// None yet, of `count` blocks beginning with `first`.
    pub(crate) fn new(first: BlockIdx, count: usize) -> Waiting {
        Waiting { queue: Vec::new(), waits: vec![false; count], first: first.0 }
    }

    /// Adds one.
    pub(crate) fn add(&mut self, block: BlockIdx) {
        if !std::mem::replace(&mut self.waits[(block.0 - self.first) as usize], true) {
            self.queue.push(block);
        }
    }

    /// Takes one.
    pub(crate) fn take(&mut self) -> Option<BlockIdx> {
        let block = self.queue.pop()?;
        self.waits[(block.0 - self.first) as usize] = false;
        Some(block)
    }
}
