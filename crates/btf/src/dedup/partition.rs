//! The coarsest partition of types in which those of a block refer, place by place, to types of
//! one block.
//!
//! This is the minimization of a deterministic automaton, whose states are the types, and whose
//! transitions are their references, labelled by their place in the record. The algorithm is that
//! of A. Valmari, "Fast brief practical DFA minimization" (2012), after Hopcroft: transitions are
//! partitioned too, and of a block that is split only the smaller part is looked at again. With
//! *n* types and *m* references it takes O(*n* + *m* log *m*) steps.

use crate::bytes::{checked_u32, index};
use crate::types::TypeId;
use crate::{Btf, references};

/// The references of all types.
pub(super) struct Edges {
    /// Who refers.
    tails: Vec<u32>,
    /// What is referred to.
    heads: Vec<u32>,
    /// Which of the references of a type it is.
    places: Vec<u32>,
}

impl Edges {
    /// The references of all types that stand for themselves, to what stands for their targets.
    pub(super) fn new(btf: &Btf, stands_for: &[TypeId]) -> Self {
        let mut edges = Self { tails: Vec::new(), heads: Vec::new(), places: Vec::new() };
        let own = |id: &TypeId| stands_for.get(index(id.0)) == Some(id);
        for id in (1..btf.end_id()).map(TypeId).filter(own) {
            let Some((raw, record)) = btf.raw(id).zip(btf.record_bytes(id)) else { continue };
            for (place, at) in (0..).zip(references::types(raw.kind, raw.vlen)) {
                let target = index(checked_u32(record, at));
                let head = stands_for.get(target).expect("btf: parsing checked every type id");
                edges.tails.push(id.0);
                edges.heads.push(head.0);
                edges.places.push(place);
            }
        }
        edges
    }
}

/// The block of each type, where `labels` has told types apart already.
pub(super) fn refine(labels: Vec<u32>, edges: &Edges) -> Vec<u32> {
    let incoming = Incoming::new(labels.len(), &edges.heads);
    let mut blocks = Partition::new(&labels);
    let mut cords = Partition::new(&edges.places);
    // The transitions into the first block are those that go to no other.
    let (mut block, mut cord) = (1, 0);
    while cord < cords.len() {
        for place in cords.places(cord) {
            blocks.mark(edges.tails[index(cords.elements[place])]);
        }
        blocks.split();
        cord += 1;
        while block < blocks.len() {
            for place in blocks.places(block) {
                for &edge in incoming.of(blocks.elements[place]) {
                    cords.mark(edge);
                }
            }
            cords.split();
            block += 1;
        }
    }
    blocks.set_of
}

/// The transitions into each type.
struct Incoming {
    starts: Vec<u32>,
    edges: Vec<u32>,
}

impl Incoming {
    fn new(types: usize, heads: &[u32]) -> Self {
        let (starts, edges) = sorted(types, heads);
        Self { starts, edges }
    }

    fn of(&self, id: u32) -> &[u32] {
        let [start, end] = [id, id + 1].map(|place| index(self.starts[index(place)]));
        &self.edges[start..end]
    }
}

/// Numbers from 0, in sets that can be split.
struct Partition {
    /// The numbers, those of a set together.
    elements: Vec<u32>,
    /// Where each number is among them.
    place_of: Vec<u32>,
    /// The set of each number.
    set_of: Vec<u32>,
    /// Where each set starts, and where it ends; the marked ones are in front.
    starts: Vec<u32>,
    ends: Vec<u32>,
    marked: Vec<u32>,
    /// Sets with marked numbers.
    touched: Vec<u32>,
}

impl Partition {
    /// A set for each key.
    fn new(keys: &[u32]) -> Self {
        let count = keys.iter().max().map_or(0, |&last| index(last) + 1);
        let (bounds, elements) = sorted(count, keys);
        let mut partition = Self {
            place_of: vec![0; elements.len()],
            set_of: vec![0; elements.len()],
            elements,
            starts: Vec::new(),
            ends: Vec::new(),
            marked: Vec::new(),
            touched: Vec::new(),
        };
        for bounds in bounds.windows(2).filter(|bounds| bounds[0] < bounds[1]) {
            partition.add(bounds[0], bounds[1]);
        }
        for (place, &element) in (0..).zip(&partition.elements) {
            partition.place_of[index(element)] = place;
        }
        partition
    }

    /// Makes what is between two places a set.
    fn add(&mut self, start: u32, end: u32) {
        let set = u32::try_from(self.starts.len()).expect("btf: records have 32-bit offsets");
        for &element in &self.elements[index(start)..index(end)] {
            self.set_of[index(element)] = set;
        }
        self.starts.push(start);
        self.ends.push(end);
        self.marked.push(0);
    }

    fn len(&self) -> usize {
        self.starts.len()
    }

    /// Where the numbers of a set are.
    fn places(&self, set: usize) -> std::ops::Range<usize> {
        index(self.starts[set])..index(self.ends[set])
    }

    /// Marks a number, to be split from those of its set that are not.
    fn mark(&mut self, element: u32) {
        let set = self.set_of[index(element)];
        let place = self.place_of[index(element)];
        let marked = &mut self.marked[index(set)];
        let free = self.starts[index(set)] + *marked;
        if place < free {
            return;
        }
        if *marked == 0 {
            self.touched.push(set);
        }
        *marked += 1;
        let other = self.elements[index(free)];
        self.elements.swap(index(free), index(place));
        self.place_of[index(other)] = place;
        self.place_of[index(element)] = free;
    }

    /// Splits every set with marked numbers, unless all are. The smaller part is the new set.
    fn split(&mut self) {
        while let Some(set) = self.touched.pop() {
            let set = index(set);
            let marked = std::mem::take(&mut self.marked[set]);
            let (start, end) = (self.starts[set], self.ends[set]);
            let middle = start + marked;
            if middle == end {
                continue;
            }
            if marked <= end - middle {
                self.starts[set] = middle;
                self.add(start, middle);
            } else {
                self.ends[set] = middle;
                self.add(middle, end);
            }
        }
    }
}

/// The numbers of all keys, in the order of the keys; and where those of each key start, with the
/// end of all.
fn sorted(count: usize, keys: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0; count + 1];
    for &key in keys {
        starts[index(key) + 1] += 1;
    }
    let mut end = 0;
    for start in &mut starts {
        end += *start;
        *start = end;
    }
    let mut next = starts.clone();
    let mut numbers = vec![0; keys.len()];
    for (number, &key) in (0..).zip(keys) {
        let place = &mut next[index(key)];
        numbers[index(*place)] = number;
        *place += 1;
    }
    (starts, numbers)
}
