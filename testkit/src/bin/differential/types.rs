//! The types of the functions of all programs: what callbacks and tail calls from functions take.

use skep_btf::{Btf, BtfBuilder, FuncLinkage, IntEncoding, Param, TypeId};

/// The number of the first function's type: after those of a number and of a signature.
const FIRST: u32 = 3;

/// The functions that have a type; no program has more.
const FUNCTIONS: u32 = 6;

/// The types: the first function's, and then those of others, which are static.
pub(crate) fn build() -> Result<(Btf, Vec<u8>), String> {
    let mut builder = BtfBuilder::new();
    let int = builder.int("int", 4, IntEncoding::Signed);
    let proto = builder.func_proto(int, &[Param { name: "context", ty: int }]);
    for number in 0..FUNCTIONS {
        let linkage = if number == 0 { FuncLinkage::Global } else { FuncLinkage::Static };
        builder.func(&format!("function{number}"), proto, linkage);
    }
    let bytes = builder.to_bytes().map_err(|error| error.to_string())?;
    Ok((builder.build().map_err(|error| error.to_string())?, bytes))
}

/// The types of a program's functions, in order.
pub(crate) fn ids() -> impl Iterator<Item = TypeId> {
    (FIRST..FIRST + FUNCTIONS).map(TypeId)
}
