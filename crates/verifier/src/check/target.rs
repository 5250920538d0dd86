//! The function of the kernel that a program attaches to.

use skep_btf::{Btf, Type, TypeId};

use crate::explore::Walk;
use crate::input::Target;
use crate::rejection::{Check, unsupported};

/// The prefix of the type of a tracepoint that takes typed arguments.
const TRACEPOINT: &str = "btf_trace_";

/// What a program attaches to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct TargetFunction {
    /// Its name.
    pub(super) name: String,
    /// Whether it returns nothing.
    pub(super) is_void: bool,
}

impl Walk<'_> {
    /// The function that the program attaches to.
    pub(super) fn target_function(&self) -> Check<TargetFunction> {
        let Some(btf) = self.environment.kernel_btf() else {
            return unsupported("attach targets without the kernel's types");
        };
        let found = match self.input.target {
            Some(Target::Kernel(id)) => describe(btf, id),
            Some(Target::KernelName(name)) => btf
                .named(name)
                .chain(btf.named(&format!("{TRACEPOINT}{name}")))
                .find_map(|id| describe(btf, id)),
            Some(Target::Program(_)) => {
                return unsupported("functions of other programs as targets");
            }
            None => None,
        };
        match found {
            Some(target) => Ok(target),
            None => unsupported("programs of this type without an attach target"),
        }
    }
}

fn describe(btf: &Btf, id: TypeId) -> Option<TargetFunction> {
    let named = btf.ty(id).ok()?;
    let proto = match named {
        Type::Func(func) => btf.signature(func.proto)?,
        Type::Typedef(typedef) => btf.signature(typedef.ty)?,
        _ => return None,
    };
    Some(TargetFunction { name: named.name().into(), is_void: proto.ret.is_void() })
}
