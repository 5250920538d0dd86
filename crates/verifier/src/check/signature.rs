//! What a global function may be called with, by its BTF.

use skep_btf::{Btf, Kind as BtfKind, Type, TypeId};
use skep_spec::abi::{AttachType, ProgType, context};

use super::subprog::ARGUMENTS;
use crate::environment::Environment;
use crate::input::Input;
use crate::rejection::{Check, unsupported};

/// The type of the context of probes, as the kernel shows it.
const USER_REGISTERS: &str = "bpf_user_pt_regs_t";

/// What a parameter admits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Parameter {
    /// Any number.
    Number,
    /// The context.
    Context,
    /// Memory of the type's size.
    Memory {
        /// How many bytes.
        size: u32,
        /// Whether it may be null.
        nullable: bool,
    },
    /// An object of the kernel that is alive.
    Kernel {
        /// Its type in the kernel's BTF.
        type_id: TypeId,
        /// Whether it may be null.
        nullable: bool,
    },
    /// Any address at all, which is only read, and with care.
    Untrusted {
        /// The type of the object there in the kernel's BTF; none if it is a number.
        type_id: Option<TypeId>,
    },
}

/// The parameters of a function.
pub(super) type Signature = Vec<Parameter>;

/// The tags that a parameter can have (`__arg_ctx` and the like), as decoded from `arg:…`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Tags {
    context: bool,
    trusted: bool,
    untrusted: bool,
    nonnull: bool,
    nullable: bool,
    arena: bool,
}

impl Tags {
    const NONE: Tags = Tags {
        context: false,
        trusted: false,
        untrusted: false,
        nonnull: false,
        nullable: false,
        arena: false,
    };
}

/// Reads the signature of the function with a type; `None` if it is none that a global function may
/// have.
pub(super) fn read(
    input: &Input<'_>,
    environment: &dyn Environment,
    btf: &Btf,
    function: TypeId,
) -> Check<Option<Signature>> {
    let Some(proto) = btf.signature(function) else { return Ok(None) };
    if proto.params.len() > ARGUMENTS.len() || !is_number(btf, proto.ret) {
        return Ok(None);
    }
    let mut signature = Signature::new();
    for (number, param) in proto.params.iter().enumerate() {
        let Some(tags) = tags(btf, function, number) else { return Ok(None) };
        let reader = Reader { input, environment, btf, tags };
        match reader.parameter(param.ty)? {
            Some(parameter) => signature.push(parameter),
            None => return Ok(None),
        }
    }
    Ok(Some(signature))
}

/// The tags of a parameter; `None` if one is not known.
fn tags(btf: &Btf, function: TypeId, number: usize) -> Option<Tags> {
    let mut tags = Tags::NONE;
    let here =
        |component: Option<u32>| component.is_some_and(|at| usize::try_from(at) == Ok(number));
    for (_, tag) in btf.decl_tags(function).filter(|(_, tag)| here(tag.component)) {
        let Some(name) = tag.name.strip_prefix("arg:") else { continue };
        let set = match name {
            "ctx" => &mut tags.context,
            "trusted" => &mut tags.trusted,
            "untrusted" => &mut tags.untrusted,
            "nonnull" => &mut tags.nonnull,
            "nullable" => &mut tags.nullable,
            "arena" => &mut tags.arena,
            _ => return None,
        };
        *set = true;
    }
    Some(tags)
}

fn is_number(btf: &Btf, id: TypeId) -> bool {
    matches!(btf.resolve(id), Ok((_, Type::Int(_) | Type::Enum(_) | Type::Enum64(_))))
}

/// What reads a parameter.
struct Reader<'a> {
    input: &'a Input<'a>,
    environment: &'a dyn Environment,
    btf: &'a Btf,
    tags: Tags,
}

