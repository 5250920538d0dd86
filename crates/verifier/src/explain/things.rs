//! Words for what registers hold.

use skep_spec::abi::HelperId;
use skep_spec::abi::context::objects::Object;
use skep_spec::insn::{Callee, Insn};

use super::Scene;
use crate::domain::Scalar;
use crate::maps::MapIdx;
use crate::state::Register;
use crate::state::register::{Kind, MemoryKind};

impl Scene<'_> {
    /// What a register holds: "a pointer to the packet".
    pub(super) fn thing(&self, register: &Register) -> String {
        let thing = match register.kind {
            Kind::Uninit => return "nothing".into(),
            Kind::Scalar => return format!("a number ({})", numbers(&register.value)),
            Kind::Map { map, .. } => return format!("the map {}", self.map_name(map)),
            Kind::Function { .. } => return "the address of a function".into(),
            Kind::PacketEnd => return "the end of the packet".into(),
            _ => format!("a pointer to {}", self.target(register)),
        };
        if register.nullable { format!("{thing}, or null") } else { thing }
    }

    /// What a register points to: "the packet".
    pub(super) fn target(&self, register: &Register) -> String {
        match register.kind {
            Kind::Uninit | Kind::Scalar => "nothing".into(),
            Kind::Context => "the context".into(),
            Kind::Stack { .. } => "the stack".into(),
            Kind::Map { map, .. } => format!("the map {}", self.map_name(map)),
            Kind::MapKey { map } => format!("a key of map {}", self.map_name(map)),
            Kind::MapValue { map, .. } => format!("a value of map {}", self.map_name(map)),
            Kind::Packet { .. } => "the packet".into(),
            Kind::PacketMeta { .. } => "the packet's metadata".into(),
            Kind::PacketEnd => "the end of the packet".into(),
            Kind::Object(object) => match object {
                Object::Socket => "a socket".into(),
                Object::SockCommon => "a socket (struct sock_common)".into(),
                Object::TcpSock => "a TCP socket".into(),
                Object::XdpSock => "an AF_XDP socket".into(),
                Object::FlowKeys => "flow keys".into(),
            },
            Kind::FlowKeys => "flow keys".into(),
            Kind::Memory { size, access } => match access {
                MemoryKind::Plain => format!("memory of {size} bytes"),
                MemoryKind::ReadOnly => format!("read-only memory of {size} bytes"),
                MemoryKind::Untrusted => format!("memory of {size} bytes that may not be there"),
                MemoryKind::Ringbuf => format!("a ring buffer record of {size} bytes"),
            },
            Kind::Buffer { .. } => "a buffer".into(),
            Kind::TracepointBuffer => "the tracepoint's buffer".into(),
            Kind::Kernel { .. } => "an object of the kernel".into(),
            Kind::Function { .. } => "a function".into(),
        }
    }

    /// A map's name, in quotes, or its number.
    pub(super) fn map_name(&self, map: MapIdx) -> String {
        let name = &self.report.maps.facts(map).name;
        if name.is_empty() { format!("number {}", map.0) } else { format!("`{name}`") }
    }

    /// The helper that an instruction calls.
    pub(super) fn helper_at(&self, at: skep_spec::InsnIdx) -> Option<HelperId> {
        match self.input.code.get(at)? {
            Insn::Call(Callee::Helper(number)) => {
                u32::try_from(*number).ok().and_then(HelperId::from_u32)
            }
            _ => None,
        }
    }
}

/// What a number may be: "0 to 255".
pub(super) fn numbers(scalar: &Scalar) -> String {
    if let Some(number) = scalar.as_constant() {
        return signed(number.cast_signed());
    }
    let (signed_range, unsigned_range) = (scalar.s64, scalar.u64);
    if scalar.is_unknown() {
        return "any number".into();
    }
    if unsigned_range.max <= i64::MAX.cast_unsigned() {
        return format!("{} to {}", number(unsigned_range.min), number(unsigned_range.max));
    }
    match (signed_range.min, signed_range.max) {
        (i64::MIN, i64::MAX) if unsigned_range.min > 0 => {
            format!("at least {}, without a sign", number(unsigned_range.min))
        }
        (i64::MIN, i64::MAX) => "any number".into(),
        (i64::MIN, max) => format!("at most {}, and negative perhaps", signed(max)),
        (min, i64::MAX) => format!("at least {}", signed(min)),
        (min, max) => format!("{} to {}", signed(min), signed(max)),
    }
}

/// A number as people write it.
pub(super) fn signed(number: i64) -> String {
    if number.unsigned_abs() < 1 << 16 {
        number.to_string()
    } else if number < 0 {
        format!("-{:#x}", number.unsigned_abs())
    } else {
        format!("{number:#x}")
    }
}

fn number(number: u64) -> String {
    if number < 1 << 16 { number.to_string() } else { format!("{number:#x}") }
}

/// "1 byte", "4 bytes".
pub(super) fn bytes(count: u32) -> String {
    if count == 1 { "1 byte".into() } else { format!("{count} bytes") }
}

/// Bytes of something, by their places: "byte 3", "bytes 4 to 7".
pub(super) fn span(start: i64, size: u32) -> String {
    if size <= 1 {
        format!("byte {start}")
    } else {
        format!("bytes {start} to {}", start.saturating_add(i64::from(size) - 1))
    }
}
