//! Where the keys and values of a map lie in its data.
//!
//! Values begin at multiples of 8 and are padded to one, as in the kernel's layout. An array's data
//! is its values, one after another, from offset 0 on. A hash table's element is its padded key and
//! its padded value. Per-CPU maps keep the values of each CPU together, on pages of their own, so
//! that CPUs do not write to the same cache lines.

use std::ops::Range;

use skep_command::Errno;

use super::memory::{Area, PAGE, pad};
use crate::world::Cpu;

/// How many bytes of elements are committed at once.
const COMMIT_STEP: usize = 64 * 1024;

/// The longest key that is copied to the stack.
const SHORT_KEY: usize = 64;

/// The shape of a map's elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// How many there are.
    pub(crate) count: u32,
    /// Bytes of a key that stands before its value; 0 for arrays.
    pub(crate) key_size: usize,
    /// Bytes of a value.
    pub(crate) value_size: usize,
    /// How many values an element has: one for each CPU, or 1 for a shared value.
    pub(crate) copies: u32,
    /// Whether the values are per CPU (which a machine with one CPU does not show in `copies`).
    pub(crate) percpu: bool,
}

impl Shape {
    /// Bytes of an element, with the values of all CPUs.
    pub(crate) fn element_len(&self) -> usize {
        pad(self.value_size).saturating_mul(self.copies as usize).saturating_add(pad(self.key_size))
    }
}

/// The elements of a map.
pub(crate) struct Elements {
    area: Area,
    shape: Shape,
    /// From one element's key to the next.
    key_stride: usize,
    /// The value of element 0 on CPU 0.
    value_at: usize,
    /// From one element's value to the next.
    value_stride: usize,
    /// From one CPU's values to the next CPU's; 0 if they are shared.
    cpu_stride: usize,
}

impl Elements {
    /// Zeroed elements that are all there from the beginning, or `ENOMEM`.
    pub(crate) fn new(shape: Shape) -> Result<Elements, Errno> {
        Elements::lay_out(shape, Area::new)
    }

    /// Zeroed elements that are committed before they are used, or `ENOMEM`.
    pub(crate) fn sparse(shape: Shape) -> Result<Elements, Errno> {
        Elements::lay_out(shape, Area::sparse)
    }

    fn lay_out(
        shape: Shape,
        area: impl FnOnce(usize) -> Result<Area, Errno>,
    ) -> Result<Elements, Errno> {
        let layout = || {
            let count = shape.count as usize;
            let (key, value) = (pad(shape.key_size), pad(shape.value_size));
            if !shape.percpu {
                let len = count.checked_mul(key.checked_add(value)?)?;
                return Some((len, key + value, key, key + value, 0));
            }
            let keys = count.checked_mul(key)?.checked_next_multiple_of(PAGE)?;
            let values = count.checked_mul(value)?.checked_next_multiple_of(PAGE)?;
            let len = values.checked_mul(shape.copies as usize)?.checked_add(keys)?;
            Some((len, key, keys, value, values))
        };
        let (len, key_stride, value_at, value_stride, cpu_stride) =
            layout().ok_or(Errno::ENOMEM)?;
        let area = area(len)?;
        Ok(Elements { area, shape, key_stride, value_at, value_stride, cpu_stride })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        self.shape.count
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.area.len()
    }

    fn key_offset(&self, index: u32) -> usize {
        index as usize * self.key_stride
    }

    #[inline]
    fn value_offset(&self, index: u32, cpu: Cpu) -> usize {
        self.value_at + index as usize * self.value_stride + cpu.index() * self.cpu_stride
    }

    /// The CPU to use for a value: any is as good as the first where values are shared.
    #[inline]
    pub(crate) fn has_cpu(&self, cpu: Cpu) -> bool {
        !self.shape.percpu || cpu.0 < self.shape.copies
    }

    /// The address of a value; `None` for a CPU that is not possible.
    #[inline]
    pub(crate) fn value_address(&self, index: u32, cpu: Cpu) -> Option<u64> {
        let inside = index < self.shape.count && self.has_cpu(cpu);
        inside.then(|| self.area.address(self.value_offset(index, cpu)))
    }

    /// Whether an element's key is `key`.
    #[inline]
    pub(crate) fn key_is(&self, index: u32, key: &[u8]) -> bool {
        self.area.equals(self.key_offset(index), key)
    }

