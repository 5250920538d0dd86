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

use std::collections::{HashMap, HashSet};

use crate::bytes::index;
use crate::error::Error;
use crate::types::{FwdKind, Type, TypeId};
use crate::{Btf, Kind};
use layout::Layout;
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
    for (id, ty) in btf.own_types() {
        writer.top_level(id, &ty)?;
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
    names: Names,
    /// What has been required of each type: its name, all of it.
    required: Vec<[bool; 2]>,
    /// `struct x` that have been declared or defined.
    declared: HashSet<String>,
    layouts: HashMap<TypeId, Layout>,
    /// Anonymous enumerations whose values have been defined.
    values_written: HashSet<TypeId>,
    /// Anonymous enumerations that stand inside another type.
    inner_enums: HashSet<TypeId>,
    depth: u32,
    /// Bytes that may still be written.
    left: usize,
}

impl<'a> Writer<'a> {
    fn new(btf: &'a Btf) -> Self {
        let size = btf.records.len() + index(btf.names.len());
        Self {
            btf,
            out: HEAD.to_owned(),
            names: Names::default(),
            required: vec![[false; 2]; index(btf.end_id())],
            declared: HashSet::new(),
            layouts: HashMap::new(),
            values_written: HashSet::new(),
            inner_enums: inner_enums(btf),
            depth: 0,
            left: size.saturating_mul(TEXT_PER_BYTE).max(TEXT_AT_LEAST),
        }
    }

    /// Writes a type that stands by itself, unless something required it already.
    fn top_level(&mut self, id: TypeId, ty: &Type<'_>) -> Result<(), Error> {
        match ty {
            Type::Struct(composite) | Type::Union(composite) if composite.name.is_empty() => Ok(()),
            Type::Enum(enumeration) | Type::Enum64(enumeration)
                if enumeration.name.is_empty() && !self.inner_enums.contains(&id) =>
            {
                let text = self.enumeration(id, enumeration)?;
                self.write(id, &format!("\n{text};\n"))
            }
            Type::Struct(_)
            | Type::Union(_)
            | Type::Enum(_)
            | Type::Enum64(_)
            | Type::Fwd(_)
            | Type::Typedef(_) => self.require(id, Need::Complete),
            Type::Void
            | Type::Int(_)
            | Type::Ptr(_)
            | Type::Array(_)
            | Type::Volatile(_)
            | Type::Const(_)
            | Type::Restrict(_)
            | Type::Func(_)
            | Type::FuncProto(_)
            | Type::Var(_)
            | Type::Datasec(_)
            | Type::Float(_)
            | Type::DeclTag(_)
            | Type::TypeTag(_) => Ok(()),
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
                for member in composite.members {
                    self.require(member.ty, Need::Complete)?;
                }
                if composite.name.is_empty() {
                    return Ok(());
                }
                let text = self.composite(id, &composite, 0)?;
                let tag = self.tag(id);
                self.declared.insert(tag);
                self.write(id, &format!("\n{text};\n"))
            }
            Type::Fwd(_) => self.declare(id),
            Type::Enum(enumeration) | Type::Enum64(enumeration) => {
                let tag = self.tag(id);
                let skip = enumeration.name.is_empty() || enumeration.variants.is_empty();
                if skip || !self.declared.insert(tag) {
                    return Ok(());
                }
                let text = self.enumeration(id, &enumeration)?;
                self.write(id, &format!("\n{text};\n"))
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
        self.write(id, &format!("\n{tag};\n"))
    }

    fn define_typedef(&mut self, id: TypeId, name: &str, target: TypeId) -> Result<(), Error> {
        self.require(target, Need::Name)?;
        if name == BUILTIN || self.names.is_known(id) {
            return Ok(());
        }
        let name = self.names.ordinary(id, name);
        let text = self.declaration(target, &name, 0)?;
        self.write(id, &format!("\ntypedef {text};\n"))
    }

    /// The name of a struct, union, enumeration or forward declaration, with its keyword.
    fn tag(&mut self, id: TypeId) -> String {
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
        format!("{keyword} {}", self.names.tag(id, keyword, &identifier(name), complete))
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

/// The anonymous enumerations that some struct, union or typedef contains or stands for.
fn inner_enums(btf: &Btf) -> HashSet<TypeId> {
    let mut inner = HashSet::new();
    for (_, ty) in btf.types() {
        match ty {
            Type::Struct(composite) | Type::Union(composite) => {
                inner.extend(composite.members.iter().map(|member| innermost(btf, member.ty)));
            }
            Type::Typedef(typedef) => {
                inner.insert(innermost(btf, typedef.ty));
            }
            Type::Void
            | Type::Int(_)
            | Type::Ptr(_)
            | Type::Array(_)
            | Type::Enum(_)
            | Type::Fwd(_)
            | Type::Volatile(_)
            | Type::Const(_)
            | Type::Restrict(_)
            | Type::Func(_)
            | Type::FuncProto(_)
            | Type::Var(_)
            | Type::Datasec(_)
            | Type::Float(_)
            | Type::DeclTag(_)
            | Type::TypeTag(_)
            | Type::Enum64(_) => {}
        }
    }
    inner
}

/// What is behind pointers, arrays and qualifiers.
fn innermost(btf: &Btf, mut id: TypeId) -> TypeId {
    while let Some(raw) = btf.raw(id) {
        id = match raw.kind {
            Kind::Ptr | Kind::Volatile | Kind::Const | Kind::Restrict | Kind::TypeTag => {
                raw.target()
            }
            Kind::Array => TypeId(raw.tail_word(0)),
            Kind::Int
            | Kind::Struct
            | Kind::Union
            | Kind::Enum
            | Kind::Fwd
            | Kind::Typedef
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
