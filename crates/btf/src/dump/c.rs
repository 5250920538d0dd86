//! Types as C: a header that compiles, with everything in an order that C accepts.
//!
//! C wants a type defined before it is used by value, and named before it is used at all. So each
//! definition is written after what it requires ([`Need`]); a struct that is only pointed to is
//! declared by name. Layout is kept: padding is written out, and a struct whose members are not
//! where C would place them is packed.

mod layout;
mod names;
mod spelling;
mod structs;

use std::collections::HashSet;
use std::rc::Rc;

use crate::bytes::{checked_u32, index};
use crate::error::Error;
use crate::types::{FwdKind, Type, TypeId};
use crate::{Btf, Kind};
use layout::{Layout, Shape, bare_members};
use names::{Names, identifier};
use spelling::BUILTIN;

/// How deep definitions may require each other. By value and through pointers, parsing has set a
/// limit; anonymous structs can be nested in both ways by turns.
const MAX_REQUIRE: u32 = 256;
/// Bytes of C for each byte of BTF. The kernel's types take less than one; signatures in
/// signatures could take exponentially many.
const TEXT_PER_BYTE: usize = 64;
/// Bytes of C for however little BTF.
const TEXT_AT_LEAST: usize = 64 * 1024;

const HEAD: &str = "\
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif
";

const FOOT: &str = "
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
";

/// The types as a C header, as `bpftool btf dump file FILE format c` writes it: structs, unions,
/// enumerations and typedefs, but no functions and no variables. Of a split BTF the types that
/// are not the base's, and what they require of it.
///
/// Names that another type has already are given a number, `task_struct___2`. What cannot be
/// said in C, as members that overlap, becomes bytes of the right size.
///
/// # Errors
///
/// [`Error::NotC`] if types are nested, or repeat each other, beyond what a C program can do.
pub fn c(btf: &Btf) -> Result<String, Error> {
    let mut writer = Writer::new(btf);
    for id in (btf.first_id..btf.end_id()).map(TypeId) {
        writer.top_level(id)?;
    }
    writer.out.push_str(FOOT);
    Ok(writer.out)
}

/// How much of a type must have been written before it can be used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Its name, to point to it.
    Name,
    /// All of it, to have a value of it.
    Complete,
}

struct Writer<'a> {
    btf: &'a Btf,
    out: String,
    names: Names<'a>,
    /// What has been required of each type: its name, all of it.
    required: Vec<[bool; 2]>,
    /// `struct x` that have been declared or defined.
    declared: HashSet<Rc<str>>,
    /// How each struct and union is to be written, as soon as someone has asked.
    layouts: Vec<Option<Layout>>,
    /// What each type takes in a struct, as soon as someone has asked.
    shapes: Vec<Option<Shape>>,
    /// Enumerations whose values have been defined.
    values_written: HashSet<TypeId>,
    /// Which types stand inside another; only asked of anonymous enumerations.
    inner: Vec<bool>,
    depth: u32,
    /// Bytes that may still be written.
    left: usize,
}

impl<'a> Writer<'a> {
    fn new(btf: &'a Btf) -> Self {
        let size = btf.records.len() + index(btf.names.len());
        let types = index(btf.end_id());
        let mut out = String::with_capacity(size);
        out.push_str(HEAD);
        Self {
            btf,
            out,
            names: Names::new(types),
            required: vec![[false; 2]; types],
            declared: HashSet::new(),
            layouts: vec![None; types],
            shapes: vec![None; types],
            values_written: HashSet::new(),
            inner: inner(btf),
            depth: 0,
            left: size.saturating_mul(TEXT_PER_BYTE).max(TEXT_AT_LEAST),
        }
    }