    /// An element's key, padded with zeros, as words in memory order.
    pub(crate) fn key_words(&self, index: u32) -> impl Iterator<Item = u64> + use<'_> {
        self.area.load_words(self.key_offset(index), self.shape.key_size)
    }

    /// An element's key.
    pub(crate) fn key(&self, index: u32) -> Vec<u8> {
        let mut key = vec![0; self.shape.key_size];
        self.read_key(index, &mut key);
        key
    }

    /// Copies an element's key out.
    fn read_key(&self, index: u32, into: &mut [u8]) {
        self.area.read(self.key_offset(index), into);
    }

    /// Hands a copy of an element's key to `look`, without allocation if it is short.
    pub(crate) fn with_key<T>(&self, index: u32, look: impl FnOnce(&[u8]) -> T) -> T {
        let mut short = [0; SHORT_KEY];
        match short.get_mut(..self.shape.key_size) {
            Some(key) => {
                self.read_key(index, key);
                look(key)
            }
            None => look(&self.key(index)),
        }
    }

    /// Sets an element's key.
    #[inline]
    pub(crate) fn set_key(&self, index: u32, key: &[u8]) {
        self.area.write(self.key_offset(index), key);
    }

    /// Sets an element's value, on one CPU if values are per CPU.
    #[inline]
    pub(crate) fn set_value(&self, index: u32, cpu: Cpu, value: &[u8]) {
        self.area.write(self.value_offset(index, cpu), value);
    }

    /// Sets an element's value on one CPU and zeroes it on all others.
    pub(crate) fn init_value(&self, index: u32, cpu: Cpu, value: &[u8]) {
        for other in self.cpus().filter(|other| *other != cpu) {
            self.area.clear(self.value_offset(index, other), self.shape.value_size);
        }
        self.set_value(index, cpu, value);
    }

    /// The CPUs for which an element has values.
    fn cpus(&self) -> impl Iterator<Item = Cpu> + use<> {
        (0..self.shape.copies).map(Cpu)
    }

    /// Bytes of an element's value in commands: that of each CPU in turn, padded, if it is per CPU.
    pub(crate) fn command_size(&self) -> usize {
        match self.shape.percpu {
            true => pad(self.shape.value_size) * self.shape.copies as usize,
            false => self.shape.value_size,
        }
    }

    /// An element's value as commands see it. As in Linux, they see the padding of a value per CPU
    /// as a command wrote it.
    pub(crate) fn command_value(&self, index: u32) -> Vec<u8> {
        let mut value = vec![0; self.command_size()];
        for (cpu, bytes) in self.cpus().zip(value.chunks_mut(self.command_stride())) {
            self.area.read(self.value_offset(index, cpu), bytes);
        }
        value
    }

    /// Sets an element's value from a command, on all CPUs if it is per CPU.
    pub(crate) fn set_command_value(&self, index: u32, value: &[u8]) {
        for (cpu, bytes) in self.cpus().zip(value.chunks(self.command_stride())) {
            self.area.write(self.value_offset(index, cpu), bytes);
        }
    }

    fn command_stride(&self) -> usize {
        if self.shape.percpu { pad(self.shape.value_size) } else { self.shape.value_size }
    }

    /// The stretches of memory that hold values: address and length of each.
    pub(crate) fn value_ranges(&self) -> Vec<(u64, usize)> {
        let len = match self.shape.count as usize {
            0 => 0,
            count => (count - 1) * self.value_stride + self.shape.value_size,
        };
        self.cpus().map(|cpu| (self.area.address(self.value_offset(0, cpu)), len)).collect()
    }

    /// From one value to the next in a stretch.
    pub(crate) fn value_stride(&self) -> usize {
        self.value_stride
    }

    /// Commits the elements from `first` on, as many as make a step, and returns the first that is
    /// not committed.
    pub(crate) fn commit_from(&self, first: u32) -> Result<u32, Errno> {
        let widest = self.key_stride.max(self.value_stride).max(1);
        let step = u32::try_from((COMMIT_STEP / widest).max(1)).unwrap_or(u32::MAX);
        let end = first.saturating_add(step).min(self.shape.count);
        self.commit(first..end)?;
        Ok(end)
    }

    /// Commits the memory of some elements.
    fn commit(&self, elements: Range<u32>) -> Result<(), Errno> {
        let count = elements.len();
        if self.shape.key_size > 0 {
            self.area.commit(self.key_offset(elements.start), count * self.key_stride)?;
        }
        if self.shape.percpu || self.shape.key_size == 0 {
            for cpu in self.cpus() {
                let first = self.value_offset(elements.start, cpu);
                self.area.commit(first, count * self.value_stride)?;
            }
        }
        Ok(())
    }
}
