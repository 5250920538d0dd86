//! Writing BTF: types one after the other, strings shared.

use std::collections::HashMap;
use std::sync::Arc;

use crate::btf::encode;
use crate::bytes::checked_u32;
use crate::error::Error;
use crate::format::{INT_BOOL, INT_CHAR, INT_SIGNED, Info, MAX_TYPE};
use crate::types::{
    Composite, DatasecVar, Enum, FuncLinkage, FuncProto, FwdKind, Int, IntEncoding, Member, Param,
    Type, TypeId, VarLinkage, Variant,
};
use crate::{Btf, IdMap, Kind, references};

/// Makes BTF, type by type.
///
/// Ids are given in order, and a type may refer to one that is added later. Nothing is checked
/// before [`BtfBuilder::build`].
///
/// ```
/// use skep_btf::{BtfBuilder, IntEncoding, Member};
///
/// let mut builder = BtfBuilder::new();
/// let int = builder.int("int", 4, IntEncoding::Signed);
/// let point = builder.structure("point", 8, &[
///     Member { name: "x", ty: int, bit_offset: 0, bitfield_size: None },
///     Member { name: "y", ty: int, bit_offset: 32, bitfield_size: None },
/// ]);
/// let btf = builder.build()?;
/// assert_eq!(btf.ty(point)?.name(), "point");
/// # Ok::<(), skep_btf::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct BtfBuilder {
    base: Option<Arc<Btf>>,
    count: u32,
    records: Vec<u8>,
    strings: Vec<u8>,
    offsets: HashMap<String, u32>,
    /// The first thing that does not fit the format.
    wrong: Option<Error>,
}

impl BtfBuilder {
    /// A builder of BTF that stands by itself.
    pub fn new() -> Self {
        Self { strings: vec![0], ..Self::default() }
    }

    /// A builder of split BTF, whose types continue those of `base`.
    pub fn split(base: Arc<Btf>) -> Self {
        Self { base: Some(base), ..Self::default() }
    }

    /// The id that the next type will have.
    pub fn next_id(&self) -> TypeId {
        TypeId(self.base.as_ref().map_or(1, |base| base.end_id()) + self.count)
    }

    /// Adds a copy of a type. What it refers to keeps its number.
    ///
    /// `void` has no record: adding it adds nothing, and its id is returned.
    pub fn add(&mut self, ty: &Type<'_>) -> TypeId {
        match *ty {
            Type::Void => TypeId::VOID,
            Type::Int(int) => self.add_int(&int),
            Type::Ptr(target) => self.ptr(target),
            Type::Array(array) => self.array(array.element, array.index, array.nelems),
            Type::Struct(Composite { name, size, members }) => {
                self.composite(Kind::Struct, name, size, members.into_iter())
            }
            Type::Union(Composite { name, size, members }) => {
                self.composite(Kind::Union, name, size, members.into_iter())
            }
            Type::Enum(Enum { name, size, signed, variants }) => {
                self.values(Kind::Enum, name, size, signed, variants.into_iter())
            }
            Type::Enum64(Enum { name, size, signed, variants }) => {
                self.values(Kind::Enum64, name, size, signed, variants.into_iter())
            }
            Type::Fwd(fwd) => self.fwd(fwd.name, fwd.kind),
            Type::Typedef(typedef) => self.typedef(typedef.name, typedef.ty),
            Type::Volatile(target) => self.volatile(target),
            Type::Const(target) => self.constant(target),
            Type::Restrict(target) => self.restrict(target),
            Type::Func(func) => self.func(func.name, func.proto, func.linkage),
            Type::FuncProto(FuncProto { ret, params }) => self.signature(ret, params.into_iter()),
            Type::Var(var) => self.var(var.name, var.ty, var.linkage),
            Type::Datasec(datasec) => {
                let vars: Vec<DatasecVar> = datasec.vars.into_iter().collect();
                self.datasec(datasec.name, datasec.size, &vars)
            }
            Type::Float(float) => self.float(float.name, float.size),
            Type::DeclTag(tag) => {
                let id = self.header(Kind::DeclTag, tag.is_attribute, 0, tag.name, tag.target.0);
                self.word(tag.component.unwrap_or(u32::MAX));
                id
            }
            Type::TypeTag(tag) => {
                self.header(Kind::TypeTag, tag.is_attribute, 0, tag.name, tag.ty.0)
            }
        }
    }