    /// Writes a type that stands by itself, unless something required it already.
    fn top_level(&mut self, id: TypeId) -> Result<(), Error> {
        match self.btf.kind_of(id) {
            Some(Kind::Struct | Kind::Union) if self.btf.known(id).name().is_empty() => Ok(()),
            Some(Kind::Enum | Kind::Enum64) => match self.btf.known(id) {
                Type::Enum(enumeration) | Type::Enum64(enumeration)
                    if enumeration.name.is_empty() && !self.inner[index(id.0)] =>
                {
                    let text = self.enumeration(id, &enumeration)?;
                    self.write_definition(id, &text)
                }
                _ => self.require(id, Need::Complete),
            },
            Some(Kind::Struct | Kind::Union | Kind::Fwd | Kind::Typedef) => {
                self.require(id, Need::Complete)
            }
            Some(
                Kind::Int
                | Kind::Ptr
                | Kind::Array
                | Kind::Volatile
                | Kind::Const
                | Kind::Restrict
                | Kind::Func
                | Kind::FuncProto
                | Kind::Var
                | Kind::Datasec
                | Kind::Float
                | Kind::DeclTag
                | Kind::TypeTag,
            )
            | None => Ok(()),
        }
    }

    /// Writes what must stand before a use of `id`.
    fn require(&mut self, id: TypeId, need: Need) -> Result<(), Error> {
        let Some(required) = self.required.get_mut(index(id.0)) else { return Ok(()) };
        if std::mem::replace(&mut required[need as usize], true) {
            return Ok(());
        }
        if self.depth == MAX_REQUIRE {
            return Err(Error::NotC { id, reason: "types are nested too deep" });
        }
        self.depth += 1;
        self.require_now(id, need)?;
        self.depth -= 1;
        Ok(())
    }

    fn require_now(&mut self, id: TypeId, need: Need) -> Result<(), Error> {
        match self.btf.known(id) {
            Type::Int(int) => self.define_int(id, &int),
            Type::Float(float) => self.define_float(id, &float),
            Type::Ptr(target) => self.require(target, Need::Name),
            Type::Const(target) | Type::Volatile(target) | Type::Restrict(target) => {
                self.require(target, need)
            }
            Type::TypeTag(tag) => self.require(tag.ty, need),
            Type::Array(array) => self.require(array.element, Need::Complete),
            Type::FuncProto(proto) => {
                self.require(proto.ret, Need::Name)?;
                proto.params.iter().try_for_each(|param| self.require(param.ty, Need::Name))
            }
            Type::Typedef(typedef) => {
                self.define_typedef(id, typedef.name, typedef.ty)?;
                self.require(typedef.ty, need)
            }
            Type::Struct(composite) | Type::Union(composite) => {
                if need == Need::Name && !composite.name.is_empty() {
                    return self.declare(id);
                }
                for member in bare_members(self.btf, id) {
                    self.require(member.ty, Need::Complete)?;
                }
                if composite.name.is_empty() {
                    return Ok(());
                }
                let text = self.composite(id, &composite, 0)?;
                let tag = self.tag(id);
                self.declared.insert(tag);
                self.write_definition(id, &text)
            }
            Type::Fwd(_) => self.declare(id),
            Type::Enum(enumeration) | Type::Enum64(enumeration) => {
                let tag = self.tag(id);
                let skip = enumeration.name.is_empty() || enumeration.variants.is_empty();
                if skip || !self.declared.insert(tag) {
                    return Ok(());
                }
                let text = self.enumeration(id, &enumeration)?;
                self.write_definition(id, &text)
            }
            Type::Void | Type::Func(_) | Type::Var(_) | Type::Datasec(_) | Type::DeclTag(_) => {
                Ok(())
            }
        }
    }

    /// Writes `struct x;`, unless it is declared or defined.
    fn declare(&mut self, id: TypeId) -> Result<(), Error> {
        let tag = self.tag(id);
        if !self.declared.insert(tag.clone()) {
            return Ok(());
        }
        self.write_definition(id, &tag)
    }

