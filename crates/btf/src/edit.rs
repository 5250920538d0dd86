//! Corrections that a loader makes, as compilers leave blank what only a linker knows.

use std::sync::Arc;

use crate::btf::encode;
use crate::bytes::index;
use crate::error::Error;
use crate::format::{Info, TYPE_LEN};
use crate::raw::Raw;
use crate::types::{DatasecVar, FuncLinkage, TypeId, Var, VarLinkage};
use crate::{Btf, BtfBuilder, Kind, Type, validate};

/// A BTF that is being corrected: see [`Btf::edit`].
#[derive(Clone, Debug)]
pub struct Edit {
    btf: Btf,
}

impl Btf {
    /// A copy of this BTF, to be corrected.
    ///
    /// Only the types that are not the base's can be corrected. Ids do not change.
    pub fn edit(&self) -> Edit {
        let mut btf = self.clone();
        btf.index = Default::default();
        Edit { btf }
    }
}

impl Edit {
    /// Adds types behind the last one, with their names behind the last string.
    ///
    /// # Errors
    ///
    /// As [`BtfBuilder::build`].
    pub fn append<T>(&mut self, add: impl FnOnce(&mut BtfBuilder) -> T) -> Result<T, Error> {
        let mut builder = BtfBuilder::split(Arc::new(self.btf.clone()));
        let added = add(&mut builder);
        let more = builder.build()?;
        let records = [&self.btf.records[..], &more.records].concat();
        let strings = [self.btf.names.as_bytes(), more.names.as_bytes()].concat();
        let bytes = encode(&records, &strings);
        self.btf = match self.btf.base() {
            Some(base) => Btf::parse_split(Arc::clone(base), &bytes)?,
            None => Btf::parse(&bytes)?,
        };
        Ok(added)
    }

    /// Sets the variables of a section and its size, with as many variables as it has. Those are
    /// sorted by their places as the kernel requires.
    ///
    /// # Errors
    ///
    /// [`Error::WrongKind`] if `id` is not a section of this BTF.
    pub fn set_datasec_vars(
        &mut self,
        id: TypeId,
        size: u32,
        mut change: impl FnMut(usize, DatasecVar) -> DatasecVar,
    ) -> Result<&mut Self, Error> {
        self.own(id, Kind::Datasec)?;
        let Ok(Type::Datasec(datasec)) = self.btf.ty(id) else { return Ok(self) };
        let vars = datasec.vars.iter().enumerate();
        let vars = vars.map(|(place, var)| change(place, var)).collect();
        Ok(self.write_vars(id, size, vars))
    }

    /// Gives the parameters of a signature that have no name that of another type.
    ///
    /// # Errors
    ///
    /// [`Error::WrongKind`] if `id` is not a signature of this BTF.
    pub fn name_params(&mut self, id: TypeId, like: TypeId) -> Result<&mut Self, Error> {
        let name = self.btf.raw(like).map_or(0, |raw| raw.name);
        let raw = self.own(id, Kind::FuncProto)?;
        let mut tail = raw.tail().to_vec();
        for param in tail.chunks_exact_mut(8) {
            // The end of a variable list has neither name nor type.
            if let [a @ 0, b @ 0, c @ 0, d @ 0, ty @ ..] = param
                && ty != [0; 4]
            {
                [*a, *b, *c, *d] = name.to_le_bytes();
            }
        }
        self.write(id, TYPE_LEN, &tail);
        Ok(self)
    }

