//! Longest-prefix-match tries: `BPF_MAP_TYPE_LPM_TRIE`.
//!
//! A key is a prefix length (4 bytes) and as many bits of data, of which the most significant of the
//! first byte comes first. A node stands for a prefix; its two children for longer ones, by the next
//! bit. Nodes without value join two prefixes that part below them; each of them has two children.
//! The order of keys is the kernel's: children before their parent.
//!
//! One lock serves all writers. Readers take none and start again if a writer came in between; a
//! value that a program found stays that prefix's until the program's run is over. Control holds the
//! header, the pool's heads and links, and the nodes' records: two children, prefix length, mark.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use skep_command::Errno;
use skep_spec::abi::flags::update;

use super::array::index;
use super::counters::Counters;
use super::elements::{Elements, Shape};
use super::lock::{Changed, Held, Lock};
use super::memory::{Area, load_word};
use super::pool::{LINK, Pool, PoolShape, waiting_room};
use crate::world::Cpu;

/// The version of the layout of control, in its first word.
const VERSION: u64 = 1;
/// Where the lock is.
const LOCK: usize = 8;
/// Where the root is: an index plus 1, or 0.
const ROOT: usize = 12;
/// Where the number of values is.
const ENTRIES: usize = 16;
/// Where the pool's heads begin.
const HEADS: usize = 64;
/// Bytes of a node's record: left child, right child, prefix length, whether it has no value.
const NODE: usize = 16;
/// Bytes of the prefix length in a key.
const LENGTH: usize = 4;
/// How often a reader starts again before it takes the lock.
const MAX_ATTEMPTS: usize = 16;
/// The most nodes: a trie may be made for more prefixes than there can be memory for.
const MAX_NODES: u32 = 1 << 28;

/// A trie.
pub(crate) struct LpmTrie {
    elements: Elements,
    control: Area,
    links_at: usize,
    nodes_at: usize,
    pool: Pool,
    max_entries: u32,
    data_size: usize,
}

/// A place that holds the index of a node plus 1, or 0: the root, or a child of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Slot(usize);

/// A key as commands and programs write it.
#[derive(Clone, Copy)]
struct Prefix<'a> {
    len: u32,
    data: &'a [u8],
}

impl Prefix<'_> {
    /// The bit at a position, which is within the data.
    fn bit(&self, at: u32) -> usize {
        let byte = self.data.get(at as usize / 8).copied().unwrap_or(0);
        usize::from(byte >> (7 - at % 8) & 1)
    }
}

impl LpmTrie {
    /// An empty trie for `shape.count` prefixes; the shape's key has the prefix length too.
    pub(crate) fn new(shape: Shape, cpus: u32) -> Result<LpmTrie, Errno> {
        let max_entries = shape.count;
        let nodes = max_entries.saturating_mul(2);
        let room = waiting_room(max_entries, shape.element_len());
        let count = nodes.saturating_add(room).min(MAX_NODES);
        let data_size = shape.key_size.saturating_sub(LENGTH);
        let links_at = HEADS + PoolShape::heads_len(cpus);
        let nodes_at = (links_at + LINK * count as usize).next_multiple_of(NODE);
        let control = Area::sparse(nodes_at + NODE * count as usize)?;
        control.commit(0, links_at)?;
        control.u64(0).store(VERSION, Release);
        let shape = Shape { count, key_size: data_size, ..shape };
        let pool = PoolShape { heads_at: HEADS, links_at, first: 0, count, cpus, elements: count };
        Ok(LpmTrie {
            elements: Elements::sparse(shape)?,
            control,
            links_at,
            nodes_at,
            pool: Pool::with_grace(pool),
            max_entries,
            data_size,
        })
    }

    pub(crate) fn elements(&self) -> &Elements {
        &self.elements
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.control.len() + self.elements.memory()
    }

    /// The longest prefix length.
    fn max_len(&self) -> u32 {
        // A key's data has at most 256 bytes.
        u32::try_from(8 * self.data_size).unwrap_or(u32::MAX)
    }

