//! What must hold for every type: names, references, sizes, and an end to all nesting.
//!
//! Three passes: each record by itself; the graph of types; members and variables, whose sizes
//! are only known once nothing contains itself. After that the rest of the crate may follow
//! references without looking, and recursion along them is bounded by [`MAX_DEPTH`].

mod graph;
mod record;
mod sizes;

use crate::Btf;
use crate::error::Error;
use crate::types::TypeId;

/// How deep types of one BTF may be nested, by value or through pointers and signatures, before
/// a struct or union ends it. The kernel stops at 32; C code stays below 20.
pub const MAX_DEPTH: u32 = 64;

/// Checks everything that finding the records did not check already. The types of the base refer
/// to none of this BTF and have been checked.
pub(crate) fn validate(btf: &Btf) -> Result<(), Error> {
    let own = || (btf.first_id..btf.end_id()).map(TypeId);
    for id in own() {
        record::check(btf, id).map_err(|reason| Error::Type { id, reason })?;
    }
    graph::check(btf)?;
    for id in own() {
        sizes::check(btf, id).map_err(|reason| Error::Type { id, reason })?;
    }
    Ok(())
}