    /// Adds a copy of type `id` of another BTF, which refers to what `now` gives for each id that
    /// it refers to.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownType`] if there is no such type, or only `void`.
    pub fn copy(
        &mut self,
        btf: &Btf,
        id: TypeId,
        mut now: impl FnMut(TypeId) -> TypeId,
    ) -> Result<TypeId, Error> {
        let unknown = Error::UnknownType { id, last: btf.last_id() };
        let (raw, record) = btf.raw(id).zip(btf.record_bytes(id)).ok_or(unknown)?;
        let copy = self.next_id();
        let start = self.records.len();
        self.records.extend_from_slice(record);
        for at in references::types(raw.kind, raw.vlen) {
            self.overwrite(start + at, now(TypeId(checked_u32(record, at))).0);
        }
        for at in references::names(raw.kind, raw.vlen) {
            let offset = self.string(btf.name_at(checked_u32(record, at)));
            self.overwrite(start + at, offset);
        }
        self.count += 1;
        Ok(copy)
    }

    /// Adds copies of all types of another BTF, as they are: [`Dedup`](crate::dedup::Dedup) finds
    /// those that are there twice then. Of a split BTF whose base is this builder's too, the types
    /// that are not the base's.
    ///
    /// Returns where they are now. What else the other BTF's strings are needed for, as the lines
    /// of `.BTF.ext`, is added by [`text`](Self::text).
    ///
    /// # Errors
    ///
    /// [`Error::TooManyTypes`].
    pub fn append(&mut self, btf: &Btf) -> Result<IdMap, Error> {
        let shared = match (&self.base, &btf.base) {
            (Some(mine), Some(theirs)) => Arc::ptr_eq(mine, theirs),
            (Some(_) | None, _) => false,
        };
        let first = if shared { btf.first_id } else { 1 };
        let mut ids = IdMap::new(btf.end_id());
        (1..first).map(TypeId).for_each(|id| ids.put(id, id));
        let start = self.next_id().0;
        let shifted = |id: u32| {
            let now = start.checked_add(id - first).filter(|&now| now <= MAX_TYPE);
            now.map(TypeId).ok_or(Error::TooManyTypes { limit: MAX_TYPE })
        };
        for id in first..btf.end_id() {
            ids.put(TypeId(id), shifted(id)?);
        }
        for id in (first..btf.end_id()).map(TypeId) {
            self.copy(btf, id, |target| ids.get(target).expect("btf: a map has all ids"))?;
        }
        Ok(ids)
    }

    /// The offset of a string, which is added unless it is there: for what refers to the strings
    /// of a BTF from outside, as the records of `.BTF.ext` do.
    pub fn text(&mut self, text: &str) -> u32 {
        self.string(text)
    }

    /// Starts with all strings of `btf`, where they are there. Nothing may have been added yet.
    pub(crate) fn keep_strings_of(&mut self, btf: &Btf) {
        self.strings = btf.names.as_bytes().to_vec();
        let mut start = 0;
        while let Some(text) = btf.names.bytes_at(start) {
            let offset = u32::try_from(start).ok().and_then(|at| at.checked_add(btf.first_name));
            if let (Ok(text), Some(offset)) = (std::str::from_utf8(text), offset) {
                self.offsets.entry(text.to_owned()).or_insert(offset);
            }
            start += text.len() + 1;
        }
    }

    /// Adds an integer of `size` bytes, all of whose bits count.
    pub fn int(&mut self, name: &str, size: u32, encoding: IntEncoding) -> TypeId {
        let nr_bits = u8::try_from(size.saturating_mul(8)).unwrap_or(u8::MAX);
        self.add_int(&Int { name, size, encoding, bits_offset: 0, nr_bits })
    }

    fn add_int(&mut self, int: &Int<'_>) -> TypeId {
        let encoding = match int.encoding {
            IntEncoding::Unsigned => 0,
            IntEncoding::Signed => INT_SIGNED,
            IntEncoding::Char => INT_CHAR,
            IntEncoding::Bool => INT_BOOL,
        };
        let id = self.header(Kind::Int, false, 0, int.name, int.size);
        self.word(encoding << 24 | u32::from(int.bits_offset) << 16 | u32::from(int.nr_bits));
        id
    }

    /// Adds a pointer.
    pub fn ptr(&mut self, target: TypeId) -> TypeId {
        self.header(Kind::Ptr, false, 0, "", target.0)
    }

