//! CO-RE: adapting a program to the types of the machine that it is to run on.

use skep_btf::Btf;
use skep_spec::Code;

use crate::error::{Place, Problem, Result};
use crate::function::Function;
use crate::object::Object;
use crate::program::UnresolvedCore;

/// Types that programs are adapted to.
#[derive(Clone, Copy, Debug)]
pub struct CoreTarget<'a> {
    btf: &'a Btf,
}

impl<'a> CoreTarget<'a> {
    /// The types of a kernel.
    pub fn new(btf: &'a Btf) -> CoreTarget<'a> {
        CoreTarget { btf }
    }

    /// The types.
    pub fn btf(&self) -> &'a Btf {
        self.btf
    }
}

/// Applies a function's CO-RE relocations to its instructions.
pub(crate) fn adapt(
    object: &Object,
    function: &Function,
    code: Code,
    target: Option<&CoreTarget<'_>>,
) -> Result<(Code, Vec<UnresolvedCore>)> {
    let relocations = object.records().relocations(function).len();
    if relocations == 0 {
        return Ok((code, Vec::new()));
    }
    let _ = target;
    Err(Place::program(&function.name).error(Problem::NoTargetBtf { relocations }))
}
