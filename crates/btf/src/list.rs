//! Lists inside a type: members, values, parameters, variables.

use std::fmt;
use std::marker::PhantomData;

use crate::Btf;

mod sealed {
    pub trait Sealed {}
}
pub(crate) use sealed::Sealed;

/// An entry of a [`List`]: [`Member`](crate::Member), [`Variant`](crate::Variant),
/// [`Param`](crate::Param) or [`DatasecVar`](crate::DatasecVar).
pub trait Item<'a>: Sized + Sealed {
    /// What the list knows and its entries do not.
    #[doc(hidden)]
    type Shape: Copy + fmt::Debug;
    /// Bytes of an entry.
    #[doc(hidden)]
    fn stride(shape: Self::Shape) -> usize;
    /// Reads an entry of exactly that length.
    #[doc(hidden)]
    fn read(btf: &'a Btf, entry: &'a [u8], shape: Self::Shape) -> Self;
}

/// Entries of a type, decoded when they are looked at.
#[derive(Clone, Copy)]
pub struct List<'a, T: Item<'a>> {
    btf: &'a Btf,
    bytes: &'a [u8],
    shape: T::Shape,
    item: PhantomData<T>,
}

impl<'a, T: Item<'a>> List<'a, T> {
    pub(crate) fn new(btf: &'a Btf, bytes: &'a [u8], shape: T::Shape) -> Self {
        Self { btf, bytes, shape, item: PhantomData }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.bytes.len() / T::stride(self.shape)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The entry with this number, counted from zero.
    pub fn get(&self, number: usize) -> Option<T> {
        let stride = T::stride(self.shape);
        let start = number.checked_mul(stride)?;
        let entry = self.bytes.get(start..start.checked_add(stride)?)?;
        Some(T::read(self.btf, entry, self.shape))
    }

    /// The last entry.
    pub fn last(&self) -> Option<T> {
        self.get(self.len().checked_sub(1)?)
    }

    /// All entries in order.
    pub fn iter(&self) -> Iter<'a, T> {
        Iter {
            btf: self.btf,
            chunks: self.bytes.chunks_exact(T::stride(self.shape)),
            shape: self.shape,
        }
    }
}

impl<'a, T: Item<'a>> IntoIterator for List<'a, T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T: Item<'a>> IntoIterator for &List<'a, T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T: Item<'a> + fmt::Debug> fmt::Debug for List<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Iterator over a [`List`].
#[derive(Clone)]
pub struct Iter<'a, T: Item<'a>> {
    btf: &'a Btf,
    chunks: std::slice::ChunksExact<'a, u8>,
    shape: T::Shape,
}

impl<'a, T: Item<'a>> Iterator for Iter<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        Some(T::read(self.btf, self.chunks.next()?, self.shape))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.chunks.size_hint()
    }
}

impl<'a, T: Item<'a>> DoubleEndedIterator for Iter<'a, T> {
    fn next_back(&mut self) -> Option<T> {
        Some(T::read(self.btf, self.chunks.next_back()?, self.shape))
    }
}

impl<'a, T: Item<'a>> ExactSizeIterator for Iter<'a, T> {}