impl Reader<'_> {
    fn parameter(&self, id: TypeId) -> Check<Option<Parameter>> {
        let tags = self.tags;
        let Some(pointee) = self.btf.pointee(id) else {
            let plain = tags == Tags::NONE && is_number(self.btf, id);
            return Ok(plain.then_some(Parameter::Number));
        };
        if tags.context || self.is_context(pointee) {
            let only = Tags { context: false, ..tags } == Tags::NONE;
            let valid = !tags.context || self.is_valid_context(pointee);
            return Ok((only && valid).then_some(Parameter::Context));
        }
        if self.is_dynptr(pointee) {
            return unsupported("dynptrs as arguments of global functions");
        }
        if tags.trusted {
            if tags.nonnull {
                return Ok(None);
            }
            let type_id = self.kernel_type(pointee)?;
            return Ok(
                type_id.map(|type_id| Parameter::Kernel { type_id, nullable: tags.nullable })
            );
        }
        if tags.untrusted {
            return self.untrusted(pointee);
        }
        if tags.arena {
            return unsupported("arenas");
        }
        if tags.nullable {
            return Ok(None);
        }
        let size = self.btf.size_of(pointee).ok();
        Ok(size.map(|size| Parameter::Memory { size, nullable: !tags.nonnull }))
    }

    fn untrusted(&self, pointee: TypeId) -> Check<Option<Parameter>> {
        if (Tags { untrusted: false, ..self.tags }) != Tags::NONE {
            return Ok(None);
        }
        if pointee.is_void()
            || matches!(
                self.btf.resolve(pointee),
                Ok((
                    _,
                    Type::Void | Type::Int(_) | Type::Enum(_) | Type::Enum64(_) | Type::Float(_)
                ))
            )
        {
            return Ok(Some(Parameter::Untrusted { type_id: None }));
        }
        let found = self.kernel_type(pointee)?;
        let kernel = self.environment.kernel_btf();
        let is_struct = |id: &TypeId| {
            let kind = kernel.and_then(|btf| btf.kind_of(*id));
            matches!(kind, Some(BtfKind::Struct | BtfKind::Union))
        };
        let found = found.filter(is_struct);
        Ok(found.map(|type_id| Parameter::Untrusted { type_id: Some(type_id) }))
    }

    /// The one type of the kernel that has the name and kind of a type of the program.
    fn kernel_type(&self, id: TypeId) -> Check<Option<TypeId>> {
        let Some(kernel) = self.environment.kernel_btf() else {
            return unsupported("arguments of the kernel's types without its BTF");
        };
        let Ok((_, local)) = self.btf.resolve(id) else { return Ok(None) };
        let name = essential(local.name());
        let mut found = kernel
            .named(name)
            .filter(|id| kernel.kind_of(*id) == local.kind() && kernel.first_id() <= *id);
        let first = found.next();
        Ok(if found.next().is_some() { None } else { first })
    }

    fn is_dynptr(&self, pointee: TypeId) -> bool {
        match self.btf.resolve(pointee) {
            Ok((_, ty @ (Type::Struct(_) | Type::Union(_) | Type::Fwd(_)))) => {
                ty.name() == "bpf_dynptr"
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// Whether it is the context's type by its name.
    fn is_context(&self, pointee: TypeId) -> bool {
        let prog_type = self.input.prog_type;
        if prog_type == ProgType::Kprobe && self.is_user_registers(pointee) {
            return true;
        }
        let Ok((_, Type::Struct(found) | Type::Union(found))) = self.btf.resolve(pointee) else {
            return false;
        };
        match (context_name(prog_type), found.name) {
            (Some("__sk_buff"), "sk_buff") | (Some("xdp_md"), "xdp_buff") => true,
            // The kernel's name for it, though that is no struct there.
            (_, USER_REGISTERS) if prog_type == ProgType::Kprobe => true,
            (Some(expected), found) => expected == found,
            (None, _) => false,
        }
    }

    /// Whether a parameter that is tagged to be the context can be.
    fn is_valid_context(&self, pointee: TypeId) -> bool {
        let prog_type = self.input.prog_type;
        let with_registers = matches!(prog_type, ProgType::Kprobe | ProgType::PerfEvent);
        if with_registers && self.is_user_registers(pointee) {
            return true;
        }
        let Ok((_, ty)) = self.btf.resolve(pointee) else { return false };
        let structure = match ty {
            Type::Void => return true,
            Type::Struct(found) => Some(found.name),
            _ => None,
        };
        if ty.name().is_empty() {
            return false;
        }
        let word = matches!(ty, Type::Int(int) if int.size == 8);
        let special = if with_registers {
            structure == Some("pt_regs")
        } else if prog_type == ProgType::Tracing {
            self.is_tracing_context(structure, word)
        } else if matches!(prog_type, ProgType::Tracepoint | ProgType::Syscall | ProgType::Ext) {
            true
        } else {
            takes_words(prog_type) && word
        };
        special || structure.is_some() && structure == context_name(prog_type)
    }

    /// The same of tracing programs: words, or what the hook has named structs for.
    fn is_tracing_context(&self, structure: Option<&str>, word: bool) -> bool {
        match self.input.attach_type {
            Some(AttachType::TraceRawTp) => word || structure == Some("bpf_raw_tracepoint_args"),
            Some(AttachType::TraceIter) => {
                structure.is_some_and(|name| name.starts_with("bpf_iter__"))
            }
            Some(AttachType::TraceFentry | AttachType::TraceFexit | AttachType::ModifyReturn) => {
                word
            }
            Some(_) | None => false,
        }
    }

    /// Whether it is the typedef `bpf_user_pt_regs_t`.
    fn is_user_registers(&self, pointee: TypeId) -> bool {
        match self.btf.unqualified(pointee) {
            Ok((_, Type::Typedef(typedef))) => typedef.name == USER_REGISTERS,
            Ok(_) | Err(_) => false,
        }
    }
}

/// Whether the context is an array of words.
fn takes_words(prog_type: ProgType) -> bool {
    use ProgType::{Lsm, RawTracepoint, RawTracepointWritable, StructOps};
    matches!(prog_type, RawTracepoint | RawTracepointWritable | Lsm | StructOps)
}

/// The name of the struct of the context.
fn context_name(prog_type: ProgType) -> Option<&'static str> {
    if prog_type == ProgType::LircMode2 {
        // The kernel has no entry for them, and finds the first one.
        return Some("__sk_buff");
    }
    context::of(prog_type).as_struct().map(|fields| fields.layout.name)
}

/// A name without its flavour, `___` and what follows.
fn essential(name: &str) -> &str {
    match name.rfind("___") {
        Some(at) if at > 0 => &name[..at],
        Some(_) | None => name,
    }
}