    /// Sets the size of a section and the offsets of its variables, which are sorted by them as
    /// the kernel requires. A variable whose offset is `None` keeps it, and so does what is no
    /// variable.
    ///
    /// # Errors
    ///
    /// [`Error::WrongKind`] if `id` is not a section of this BTF.
    pub fn place_datasec(
        &mut self,
        id: TypeId,
        size: u32,
        mut offset: impl FnMut(TypeId, &Var<'_>) -> Option<u32>,
    ) -> Result<&mut Self, Error> {
        self.own(id, Kind::Datasec)?;
        let Ok(Type::Datasec(datasec)) = self.btf.ty(id) else { return Ok(self) };
        let mut vars: Vec<_> = datasec.vars.iter().collect();
        for var in &mut vars {
            if let Ok(Type::Var(found)) = self.btf.ty(var.ty) {
                var.offset = offset(var.ty, &found).unwrap_or(var.offset);
            }
        }
        Ok(self.write_vars(id, size, vars))
    }

    /// Sets the linkage of a variable. The kernel knows no extern ones.
    ///
    /// # Errors
    ///
    /// [`Error::WrongKind`] if `id` is not a variable of this BTF.
    pub fn set_var_linkage(&mut self, id: TypeId, linkage: VarLinkage) -> Result<&mut Self, Error> {
        self.own(id, Kind::Var)?;
        let number: u32 = match linkage {
            VarLinkage::Static => 0,
            VarLinkage::Global => 1,
            VarLinkage::Extern => 2,
        };
        self.write(id, TYPE_LEN, &number.to_le_bytes());
        Ok(self)
    }

    /// Sets the type of a variable.
    ///
    /// # Errors
    ///
    /// [`Error::WrongKind`] if `id` is not a variable of this BTF.
    pub fn set_var_type(&mut self, id: TypeId, ty: TypeId) -> Result<&mut Self, Error> {
        self.own(id, Kind::Var)?;
        self.write(id, 8, &ty.0.to_le_bytes());
        Ok(self)
    }

    /// Sets the linkage of a function.
    ///
    /// # Errors
    ///
    /// [`Error::WrongKind`] if `id` is not a function of this BTF.
    pub fn set_func_linkage(
        &mut self,
        id: TypeId,
        linkage: FuncLinkage,
    ) -> Result<&mut Self, Error> {
        self.own(id, Kind::Func)?;
        let vlen = match linkage {
            FuncLinkage::Static => 0,
            FuncLinkage::Global => 1,
            FuncLinkage::Extern => 2,
        };
        let info = Info::new(Kind::Func, vlen, false);
        self.write(id, 4, &info.0.to_le_bytes());
        Ok(self)
    }

    /// Writes the size of a section, and its variables in order of their places.
    fn write_vars(&mut self, id: TypeId, size: u32, mut vars: Vec<DatasecVar>) -> &mut Self {
        vars.sort_by_key(|var| var.offset);
        let words = vars.iter().flat_map(|var| [var.ty.0, var.offset, var.size]);
        let tail: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
        self.write(id, 8, &size.to_le_bytes());
        self.write(id, TYPE_LEN, &tail);
        self
    }

    /// The corrected BTF, checked again.
    ///
    /// # Errors
    ///
    /// As [`Btf::parse`].
    pub fn finish(self) -> Result<Btf, Error> {
        validate::validate(&self.btf)?;
        Ok(self.btf)
    }

    /// The record of `id`, if it is of this kind and not the base's.
    fn own(&self, id: TypeId, required: Kind) -> Result<Raw<'_>, Error> {
        let found = self.btf.ty(id)?;
        match self.btf.raw(id) {
            Some(raw) if raw.kind == required && id >= self.btf.first_id() => Ok(raw),
            Some(_) | None => {
                Err(Error::WrongKind { id, found: found.kind_name(), required: required.name() })
            }
        }
    }

    /// Overwrites bytes of the record of one of this BTF's own types.
    fn write(&mut self, id: TypeId, at: usize, bytes: &[u8]) {
        let place = id.0.checked_sub(self.btf.first_id).map(index);
        let start = place.and_then(|place| self.btf.starts.get(place)).copied().map(index);
        let target =
            start.and_then(|start| self.btf.records.get_mut(start + at..)?.get_mut(..bytes.len()));
        target.expect("btf: the id is one of this BTF").copy_from_slice(bytes);
    }
}
