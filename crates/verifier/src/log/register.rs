//! Registers as the kernel prints them.

use std::fmt;

use skep_spec::abi::context::objects::Object;

use crate::domain::display::{Attributes, Signed, Unsigned};
use crate::environment::Environment;
use crate::maps::Maps;
use crate::state::register::{Kind, MemoryKind, PacketRange, Register, Trust};

/// What the text of registers refers to by number.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    /// The maps.
    pub(crate) maps: &'a Maps,
    /// Who has the kernel's types.
    pub(crate) environment: &'a dyn Environment,
}

/// Displays what a register holds, without its numbers: `map_value_or_null`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KindName(pub(crate) Register);

impl fmt::Display for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let null = if self.0.nullable { "_or_null" } else { "" };
        let name = match self.0.kind {
            Kind::Uninit => "?",
            Kind::Scalar => "scalar",
            Kind::Context => "ctx",
            Kind::Stack { .. } => "fp",
            Kind::Map { .. } => "map_ptr",
            Kind::MapKey { .. } => "map_key",
            Kind::MapValue { .. } => "map_value",
            Kind::Packet { .. } => "pkt",
            Kind::PacketMeta { .. } => "pkt_meta",
            Kind::PacketEnd => "pkt_end",
            Kind::Object(object) => object_name(object),
            Kind::FlowKeys => "flow_keys",
            Kind::Memory { access, .. } => match access {
                MemoryKind::Plain => "mem",
                MemoryKind::ReadOnly => "rdonly_mem",
                MemoryKind::Untrusted => "rdonly_untrusted_mem",
                MemoryKind::Ringbuf => "ringbuf_mem",
            },
            Kind::Buffer { read_only: true } => "rdonly_buf",
            Kind::Buffer { read_only: false } => "buf",
            Kind::TracepointBuffer => "tp_buffer",
            Kind::Kernel { trust, percpu, .. } => {
                let user = if trust == Trust::User { "user_" } else { "" };
                let percpu = if percpu { "percpu_" } else { "" };
                let trust = match trust {
                    Trust::Trusted => "trusted_",
                    Trust::Rcu => "rcu_",
                    Trust::Plain | Trust::User => "",
                    Trust::Untrusted => "untrusted_",
                };
                let null = if self.0.nullable { "or_null_" } else { "" };
                return write!(f, "{user}{percpu}{trust}ptr_{null}");
            }
            Kind::Function { .. } => "func",
        };
        write!(f, "{name}{null}")
    }
}

/// What the kernel calls a pointer to a structure of the UAPI.
fn object_name(object: Object) -> &'static str {
    match object {
        Object::Socket => "sock",
        Object::SockCommon => "sock_common",
        Object::TcpSock => "tcp_sock",
        Object::XdpSock => "xdp_sock",
        Object::FlowKeys => "flow_keys",
    }
}

/// Displays a register, as it stands behind `R1=`.
#[derive(Clone, Copy)]
pub(crate) struct RegisterText<'a> {
    /// The register.
    pub(crate) register: &'a Register,
    /// The frame that it is in, or was spilled in.
    pub(crate) frame: usize,
    /// Whether its number must be known exactly.
    pub(crate) precise: bool,
    /// What it refers to.
    pub(crate) names: Names<'a>,
}

impl fmt::Display for RegisterText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let register = self.register;
        let number = register.value.as_constant();
        if register.is_scalar() {
            if self.precise {
                f.write_str("P")?;
            }
            if let Some(number) = number {
                return Signed(number.cast_signed()).fmt(f);
            }
        }
        KindName(*register).fmt(f)?;
        if let Kind::Stack { frame } = register.kind {
            if usize::from(frame) != self.frame {
                write!(f, "[{frame}]")?;
            }
            if let Some(number) = number {
                return Signed(number.cast_signed().wrapping_add(register.off.into())).fmt(f);
            }
        }
        if let Kind::Kernel { type_id, .. } = register.kind {
            let name = self.names.environment.kernel_btf().and_then(|types| types.ty(type_id).ok());
            f.write_str(name.map_or("", |ty| ty.name()))?;
        }
        f.write_str("(")?;
        let mut list = List { f, separator: "" };
        self.attributes(&mut list)?;
        f.write_str(")")
    }
}

impl RegisterText<'_> {
    /// What stands in the brackets.
    fn attributes(&self, list: &mut List<'_, '_>) -> fmt::Result {
        let register = self.register;
        if let Some(id) = register.id {
            list.item(format_args!("id={}", id.0))?;
            if register.displaced.is_some() {
                write!(list.f, "{:+}", register.off)?;
            }
        }
        if let Some(reference) = register.reference {
            list.item(format_args!("ref_obj_id={}", reference.0))?;
        }
        if let Kind::Map { map, .. } | Kind::MapKey { map } | Kind::MapValue { map, .. } =
            register.kind
        {
            let map = self.names.maps.facts(map);
            if !map.name.is_empty() {
                list.item(format_args!("map={}", map.name))?;
            }
            list.item(format_args!("ks={},vs={}", map.key_size, map.value_size))?;
        }
        if register.is_pointer() && register.off != 0 {
            list.item(format_args!("off={}", Signed(register.off.into())))?;
        }
        if let Kind::Packet { range } | Kind::PacketMeta { range } = register.kind {
            // The kernel has negative numbers for both ends.
            let range = match range {
                PacketRange::Bytes(bytes) => u64::from(bytes),
                PacketRange::AtEnd => u64::MAX,
                PacketRange::BeyondEnd => u64::MAX - 1,
            };
            list.item(format_args!("r={}", Unsigned(range)))?;
        }
        if let Kind::Memory { size, .. } = register.kind {
            list.item(format_args!("sz={}", Unsigned(size.into())))?;
        }
        match register.value.as_constant() {
            Some(0) => Ok(()),
            Some(number) => list.item(format_args!("imm={}", Signed(number.cast_signed()))),
            None if Attributes(register.value).is_empty() => Ok(()),
            None => list.item(format_args!("{}", Attributes(register.value))),
        }
    }
}

/// A list with commas.
struct List<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    separator: &'static str,
}

impl List<'_, '_> {
    fn item(&mut self, text: fmt::Arguments<'_>) -> fmt::Result {
        self.f.write_str(self.separator)?;
        self.separator = ",";
        self.f.write_fmt(text)
    }
}
