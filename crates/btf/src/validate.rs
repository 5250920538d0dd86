//! What must hold for every type: names, references, sizes, and an end to all nesting.
//!
//! Three passes: each record by itself; the graph of types, which needs none of that; members and variables, whose sizes
//! are only known once nothing contains itself. After that the rest of the crate may follow
//! references without looking, and recursion along them is bounded by [`MAX_DEPTH`].

mod graph;
mod record;
mod sizes;

use std::ops::Range;

use crate::error::{Error, TypeError};
use crate::types::TypeId;
use crate::{Btf, parallel};

/// How deep types of one BTF may be nested, by value or through pointers and signatures, before
/// a struct or union ends it. The kernel stops at 32; C code stays below 20.
pub const MAX_DEPTH: u32 = 64;

/// Checks everything that finding the records did not check already. The types of the base refer
/// to none of this BTF and have been checked.
pub(crate) fn validate(btf: &Btf) -> Result<(), Error> {
    let own = btf.first_id..btf.end_id();
    let (graph, records) = parallel::both(
        own.end - own.start,
        || graph::check(btf),
        || each(own.clone(), |id| record::check(btf, id)),
    );
    records?;
    graph?;
    let [first, second] = parallel::halves(own, |half| each(half, |id| sizes::check(btf, id)));
    first.and(second)
}

/// Checks each of these types, up to the first that is wrong.
fn each(ids: Range<u32>, check: impl Fn(TypeId) -> Result<(), TypeError>) -> Result<(), Error> {
    ids.map(TypeId).try_for_each(|id| check(id).map_err(|reason| Error::Type { id, reason }))
}
