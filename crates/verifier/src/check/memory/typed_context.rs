//! Contexts that are arguments of a function of the kernel, by its types.

use skep_btf::{Btf, FuncProto, Type, TypeId};
use skep_spec::abi::argument::{self, Pointer, Visited};
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

/// The prefix of the functions that stand for iterators.
const ITERATOR: &str = "bpf_iter_";

/// What a program attaches to.
struct Described<'a> {
    name: &'a str,
    proto: FuncProto<'a>,
    /// How many of its parameters are no arguments.
    skipped: usize,
}

/// What is known of an argument that is a pointer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Passed {
    Object { trust: Trust, nullable: bool },
    Buffer { read_only: bool },
    Number,
}

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
        if transfer.direction() == Direction::Write || !offset.is_multiple_of(size) {
            return denied();
        }
        let btf = self.environment.kernel_btf().ok_or(NoTypes)?;
        let Some(target) = self.described_target(btf)? else {
            return unsupported("programs of this type without an attach target");
        };
        if !offset.is_multiple_of(ARGUMENT) {
            return denied();
        }
        let Ok(number) = usize::try_from(offset / ARGUMENT) else { return denied() };
        let parameters = target.proto.params.len() - target.skipped;
        let found = match target.proto.params.get(number + target.skipped) {
            Some(parameter) => {
                let passed = self.passed(&target, number, parameter.name)?;
                self.typed_argument(btf, parameter.ty, passed, size)
            }
            None if number == parameters => self.result_of(btf, target.proto.ret, size),
            None => None,
        };
        found.map_or_else(denied, Ok)
    }

    /// What is known of an argument besides its type, if it is a pointer.
    fn passed(&self, target: &Described<'_>, number: usize, name: &str) -> Check<Passed> {
        let object = Passed::Object { trust: self.trust_in_arguments(target), nullable: false };
        let nullable = |trust| Passed::Object { trust, nullable: true };
        let trusted = nullable(self.trust_in_arguments(target));
        match self.input.attach_type {
            Some(AttachType::TraceIter) => {
                let iterator = target.name.strip_prefix(ITERATOR).unwrap_or_default();
                match argument::of_iterator(iterator, number) {
                    Some(Visited::Given) => Ok(object),
                    Some(Visited::Held) => Ok(trusted),
                    Some(Visited::Plain) => Ok(nullable(Trust::Plain)),
                    Some(Visited::Buffer { read_only }) => Ok(Passed::Buffer { read_only }),
                    None => unsupported("iterators that Linux 6.18 does not have"),
                }
            }
            Some(AttachType::TraceRawTp) => {
                let tracepoint = target.name.strip_prefix(TRACEPOINT).unwrap_or_default();
                Ok(match argument::of_tracepoint(tracepoint, number) {
                    Pointer::Valid if !name.ends_with(NULLABLE) => object,
                    Pointer::Valid | Pointer::Nullable => trusted,
                    Pointer::Error => Passed::Number,
                })
            }
            Some(_) | None => Ok(if name.ends_with(NULLABLE) { trusted } else { object }),
        }
    }

    /// An argument, or a result, of a type; `None` if it cannot be looked at.
    ///
    /// Sound: numbers are any numbers. Of pointers to objects, only what is vouched for is taken
    /// for alive, and what may be null is compared first.
    fn typed_argument(
        &mut self,
        btf: &Btf,
        ty: TypeId,
        passed: Passed,
        size: u32,
    ) -> Option<Register> {
        let target = match btf.resolve(ty) {
            Ok((_, Type::Int(int))) if int.size <= ARGUMENT => return Some(Register::UNKNOWN),
            Ok((_, Type::Enum(_) | Type::Enum64(_) | Type::Struct(_) | Type::Union(_))) => {
                return Some(Register::UNKNOWN);
            }
            Ok((_, Type::Ptr(target))) => target,
            Ok(_) | Err(_) => return None,
        };
        if size != ARGUMENT {
            return None;
        }
        if let Passed::Buffer { read_only } = passed {
            let id = Some(self.fresh_id());
            let buffer = Register::pointer(Kind::Buffer { read_only });
            return Some(Register { nullable: true, id, ..buffer });
        }
        let type_id = match btf.resolve(target) {
            Ok((id, Type::Struct(_) | Type::Union(_))) => id,
            Ok((_, Type::Void | Type::Int(_))) => return Some(Register::UNKNOWN),
            Ok(_) | Err(_) => return None,
        };
        let Passed::Object { trust, nullable } = passed else { return Some(Register::UNKNOWN) };
        let tag = tag_of(btf, target);
        let trust = if tag == Tag::User { Trust::User } else { trust };
        let kind = Kind::Kernel { type_id, trust, percpu: tag == Tag::Percpu };
        let id = if nullable { Some(self.fresh_id()) } else { None };
        Some(Register { nullable, id, ..Register::pointer(kind) })
    }

    /// How far arguments can be trusted: hooks for security, typed tracepoints and iterators are
    /// called by those who hold them.
    fn trust_in_arguments(&self, target: &Described<'_>) -> Trust {
        let trusted = match (self.input.prog_type, self.input.attach_type) {
            (ProgType::Lsm, _) => !argument::UNTRUSTED_HOOKS.contains(&target.name),
            (ProgType::Tracing, hook) => {
                matches!(hook, Some(AttachType::TraceRawTp | AttachType::TraceIter))
            }
            _ => false,
        };
        if trusted { Trust::Trusted } else { Trust::Plain }
    }

    /// What the function that the program runs after has returned; `None` if it is not to be seen.
    fn result_of(&mut self, btf: &Btf, ty: TypeId, size: u32) -> Option<Register> {
        match self.input.attach_type {
            Some(AttachType::LsmMac | AttachType::LsmCgroup | AttachType::TraceFexit) => {
                let passed = Passed::Object { trust: Trust::Plain, nullable: false };
                self.typed_argument(btf, ty, passed, size)
            }
            Some(AttachType::ModifyReturn) => match btf.resolve(ty) {
                Ok((_, Type::Int(_))) => Some(Register::UNKNOWN),
                Ok(_) | Err(_) => None,
            },
            Some(_) | None => None,
        }
    }

    /// What the program attaches to.
    fn described_target<'b>(&self, btf: &'b Btf) -> Check<Option<Described<'b>>> {
        let describe = |id| match btf.ty(id) {
            Ok(Type::Func(func)) => {
                let proto = btf.signature(func.proto)?;
                Some(Described { name: func.name, proto, skipped: 0 })
            }
            Ok(Type::Typedef(typedef)) => {
                let proto = btf.signature(typedef.ty)?;
                let skipped = usize::from(!proto.params.is_empty());
                Some(Described { name: typedef.name, proto, skipped })
            }
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
