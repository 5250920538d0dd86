//! Contexts that are arguments of a function of the kernel, by its types.

use skep_btf::{Btf, FuncProto, Type};
use skep_spec::abi::{AttachType, ProgType};

use super::kernel::NoTypes;
use super::kernel_walk::{Tag, tag_of};
use super::{Access, Transfer, bytes};
use crate::explore::Walk;
use crate::input::Target;
use crate::rejection::{Check, Direction, Reason, unsupported};
use crate::state::register::Trust;
use crate::state::{Kind, Register};

/// The prefix of the type of a tracepoint that takes typed arguments. Its first parameter is the
/// program's own.
const TRACEPOINT: &str = "btf_trace_";

/// Bytes of an argument.
const ARGUMENT: u32 = 8;

/// The suffix of the name of a parameter that may be null.
const NULLABLE: &str = "__nullable";

impl Walk<'_> {
    /// A load of an argument, or of what the function has returned.
    pub(super) fn access_typed_context(
        &mut self,
        offset: u32,
        access: &Access,
        transfer: Transfer,
    ) -> Check<Register> {
        let size = bytes(access.size);
        let off = access.off;
        let denied = || Err(Reason::Context { off, size }.into());
        if self.input.prog_type == ProgType::StructOps {
            return unsupported("struct_ops programs");
        }
        if transfer.direction() == Direction::Write || !offset.is_multiple_of(size) {
            return denied();
        }
        let btf = self.environment.kernel_btf().ok_or(NoTypes)?;
        let Some((proto, skipped)) = self.proto(btf)? else {
            return unsupported("programs of this type without an attach target");
        };
        if !offset.is_multiple_of(ARGUMENT) {
            return denied();
        }
        let number = offset / ARGUMENT;
        let parameters = proto.params.len() - skipped;
        let Ok(wanted) = usize::try_from(number) else { return denied() };
        let ty = match proto.params.get(wanted + skipped) {
            Some(parameter) => {
                if self.input.attach_type == Some(AttachType::TraceIter)
                    || self.input.attach_type == Some(AttachType::TraceRawTp)
                {
                    let number =
                        matches!(btf.resolve(parameter.ty), Ok((_, Type::Int(_) | Type::Enum(_))));
                    if !number {
                        return unsupported("arguments of iterators and typed tracepoints");
                    }
                }
                parameter
            }
            None if wanted == parameters => return self.result_of(btf, &proto, off, size),
            None => return denied(),
        };
        let target = match btf.resolve(ty.ty) {
            Ok((_, Type::Int(int))) if int.size <= ARGUMENT => return Ok(Register::UNKNOWN),
            Ok((_, Type::Enum(_) | Type::Struct(_) | Type::Union(_))) => {
                return Ok(Register::UNKNOWN);
            }
            Ok((_, Type::Ptr(target))) => target,
            Ok(_) | Err(_) => return denied(),
        };
        if size != ARGUMENT {
            return denied();
        }
        let nullable = ty.name.ends_with(NULLABLE);
        let (type_id, trust) = match btf.resolve(target) {
            Ok((id, Type::Struct(_) | Type::Union(_))) => (id, self.trust_in_arguments()),
            Ok((_, Type::Void | Type::Int(_))) => return Ok(Register::UNKNOWN),
            Ok(_) | Err(_) => return denied(),
        };
        let tag = tag_of(btf, target);
        let trust = if tag == Tag::User { Trust::User } else { trust };
        let kind = Kind::Kernel { type_id, trust, percpu: tag == Tag::Percpu };
        let id = if nullable { Some(self.fresh_id()) } else { None };
        Ok(Register { nullable, id, ..Register::pointer(kind) })
    }

    /// How far arguments can be trusted: hooks for security and typed tracepoints are called by
    /// those who hold them.
    fn trust_in_arguments(&self) -> Trust {
        match (self.input.prog_type, self.input.attach_type) {
            (ProgType::Lsm, _) | (ProgType::Tracing, Some(AttachType::TraceRawTp)) => {
                Trust::Trusted
            }
            _ => Trust::Plain,
        }
    }

    /// What the function that the program runs after has returned.
    fn result_of(&self, btf: &Btf, proto: &FuncProto<'_>, off: i32, size: u32) -> Check<Register> {
        let seen = matches!(
            self.input.attach_type,
            Some(
                AttachType::LsmMac
                    | AttachType::LsmCgroup
                    | AttachType::TraceFexit
                    | AttachType::ModifyReturn
            )
        );
        match btf.resolve(proto.ret) {
            Ok((_, Type::Int(_) | Type::Enum(_))) if seen => Ok(Register::UNKNOWN),
            Ok((_, Type::Ptr(_))) if seen => unsupported("pointers that a function has returned"),
            Ok(_) | Err(_) => Err(Reason::Context { off, size }.into()),
        }
    }

    /// The signature of what the program attaches to, and how many of its parameters are no
    /// arguments.
    fn proto<'b>(&self, btf: &'b Btf) -> Check<Option<(FuncProto<'b>, usize)>> {
        let describe = |id| match btf.ty(id) {
            Ok(Type::Func(func)) => btf.signature(func.proto).map(|proto| (proto, 0)),
            Ok(Type::Typedef(typedef)) => btf.signature(typedef.ty).map(|proto| (proto, 1)),
            Ok(_) | Err(_) => None,
        };
        match self.input.target {
            Some(Target::Kernel(id)) => Ok(describe(id)),
            Some(Target::KernelName(name)) => {
                let typed = self.input.attach_type == Some(AttachType::TraceRawTp);
                let full = if typed { format!("{TRACEPOINT}{name}") } else { name.to_owned() };
                Ok(btf.named(&full).find_map(describe))
            }
            Some(Target::Program(_)) => unsupported("functions of other programs as targets"),
            None => Ok(None),
        }
    }
}
