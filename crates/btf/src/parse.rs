//! From bytes to [`Btf`]: the header, the two sections, the start of every record.

use std::sync::{Arc, OnceLock};

use crate::bytes::{index, u16_at, u32_at};
use crate::error::{Error, TypeError};
use crate::format::{HEADER_LEN, Info, Kind, MAGIC, MAX_TYPE, TYPE_LEN, VERSION};
use crate::names::Names;
use crate::types::TypeId;
use crate::{Btf, validate};

impl Btf {
    /// Reads BTF, from the `.BTF` section of an object or from `/sys/kernel/btf/vmlinux`.
    ///
    /// Bytes behind the sections that the header names are ignored. The value holds what the
    /// kernel requires too, save what a loader fills in: sizes and offsets of sections may be 0,
    /// and names may be anything that is UTF-8.
    ///
    /// # Errors
    ///
    /// An [`Error`] with the place and the reason, if the bytes are not BTF of version 1 in
    /// little-endian order, or if a reference, an offset, a size or a nesting in it is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        parse(None, bytes)
    }

    /// Reads split BTF, as of kernel modules, that continues `base`.
    ///
    /// # Errors
    ///
    /// As [`Btf::parse`].
    pub fn parse_split(base: Arc<Self>, bytes: &[u8]) -> Result<Self, Error> {
        parse(Some(base), bytes)
    }
}

fn parse(base: Option<Arc<Btf>>, bytes: &[u8]) -> Result<Btf, Error> {
    let (header, sections) = bytes.split_at(header("BTF", bytes, HEADER_LEN)?);
    check_tail(header, HEADER_LEN)?;
    let word = |at| u32_at(header, at).unwrap_or_default();
    let types = Span { section: "type", offset: word(8), len: word(12) };
    let strings = Span { section: "string", offset: word(16), len: word(20) };
    let records = types.aligned()?.within(sections)?;
    let names = strings.within(sections)?;
    if types.overlaps(strings) {
        return Err(Error::SectionOverlap);
    }
    check_strings(names, base.is_some())?;

    let (first_id, first_name) =
        base.as_ref().map_or((1, 0), |base| (base.end_id(), base.names_end()));
    let (starts, kinds) = scan(records, first_id)?;
    let btf = Btf {
        base,
        first_id,
        first_name,
        starts,
        kinds,
        records: records.into(),
        names: Names::new(names),
        index: OnceLock::new(),
    };
    validate::validate(&btf)?;
    Ok(btf)
}

/// Checks what all headers have in front. Returns the header's length, which is `known` or more.
pub(crate) fn header(what: &'static str, bytes: &[u8], known: u32) -> Result<usize, Error> {
    let truncated = |required| Error::HeaderTruncated { what, found: bytes.len(), required };
    match u16_at(bytes, 0).ok_or(truncated(index(known)))? {
        MAGIC => {}
        magic if magic == MAGIC.swap_bytes() => return Err(Error::BigEndian),
        found => return Err(Error::Magic { what, found }),
    }
    let [_, _, version, flags, ..] = *bytes else {
        return Err(truncated(index(known)));
    };
    if version != VERSION {
        return Err(Error::Version { what, found: version });
    }
    if flags != 0 {
        return Err(Error::Flags { what, found: flags });
    }
    let len = index(u32_at(bytes, 4).ok_or(truncated(index(known)))?);
    if len < index(known) {
        return Err(Error::HeaderTruncated { what, found: len, required: index(known) });
    }
    if len > bytes.len() {
        return Err(truncated(len));
    }
    Ok(len)
}

/// What is behind the known part of the header must be zero: then it means nothing.
fn check_tail(header: &[u8], known: u32) -> Result<(), Error> {
    match header.iter().skip(index(known)).position(|&byte| byte != 0) {
        Some(tail) => Err(Error::HeaderTail { offset: index(known) + tail }),
        None => Ok(()),
    }
}

/// A section as a header names it.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) section: &'static str,
    /// From the end of the header.
    pub(crate) offset: u32,
    pub(crate) len: u32,
}

impl Span {
    /// Itself, if it starts at a multiple of four.
    pub(crate) fn aligned(self) -> Result<Self, Error> {
        if self.offset.is_multiple_of(4) {
            Ok(self)
        } else {
            Err(Error::SectionAlignment { section: self.section, offset: self.offset })
        }
    }

    /// Its bytes, out of those that follow the header.
    pub(crate) fn within(self, bytes: &[u8]) -> Result<&[u8], Error> {
        let end = self.offset.checked_add(self.len).map(index);
        end.and_then(|end| bytes.get(index(self.offset)..end)).ok_or(Error::SectionBounds {
            section: self.section,
            offset: self.offset,
            len: self.len,
            available: bytes.len(),
        })
    }

    /// Whether both have a byte. Both must be within the same bytes.
    fn overlaps(self, other: Self) -> bool {
        let start = self.offset.max(other.offset);
        let end = self.offset.saturating_add(self.len).min(other.offset.saturating_add(other.len));
        start < end
    }
}

/// Every string ends, and offset 0 is the empty string. The strings of a split BTF continue
/// those of its base, so that there may be none.
fn check_strings(names: &[u8], split: bool) -> Result<(), Error> {
    if split && names.is_empty() {
        return Ok(());
    }
    if !split && names.first() != Some(&0) {
        return Err(Error::StringEnds { end: "first" });
    }
    if names.last() != Some(&0) {
        return Err(Error::StringEnds { end: "last" });
    }
    Ok(())
}

/// Start and kind of each record. All of them are whole and of a known kind.
fn scan(records: &[u8], first_id: u32) -> Result<(Vec<u32>, Vec<Kind>), Error> {
    let mut starts = Vec::new();
    let mut kinds = Vec::new();
    let mut start = 0;
    for id in (first_id..).map(TypeId) {
        let rest = records.get(start..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
        if id.0 > MAX_TYPE {
            return Err(Error::TooManyTypes { limit: MAX_TYPE });
        }
        let wrong = |reason| Error::Type { id, reason };
        let truncated = |required| wrong(TypeError::Truncated { available: rest.len(), required });
        let word = u32_at(rest, 4).ok_or(truncated(TYPE_LEN))?;
        let info = Info(word);
        let kind = info.kind().map_err(|found| wrong(TypeError::UnknownKind { found }))?;
        let bits = info.reserved();
        if bits != 0 {
            return Err(wrong(TypeError::ReservedBits { bits }));
        }
        let len = info.record_len(kind);
        if rest.len() < len {
            return Err(truncated(len));
        }
        starts.push(u32::try_from(start).expect("btf: section lengths have 32 bits"));
        kinds.push(kind);
        start += len;
    }
    Ok((starts, kinds))
}
