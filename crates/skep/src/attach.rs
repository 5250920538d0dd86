//! What a tracing program is attached to, as a type of the kernel.
//!
//! The kernel wants to know it when such a program is loaded (`attach_btf_id`): the context is made
//! of the arguments of that function. Section names say it by name, and what that name is called
//! in the kernel's BTF depends on the hook, as in libbpf.

use skep_btf::{Btf, Kind, TypeId};
use skep_object::ProgramKind;
use skep_spec::abi::AttachType;

use crate::error::{Error, Result};

/// The type that stands for what a program is attached to; `None` for programs that need none, and
/// where the section's name does not say.
///
/// # Errors
///
/// [`Error::NoTarget`] if the section names something that the kernel does not have.
pub fn target_type(kind: &ProgramKind, kernel: &Btf) -> Result<Option<TypeId>> {
    let (Some(attach_type), Some(target)) = (kind.attach_type, &kind.target) else {
        return Ok(None);
    };
    let Some((_, type_kind, prefix)) = NAMES.iter().find(|(hook, ..)| *hook == attach_type) else {
        return Ok(None);
    };
    let name = format!("{prefix}{target}");
    match kernel.find_by_name(&name, *type_kind) {
        Some(id) => Ok(Some(id)),
        None => Err(Error::NoTarget { target: target.clone(), name }),
    }
}

/// Kind and prefix of the types that stand for the targets of a hook. Other hooks have none.
const NAMES: &[(AttachType, Kind, &str)] = &[
    (AttachType::TraceRawTp, Kind::Typedef, "btf_trace_"),
    (AttachType::TraceFentry, Kind::Func, ""),
    (AttachType::TraceFexit, Kind::Func, ""),
    (AttachType::ModifyReturn, Kind::Func, ""),
    (AttachType::TraceIter, Kind::Func, "bpf_iter_"),
    (AttachType::LsmMac, Kind::Func, "bpf_lsm_"),
    (AttachType::LsmCgroup, Kind::Func, "bpf_lsm_"),
];