    /// Adds an array.
    pub fn array(&mut self, element: TypeId, index: TypeId, nelems: u32) -> TypeId {
        let id = self.header(Kind::Array, false, 0, "", 0);
        self.word(element.0);
        self.word(index.0);
        self.word(nelems);
        id
    }

    /// Adds a struct of `size` bytes.
    pub fn structure(&mut self, name: &str, size: u32, members: &[Member<'_>]) -> TypeId {
        self.composite(Kind::Struct, name, size, members.iter().copied())
    }

    /// Adds a union of `size` bytes.
    pub fn union(&mut self, name: &str, size: u32, members: &[Member<'_>]) -> TypeId {
        self.composite(Kind::Union, name, size, members.iter().copied())
    }

    fn composite<'a>(
        &mut self,
        kind: Kind,
        name: &str,
        size: u32,
        members: impl ExactSizeIterator<Item = Member<'a>> + Clone,
    ) -> TypeId {
        let bitfields = members.clone().any(|member| member.bitfield_size.is_some());
        let id = self.header(kind, bitfields, members.len(), name, size);
        for member in members {
            let width = u32::from(member.bitfield_size.unwrap_or(0));
            if bitfields && member.bit_offset >> 24 != 0 {
                self.fail(Error::TooLong { id, what: "bit offset", limit: 0x00ff_ffff });
            }
            self.name(member.name);
            self.word(member.ty.0);
            self.word(width << 24 | member.bit_offset);
        }
        id
    }

    /// Adds an enumeration of `size` bytes: an `ENUM64` if these are more than 4. It is signed if a
    /// value is negative.
    pub fn enumeration(&mut self, name: &str, size: u32, variants: &[Variant<'_>]) -> TypeId {
        let signed = variants.iter().any(|variant| variant.value < 0);
        let wide = size > 4;
        let kind = if wide { Kind::Enum64 } else { Kind::Enum };
        self.values(kind, name, size, signed, variants.iter().copied())
    }

    fn values<'a>(
        &mut self,
        kind: Kind,
        name: &str,
        size: u32,
        signed: bool,
        variants: impl ExactSizeIterator<Item = Variant<'a>>,
    ) -> TypeId {
        let id = self.header(kind, signed, variants.len(), name, size);
        for variant in variants {
            let [low, high] = halves(variant.value);
            self.name(variant.name);
            self.word(low);
            if kind == Kind::Enum64 {
                self.word(high);
            }
        }
        id
    }

    /// Adds a forward declaration.
    pub fn fwd(&mut self, name: &str, kind: FwdKind) -> TypeId {
        self.header(Kind::Fwd, kind == FwdKind::Union, 0, name, 0)
    }

    /// Adds a typedef.
    pub fn typedef(&mut self, name: &str, target: TypeId) -> TypeId {
        self.header(Kind::Typedef, false, 0, name, target.0)
    }

    /// Adds the qualifier `volatile`.
    pub fn volatile(&mut self, target: TypeId) -> TypeId {
        self.header(Kind::Volatile, false, 0, "", target.0)
    }

    /// Adds the qualifier `const`.
    pub fn constant(&mut self, target: TypeId) -> TypeId {
        self.header(Kind::Const, false, 0, "", target.0)
    }

    /// Adds the qualifier `restrict`.
    pub fn restrict(&mut self, target: TypeId) -> TypeId {
        self.header(Kind::Restrict, false, 0, "", target.0)
    }

    /// Adds a function.
    pub fn func(&mut self, name: &str, proto: TypeId, linkage: FuncLinkage) -> TypeId {
        let number = match linkage {
            FuncLinkage::Static => 0,
            FuncLinkage::Global => 1,
            FuncLinkage::Extern => 2,
        };
        self.header(Kind::Func, false, number, name, proto.0)
    }

    /// Adds the signature of a function.
    pub fn func_proto(&mut self, ret: TypeId, params: &[Param<'_>]) -> TypeId {
        self.signature(ret, params.iter().copied())
    }

    fn signature<'a>(
        &mut self,
        ret: TypeId,
        params: impl ExactSizeIterator<Item = Param<'a>>,
    ) -> TypeId {
        let id = self.header(Kind::FuncProto, false, params.len(), "", ret.0);
        for param in params {
            self.name(param.name);
            self.word(param.ty.0);
        }
        id
    }

    /// Adds a variable.
    pub fn var(&mut self, name: &str, ty: TypeId, linkage: VarLinkage) -> TypeId {
        let id = self.header(Kind::Var, false, 0, name, ty.0);
        self.word(match linkage {
            VarLinkage::Static => 0,
            VarLinkage::Global => 1,
            VarLinkage::Extern => 2,
        });
        id
    }

    /// Adds a section of `size` bytes.
    pub fn datasec(&mut self, name: &str, size: u32, vars: &[DatasecVar]) -> TypeId {
        let id = self.header(Kind::Datasec, false, vars.len(), name, size);
        for var in vars {
            self.word(var.ty.0);
            self.word(var.offset);
            self.word(var.size);
        }
        id
    }

    /// Adds a floating point number.
    pub fn float(&mut self, name: &str, size: u32) -> TypeId {
        self.header(Kind::Float, false, 0, name, size)
    }

    /// Adds a tag on a declaration, or on one of its members or parameters.
    pub fn decl_tag(&mut self, text: &str, target: TypeId, component: Option<u32>) -> TypeId {
        let id = self.header(Kind::DeclTag, false, 0, text, target.0);
        self.word(component.unwrap_or(u32::MAX));
        id
    }

    /// Adds a tag on a type.
    pub fn type_tag(&mut self, text: &str, target: TypeId) -> TypeId {
        self.header(Kind::TypeTag, false, 0, text, target.0)
    }

    /// The BTF, checked.
    ///
    /// # Errors
    ///
    /// As [`Btf::parse`], and [`Error::TooLong`] for what the format has no room for.
    pub fn build(self) -> Result<Btf, Error> {
        let bytes = self.to_bytes()?;
        match self.base {
            Some(base) => Btf::parse_split(base, &bytes),
            None => Btf::parse(&bytes),
        }
    }

    /// The bytes, not checked.
    ///
    /// # Errors
    ///
    /// [`Error::TooLong`] for what the format has no room for.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        match &self.wrong {
            Some(wrong) => Err(wrong.clone()),
            None => Ok(encode(&self.records, &self.strings)),
        }
    }

    /// Writes the fixed part of a type, with the word that is a size or a type.
    fn header(&mut self, kind: Kind, flag: bool, vlen: usize, name: &str, word: u32) -> TypeId {
        let id = self.next_id();
        let vlen = u16::try_from(vlen).unwrap_or_else(|_| {
            self.fail(Error::TooLong { id, what: "number of entries", limit: u16::MAX.into() });
            u16::MAX
        });
        self.name(name);
        self.word(Info::new(kind, vlen, flag).0);
        self.word(word);
        self.count += 1;
        id
    }

    fn word(&mut self, word: u32) {
        self.records.extend_from_slice(&word.to_le_bytes());
    }

    fn overwrite(&mut self, at: usize, word: u32) {
        let target = self.records.get_mut(at..at + 4).expect("btf: the word has been written");
        target.copy_from_slice(&word.to_le_bytes());
    }

    /// Writes the offset of a name.
    fn name(&mut self, name: &str) {
        let offset = self.string(name);
        self.word(offset);
    }

    /// The offset of a string, which is added unless it is there.
    fn string(&mut self, text: &str) -> u32 {
        match (text, self.offsets.get(text)) {
            ("", _) => 0,
            (_, Some(&offset)) => offset,
            (_, None) => self.add_string(text),
        }
    }

    fn add_string(&mut self, text: &str) -> u32 {
        let id = self.next_id();
        let start = self.base.as_ref().map_or(0, |base| base.names_end());
        let Some(offset) =
            u32::try_from(self.strings.len()).ok().and_then(|len| start.checked_add(len))
        else {
            self.fail(Error::TooLong { id, what: "offset of a string", limit: u32::MAX });
            return 0;
        };
        if text.contains('\0') {
            self.fail(Error::NulInName { id });
        }
        self.strings.extend_from_slice(text.as_bytes());
        self.strings.push(0);
        self.offsets.insert(text.to_owned(), offset);
        offset
    }

    fn fail(&mut self, error: Error) {
        self.wrong.get_or_insert(error);
    }
}

/// The low and the high word of a 64-bit value, signed or not.
fn halves(value: i128) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h, ..] = value.to_le_bytes();
    [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])]
}