    fn define_typedef(&mut self, id: TypeId, name: &'a str, target: TypeId) -> Result<(), Error> {
        self.require(target, Need::Name)?;
        if name == BUILTIN || self.names.given(id).is_some() {
            return Ok(());
        }
        let name = self.names.ordinary(id, name);
        let text = self.declaration(target, &name, 0)?;
        self.out.push_str("\ntypedef ");
        self.out.push_str(&text);
        self.write(id, ";\n")
    }

    /// The name of a struct, union, enumeration or forward declaration, with its keyword.
    fn tag(&mut self, id: TypeId) -> Rc<str> {
        if let Some(tag) = self.names.given(id) {
            return tag;
        }
        let (keyword, name, complete) = match self.btf.known(id) {
            Type::Struct(composite) => ("struct", composite.name, true),
            Type::Union(composite) => ("union", composite.name, true),
            Type::Enum(enumeration) | Type::Enum64(enumeration) => ("enum", enumeration.name, true),
            Type::Fwd(fwd) => match fwd.kind {
                FwdKind::Struct => ("struct", fwd.name, false),
                FwdKind::Union => ("union", fwd.name, false),
            },
            ty => ("", ty.name(), false),
        };
        self.names.tag(id, keyword, identifier(name), complete)
    }

    /// Writes what stands by itself, with an empty line in front.
    fn write_definition(&mut self, id: TypeId, text: &str) -> Result<(), Error> {
        self.out.push('\n');
        self.write(id, text)?;
        self.out.push_str(";\n");
        Ok(())
    }

    fn write(&mut self, id: TypeId, text: &str) -> Result<(), Error> {
        self.spend(id, text.len())?;
        self.out.push_str(text);
        Ok(())
    }

    /// Counts text that is made, even if it is only a part of what is written in the end.
    fn spend(&mut self, id: TypeId, bytes: usize) -> Result<(), Error> {
        let reason = "the text is much longer than its types";
        self.left = self.left.checked_sub(bytes).ok_or(Error::NotC { id, reason })?;
        Ok(())
    }
}

/// Which types some struct, union or typedef contains or stands for.
fn inner(btf: &Btf) -> Vec<bool> {
    let mut inner = vec![false; index(btf.end_id())];
    let mut put = |id| inner[index(innermost(btf, id).0)] = true;
    for id in (1..btf.end_id()).map(TypeId) {
        match btf.kind_of(id) {
            Some(Kind::Struct | Kind::Union) => {
                let entries = btf.raw(id).into_iter().flat_map(|raw| raw.entries());
                entries.for_each(|entry| put(TypeId(checked_u32(entry, 4))));
            }
            Some(Kind::Typedef) => put(id),
            Some(
                Kind::Int
                | Kind::Ptr
                | Kind::Array
                | Kind::Enum
                | Kind::Fwd
                | Kind::Volatile
                | Kind::Const
                | Kind::Restrict
                | Kind::Func
                | Kind::FuncProto
                | Kind::Var
                | Kind::Datasec
                | Kind::Float
                | Kind::DeclTag
                | Kind::TypeTag
                | Kind::Enum64,
            )
            | None => {}
        }
    }
    inner
}

/// What is behind pointers, arrays, qualifiers and typedefs.
fn innermost(btf: &Btf, mut id: TypeId) -> TypeId {
    while let Some(kind) = btf.kind_of(id) {
        let Some(raw) = btf.raw(id) else { break };
        id = match kind {
            Kind::Ptr
            | Kind::Volatile
            | Kind::Const
            | Kind::Restrict
            | Kind::TypeTag
            | Kind::Typedef => raw.target(),
            Kind::Array => TypeId(raw.tail_word(0)),
            Kind::Int
            | Kind::Struct
            | Kind::Union
            | Kind::Enum
            | Kind::Fwd
            | Kind::Func
            | Kind::FuncProto
            | Kind::Var
            | Kind::Datasec
            | Kind::Float
            | Kind::DeclTag
            | Kind::Enum64 => return id,
        };
    }
    id
}
