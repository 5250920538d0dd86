//! The layout of a UAPI struct: its fields, and how wide each may be accessed.
use super::{Access, Denied, Hit};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// A number.
    Scalar,
    /// The packet's first byte.
    PacketData,
    /// The end of the packet's directly accessible bytes.
    PacketEnd,
    /// The first byte of the metadata in front of the packet.
    PacketMeta,
    /// A full `struct bpf_sock`.
    Socket,
    /// A full `struct bpf_sock`, or null.
    SocketOrNull,
    /// A `struct bpf_sock` that need not be full, or null.
    SockCommonOrNull,
    /// A `struct bpf_flow_keys` to be filled in.
    FlowKeys,
    /// The buffer of a writable tracepoint.
    TracepointBuffer,
    /// A kernel object, of this struct.
    Kernel(&'static str),
}

impl FieldKind {
    /// Whether a load of the field is a pointer.
    #[must_use]
    pub const fn is_pointer(self) -> bool {
        !matches!(self, Self::Scalar)
    }
}

/// How wide a field may be accessed. All accesses are aligned to their own size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Widths {
    /// A whole element.
    Exact,
    /// A whole element, or loads of a part of one.
    Narrow,
    /// A whole element, or loads of its first bytes.
    Head,
    /// As [`Widths::Narrow`], but loads of at least two bytes.
    NarrowTwo,
    /// As [`Widths::Narrow`], or eight bytes within the array.
    NarrowOrWide,
    /// As [`Widths::Narrow`], or four bytes from its start, of which the last two are zero.
    NarrowOrPadded,
    /// Anything within the array.
    Free,
}

/// A field of a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name in the UAPI header.
    pub name: &'static str,
    /// Its offset in the struct, in bytes.
    pub offset: u32,
    /// The size of an element, in bytes.
    pub bytes: u32,
    /// The number of elements; one unless it is an array.
    pub count: u32,
    /// What it holds.
    pub kind: FieldKind,
    /// How wide it may be accessed.
    pub widths: Widths,
}

impl Field {
    /// One past the last byte of the field.
    #[must_use]
    pub const fn end(&self) -> u32 {
        self.offset + self.bytes * self.count
    }

    /// Whether the accesses to `bytes` from `offset` of the field on are wide or narrow enough.
    fn admits(&self, offset: u32, bytes: u32, store: bool) -> bool {
        let within = offset + bytes <= self.bytes * self.count;
        let whole = bytes == self.bytes && within;
        let part = !store && bytes <= self.bytes && within;
        match self.widths {
            Widths::Exact => whole,
            Widths::Narrow => whole || part,
            Widths::Head => whole || part && offset == 0,
            Widths::NarrowTwo => whole || part && bytes >= 2,
            Widths::NarrowOrWide => whole || part || bytes == 8 && within,
            Widths::NarrowOrPadded => whole || part || !store && offset == 0 && bytes == 4,
            Widths::Free => within,
        }
    }
}

/// A UAPI struct.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    /// The name of the struct, without `struct`.
    pub name: &'static str,
    /// Its size in bytes.
    pub bytes: u32,
    /// Its fields by offset; padding is what none of them covers.
    pub fields: &'static [Field],
}

impl Layout {
    /// The field with this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The index of the field that covers `offset`.
    #[must_use]
    pub fn index_of(&self, offset: u32) -> Option<usize> {
        let after = self.fields.partition_point(|field| field.offset <= offset);
        let index = after.checked_sub(1)?;
        (offset < self.fields[index].end()).then_some(index)
    }

    /// The field that `access` touches, whoever may do so, with its index.
    pub(super) fn hit(&self, access: Access) -> Result<(usize, Hit), Denied> {
        let Access { offset, bytes, store, sign_extend } = access;
        let end = offset.checked_add(bytes);
        if end.is_none_or(|end| end > self.bytes) {
            return Err(Denied::Outside { size: self.bytes });
        }
        if bytes == 0 || offset % bytes != 0 {
            return Err(Denied::Unaligned { bytes });
        }
        let index = self.index_of(offset).ok_or(Denied::Padding)?;
        let field = &self.fields[index];
        let offset = offset - field.offset;
        if !field.admits(offset, bytes, store) || sign_extend && field.kind.is_pointer() {
            return Err(Denied::Width { field: field.name });
        }
        Ok((index, Hit { field, offset }))
    }

    /// The set of all fields.
    pub(super) const fn all(&self) -> FieldSet {
        assert!(self.fields.len() < 64, "a field set holds 63 fields");
        FieldSet((1 << self.fields.len()) - 1)
    }

    /// The set of the named fields. Unknown names do not compile.
    pub(super) const fn only(&self, names: &[&str]) -> FieldSet {
        let mut bits = 0;
        let mut name = 0;
        while name < names.len() {
            let mut field = 0;
            while !same(self.fields[field].name, names[name]) {
                field += 1;
                assert!(field < self.fields.len(), "no field has this name");
            }
            bits |= 1 << field;
            name += 1;
        }
        FieldSet(bits)
    }

    /// The set of all but the named fields. Unknown names do not compile.
    pub(super) const fn except(&self, names: &[&str]) -> FieldSet {
        FieldSet(self.all().0 & !self.only(names).0)
    }
}

/// Whether two strings are the same.
const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut index = 0;
    while index < a.len() {
        if a[index] != b[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// A set of fields of one layout, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSet(u64);

impl FieldSet {
    /// The empty set.
    pub(super) const NONE: Self = Self(0);

    /// Whether the field with this index is in the set.
    #[must_use]
    pub const fn contains(self, index: usize) -> bool {
        index < 64 && self.0 & (1 << index) != 0
    }
}

// Fields, as the tables write them.

/// A 32-bit number, which also loads in part.
pub(super) const fn narrow(offset: u32, name: &'static str) -> Field {
    Field { name, offset, bytes: 4, count: 1, kind: FieldKind::Scalar, widths: Widths::Narrow }
}

/// A 32-bit number, in whole.
pub(super) const fn exact(offset: u32, name: &'static str) -> Field {
    narrow(offset, name).widths(Widths::Exact)
}

/// A 64-bit number, in whole.
pub(super) const fn exact64(offset: u32, name: &'static str) -> Field {
    exact(offset, name).bytes(8)
}

/// A pointer that loads as 64 bits.
pub(super) const fn pointer(offset: u32, name: &'static str, kind: FieldKind) -> Field {
    exact64(offset, name).kind(kind)
}

/// A pointer that loads as 32 bits, as XDP's and tc's packet pointers do.
pub(super) const fn pointer32(offset: u32, name: &'static str, kind: FieldKind) -> Field {
    exact(offset, name).kind(kind)
}

impl Field {
    /// With another element size.
    pub(super) const fn bytes(mut self, bytes: u32) -> Self {
        self.bytes = bytes;
        self
    }

    /// As an array.
    pub(super) const fn array(mut self, count: u32) -> Self {
        self.count = count;
        self
    }

    /// With other widths.
    pub(super) const fn widths(mut self, widths: Widths) -> Self {
        self.widths = widths;
        self
    }

    /// With another kind.
    pub(super) const fn kind(mut self, kind: FieldKind) -> Self {
        self.kind = kind;
        self
    }
}