    /// A key, if its prefix length is possible.
    fn prefix<'a>(&self, key: &'a [u8]) -> Option<Prefix<'a>> {
        let (len, data) = key.split_at_checked(LENGTH)?;
        let len = index(len).filter(|len| *len <= self.max_len())?;
        Some(Prefix { len, data })
    }

    /// The address of the value of the longest prefix of a key.
    pub(crate) fn lookup(&self, key: &[u8]) -> Option<u64> {
        self.elements.value_address(self.find(key)?, Cpu(0))
    }

    /// A copy of that value.
    pub(crate) fn command_lookup(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.find(key).map(|node| self.elements.command_value(node))
    }

    fn find(&self, key: &[u8]) -> Option<u32> {
        let prefix = self.prefix(key)?;
        let lock = Lock::new(self.control.u32(LOCK));
        for _ in 0..MAX_ATTEMPTS {
            let seen = lock.begin();
            let found = self.walk_down(prefix);
            match lock.end(seen) {
                Ok(()) => return found,
                Err(Changed) => std::hint::spin_loop(),
            }
        }
        let _held = lock.take().ok()?;
        self.walk_down(prefix)
    }

    /// The node of the longest prefix that has a value.
    fn walk_down(&self, key: Prefix<'_>) -> Option<u32> {
        let mut found = None;
        let mut next = self.node(Slot(ROOT));
        // Each level is at least one bit longer.
        for _ in 0..=self.max_len() {
            let Some(node) = next else { break };
            let len = self.len_of(node);
            let common = self.common(node, len, key);
            if common == self.max_len() {
                return Some(node);
            }
            if common < len {
                break;
            }
            if !self.is_joint(node) {
                found = Some(node);
            }
            next = self.node(self.child(node, key.bit(len)));
        }
        found
    }

    /// Sets the value of a prefix.
    pub(crate) fn update(
        &self,
        cpu: Cpu,
        key: &[u8],
        value: &[u8],
        flags: u64,
        counters: &Counters,
    ) -> Result<(), Errno> {
        if flags > update::EXIST {
            return Err(Errno::EINVAL);
        }
        let prefix = self.prefix(key).ok_or(Errno::EINVAL)?;
        let held = self.lock()?;
        let done = self.insert(&held, cpu, prefix, value, flags);
        drop(held);
        if matches!(done, Err(Errno::ENOSPC | Errno::ENOMEM)) {
            counters.full();
        }
        done
    }

    fn insert(
        &self,
        held: &Held<'_>,
        cpu: Cpu,
        key: Prefix<'_>,
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno> {
        // Down to the first node that is not a proper prefix of the key.
        let mut slot = Slot(ROOT);
        let mut common = 0;
        let mut old = None;
        for _ in 0..=self.max_len() {
            old = self.node(slot);
            let Some(node) = old else { break };
            let len = self.len_of(node);
            common = self.common(node, len, key);
            if common != len || len == key.len {
                break;
            }
            slot = self.child(node, key.bit(len));
        }
        let same = old.filter(|node| self.len_of(*node) == common);
        let exists = same.is_some_and(|node| !self.is_joint(node));
        match exists {
            true if flags == update::NOEXIST => return Err(Errno::EEXIST),
            false if flags == update::EXIST => return Err(Errno::ENOENT),
            true | false => {}
        }
        let entries = self.control.u32(ENTRIES);
        if !exists && entries.load(Relaxed) >= self.max_entries {
            return Err(Errno::ENOSPC);
        }

        let new = self.take(cpu)?;
        self.fill(new, key.len, key.data, Some(value));
        if let Some(node) = same {
            for side in 0..2 {
                self.link(self.child(new, side), self.node(self.child(node, side)));
            }
            self.link(slot, Some(new));
            self.give(held, cpu, node);
        } else if let Some(node) = old {
            if common == key.len {
                self.link(self.child(new, self.bit_of(node, common)), Some(node));
                self.link(slot, Some(new));
            } else {
                let joint = match self.take(cpu) {
                    Ok(joint) => joint,
                    Err(errno) => {
                        self.pool.give_unused(&self.control, cpu, new);
                        return Err(errno);
                    }
                };
                self.fill(joint, common, &self.elements.key(node), None);
                let side = key.bit(common);
                self.link(self.child(joint, side), Some(new));
                self.link(self.child(joint, 1 - side), Some(node));
                self.link(slot, Some(joint));
            }
        } else {
            self.link(slot, Some(new));
        }
        if !exists {
            entries.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    /// Removes a prefix.
    pub(crate) fn delete(&self, cpu: Cpu, key: &[u8]) -> Result<(), Errno> {
        let key = self.prefix(key).ok_or(Errno::EINVAL)?;
        let held = self.lock()?;
        let path = self.path(key);
        let (slot, node) = path.last().copied().ok_or(Errno::ENOENT)?;
        if !self.stands_for(node, key) {
            return Err(Errno::ENOENT);
        }
        self.control.u32(ENTRIES).fetch_sub(1, Relaxed);
        let children = [0, 1].map(|side| self.node(self.child(node, side)));
        if children.iter().all(Option::is_some) {
            self.mark(node, true);
            return Ok(());
        }
        let parent = path.iter().rev().nth(1).filter(|(_, parent)| self.is_joint(*parent));
        match (parent, children) {
            // The parent joined this node and another: the other takes its place.
            (Some((parent_slot, parent)), [None, None]) => {
                let mut sides = [0, 1].into_iter().map(|side| self.child(*parent, side));
                let other = sides.find(|side| *side != slot).and_then(|side| self.node(side));
                self.link(*parent_slot, other);
                self.give(&held, cpu, *parent);
            }
            (_, [child, other]) => self.link(slot, child.or(other)),
        }
        self.give(&held, cpu, node);
        Ok(())
    }

    /// The key after `key`: longer prefixes before the shorter ones that contain them.
    pub(crate) fn next_key(&self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>, Errno> {
        let _held = self.lock()?;
        let Some(root) = self.node(Slot(ROOT)) else { return Ok(None) };
        let Some(key) = key.and_then(|key| self.prefix(key)) else {
            return Ok(Some(self.first_below(root)));
        };
        let path = self.path(key);
        if !path.last().is_some_and(|(_, node)| self.stands_for(*node, key)) {
            return Ok(Some(self.first_below(root)));
        }
        for pair in path.windows(2).rev() {
            let &[(_, parent), (slot, _)] = pair else { continue };
            if slot == self.child(parent, 0)
                && let Some(sibling) = self.node(self.child(parent, 1))
            {
                return Ok(Some(self.first_below(sibling)));
            }
            if !self.is_joint(parent) {
                return Ok(Some(self.key_of(parent)));
            }
        }
        Ok(None)
    }

    /// The first key of the part of the trie below and with a node: its deepest node on the left.
    fn first_below(&self, root: u32) -> Vec<u8> {
        let mut node = root;
        for _ in 0..=self.max_len() {
            let left = self.node(self.child(node, 0));
            match left.or_else(|| self.node(self.child(node, 1))) {
                Some(below) => node = below,
                None => break,
            }
        }
        self.key_of(node)
    }

    /// The nodes from the root down to the one that stands for a key, or to where it would be, each
    /// with the slot that leads to it.
    fn path(&self, key: Prefix<'_>) -> Vec<(Slot, u32)> {
        let mut path = Vec::new();
        let mut slot = Slot(ROOT);
        for _ in 0..=self.max_len() {
            let Some(node) = self.node(slot) else {
                path.clear();
                return path;
            };
            path.push((slot, node));
            let len = self.len_of(node);
            if len >= key.len || self.common(node, len, key) != len {
                break;
            }
            slot = self.child(node, key.bit(len));
        }
        path
    }

    /// Whether a node has a value and its prefix is the key.
    fn stands_for(&self, node: u32, key: Prefix<'_>) -> bool {
        let len = self.len_of(node);
        len == key.len && self.common(node, len, key) == len && !self.is_joint(node)
    }

    /// How many bits a node's prefix, of length `len`, and a key have in common.
    fn common(&self, node: u32, len: u32, key: Prefix<'_>) -> u32 {
        let most = len.min(key.len);
        let mut common = 0;
        for (word, bytes) in self.elements.key_words(node).zip(key.data.chunks(8)) {
            let differ = u64::from_be(word) ^ u64::from_be(load_word(bytes));
            common += differ.leading_zeros();
            if differ != 0 || common >= most {
                break;
            }
        }
        common.min(most)
    }

    /// A bit of a node's prefix.
    fn bit_of(&self, node: u32, at: u32) -> usize {
        self.elements.with_key(node, |data| Prefix { len: 0, data }.bit(at))
    }

    /// A node's prefix as a key.
    fn key_of(&self, node: u32) -> Vec<u8> {
        let mut key = self.len_of(node).to_ne_bytes().to_vec();
        key.extend(self.elements.key(node));
        key
    }

    fn lock(&self) -> Result<Held<'_>, Errno> {
        Lock::new(self.control.u32(LOCK)).take()
    }

    fn take(&self, cpu: Cpu) -> Result<u32, Errno> {
        let taken = self.pool.take(&self.control, cpu, |first| self.commit_from(first))?;
        taken.ok_or(Errno::ENOMEM)
    }

    /// Commits the memory of the nodes from `first` on, and returns the first that has none.
    #[cold]
    fn commit_from(&self, first: u32) -> Result<u32, Errno> {
        let end = self.elements.commit_from(first)?;
        let count = (end - first) as usize;
        self.control.commit(self.links_at + LINK * first as usize, LINK * count)?;
        self.control.commit(self.record(first), NODE * count)?;
        Ok(end)
    }

    /// Gives a node back that nothing leads to any more.
    fn give(&self, _held: &Held<'_>, cpu: Cpu, node: u32) {
        self.pool.give(&self.control, cpu, node);
    }

    /// Fills a node that nothing leads to yet.
    fn fill(&self, node: u32, len: u32, data: &[u8], value: Option<&[u8]>) {
        self.elements.set_key(node, data);
        if let Some(value) = value {
            self.elements.set_value(node, Cpu(0), value);
        }
        self.link(self.child(node, 0), None);
        self.link(self.child(node, 1), None);
        self.control.u32(self.record(node) + 8).store(len, Relaxed);
        self.mark(node, value.is_none());
    }

    /// The node that a slot leads to.
    fn node(&self, slot: Slot) -> Option<u32> {
        let index = self.control.u32(slot.0).load(Acquire).checked_sub(1)?;
        (index < self.elements.count()).then_some(index)
    }

    /// Lets a slot lead to a node.
    fn link(&self, slot: Slot, node: Option<u32>) {
        self.control.u32(slot.0).store(node.map_or(0, |node| node + 1), Release);
    }

    /// Where a node's left (0) or right (1) child is.
    fn child(&self, node: u32, side: usize) -> Slot {
        Slot(self.record(node) + 4 * side)
    }

    /// The length of a node's prefix.
    fn len_of(&self, node: u32) -> u32 {
        self.control.u32(self.record(node) + 8).load(Relaxed).min(self.max_len())
    }

    /// Whether a node has no value.
    fn is_joint(&self, node: u32) -> bool {
        self.control.u32(self.record(node) + 12).load(Relaxed) != 0
    }

    fn mark(&self, node: u32, joint: bool) {
        self.control.u32(self.record(node) + 12).store(u32::from(joint), Relaxed);
    }

    fn record(&self, node: u32) -> usize {
        self.nodes_at + NODE * node as usize
    }
}
