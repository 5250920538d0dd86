//! BPF Type Format: the types that a BPF object, or the kernel, carries about itself.
//!
//! [`Btf::parse`] takes bytes from anyone and either returns a value whose every reference,
//! offset and size has been checked, or an [`Error`] that names the type and the reason. All
//! else in this crate reads such a value and cannot fail on its bytes any more:
//!
//! | question | answer |
//! |---|---|
//! | what is type 7? | [`Btf::ty`], a [`Type`] |
//! | where is `struct iphdr`? | [`Btf::find_by_name`] |
//! | how large is it, and what is behind the typedef? | [`Btf::size_of`], [`Btf::resolve`] |
//! | what does it say in these bytes? | [`decode_value`], a [`Value`] |
//! | could it be printed? | [`dump`]: as `bpftool` lists it, as JSON, as C |
//! | is it the type that a program means? | [`compare`] |
//! | which source line made this instruction? | [`Ext`], the `.BTF.ext` section |
//!
//! [`BtfBuilder`] makes BTF, also out of several, [`dedup`] has each type there once, [`Minimal`]
//! keeps the few types that a program looks at, and [`Edit`] corrects what compilers leave to the
//! loader.
//!
//! ```
//! use skep_btf::{Btf, Error};
//!
//! assert_eq!(Btf::parse(&[0xeb, 0x9f, 1, 0]).unwrap_err(), Error::BigEndian);
//! ```
#![forbid(unsafe_code)]

mod btf;
mod builder;
mod bytes;
pub mod compare;
pub mod dedup;
pub mod dump;
mod edit;
mod error;
pub mod ext;
mod format;
#[doc(hidden)]
pub mod fuzz;
mod id_map;
mod index;
mod list;
mod minimal;
mod names;
mod parallel;
mod parse;
mod query;
mod raw;
mod references;
mod types;
mod validate;
mod value;

pub use btf::Btf;
pub use builder::BtfBuilder;
pub use edit::Edit;
pub use error::{Error, ExtError, Role, TypeError};
pub use ext::Ext;
pub use format::Kind;
pub use id_map::IdMap;
pub use list::{Item, Iter, List};
pub use minimal::Minimal;
pub use names::MAX_NAME;
pub use query::POINTER_SIZE;
pub use types::{
    Array, Composite, Datasec, DatasecVar, DeclTag, Enum, Float, Func, FuncLinkage, FuncProto, Fwd,
    FwdKind, Int, IntEncoding, Member, Param, Type, TypeId, TypeTag, Typedef, Var, VarLinkage,
    Variant,
};
pub use validate::MAX_DEPTH;
pub use value::{Value, decode_value};
