//! What is in r0 after a helper.

use skep_btf::Type;
use skep_spec::abi::HelperId;
use skep_spec::abi::context::objects::Object;
use skep_spec::abi::proto::{Proto, Ret};

use super::arg::Arguments;
use super::kernel_type;
use super::map_compat::{is_always_there, is_sockmap};
use crate::domain::{Range, Scalar};
use crate::explore::Walk;
use crate::maps::MapIdx;
use crate::rejection::{Check, unsupported};
use crate::state::register::{MemoryKind, Trust};
use crate::state::{Kind, Register};

/// The largest number of an error (`MAX_ERRNO`).
const MAX_ERRNO: i32 = 4095;

impl Walk<'_> {
    /// What a helper returns.
    pub(super) fn returned(
        &mut self,
        proto: &'static Proto,
        arguments: &Arguments,
    ) -> Check<Register> {
        let mut result = match proto.ret {
            Ret::Integer => return Ok(Register::scalar(self.number(proto.helper, arguments))),
            Ret::Void => return Ok(Register::UNINIT),
            Ret::MapValue | Ret::MapValueOrNull => self.map_value(proto, arguments)?,
            Ret::SocketOrNull => Register::pointer(Kind::Object(Object::Socket)),
            Ret::SockCommonOrNull => Register::pointer(Kind::Object(Object::SockCommon)),
            Ret::TcpSockOrNull => Register::pointer(Kind::Object(Object::TcpSock)),
            Ret::RingbufMemOrNull => {
                // Records of more bytes than fit into 32 bits are never handed out.
                #[expect(clippy::cast_possible_truncation, reason = "as the kernel does")]
                let size = arguments.wanted_size as u32;
                Register::pointer(Kind::Memory { size, access: MemoryKind::Ringbuf })
            }
            Ret::Kernel { type_name, trusted, .. } => {
                let type_id = kernel_type::find(self.environment, type_name)?;
                let trust = if trusted { Trust::Trusted } else { Trust::Plain };
                Register::pointer(Kind::Kernel { type_id, trust, percpu: false })
            }
            Ret::PercpuCopy { .. } => self.percpu_copy(arguments)?,
            Ret::DynptrMemOrNull => return unsupported("dynptrs"),
            Ret::KptrOrNull => return unsupported("kptrs"),
        };
        let found = matches!(proto.ret, Ret::MapValueOrNull) && self.is_found(proto, arguments);
        result.nullable = proto.ret.is_nullable() && !found;
        if result.nullable {
            result.id = Some(self.fresh_id());
        }
        if is_cast(proto.helper) {
            result.reference = arguments.reference;
        } else if self.acquires(proto, arguments) {
            let id = self.acquire();
            result.id = Some(id);
            result.reference = Some(id);
        }
        Ok(result)
    }

    /// A number, of which some helpers promise something.
    ///
    /// Sound: these helpers return an error or the size of what they wrote, which is at most what
    /// they were given; or the number of a CPU.
    fn number(&self, helper: HelperId, arguments: &Arguments) -> Scalar {
        let mut number = Scalar::UNKNOWN;
        match helper {
            HelperId::GetStack
            | HelperId::GetTaskStack
            | HelperId::ProbeReadStr
            | HelperId::ProbeReadKernelStr
            | HelperId::ProbeReadUserStr => {
                let Ok(largest) = i32::try_from(arguments.largest_size) else { return number };
                number.s64 = Range { min: (-MAX_ERRNO).into(), max: largest.into() };
                number.s32 = Range { min: -MAX_ERRNO, max: largest };
                number.sync().settled()
            }
            HelperId::GetSmpProcessorId => {
                number.u64 = Range { min: 0, max: u64::from(self.environment.cpus()) - 1 };
                number.sync().settled()
            }
            _ => number,
        }
    }

    /// A value of the map.
    fn map_value(&mut self, proto: &Proto, arguments: &Arguments) -> Check<Register> {
        let Some((map, uid)) = arguments.map else { return unsupported("values without a map") };
        let mut value = Register::pointer(Kind::MapValue { map, uid });
        let nullable = proto.ret.is_nullable() && !self.is_found(proto, arguments);
        if !nullable && self.maps.facts(map).has_lock() {
            value.id = Some(self.fresh_id());
        }
        Ok(value)
    }

    /// Whether a lookup is known to find an element: an array has them all.
    fn is_found(&self, proto: &Proto, arguments: &Arguments) -> bool {
        let (Some((map, _)), Some(key)) = (arguments.map, arguments.key) else { return false };
        let facts = self.maps.facts(map);
        proto.helper == HelperId::MapLookupElem
            && is_always_there(facts.map_type)
            && key < facts.max_entries.into()
    }

    /// The copy of a variable that each CPU has of its own.
    fn percpu_copy(&self, arguments: &Arguments) -> Check<Register> {
        let (Some(btf), Some(type_id)) = (self.environment.kernel_btf(), arguments.variable) else {
            return unsupported("variables of the kernel without its BTF");
        };
        let kind = match btf.resolve(type_id) {
            Ok((_, Type::Struct(_) | Type::Union(_))) => {
                Kind::Kernel { type_id, trust: Trust::Plain, percpu: false }
            }
            Ok(_) | Err(_) => match btf.size_of(type_id) {
                Ok(size) => Kind::Memory { size, access: MemoryKind::ReadOnly },
                Err(_) => return unsupported("variables of the kernel without a size"),
            },
        };
        Ok(Register::pointer(kind))
    }

    /// Whether the result is a reference that must be given back.
    fn acquires(&self, proto: &Proto, arguments: &Arguments) -> bool {
        let from_sockmap = |(map, _): (MapIdx, _)| is_sockmap(self.maps.facts(map).map_type);
        proto.acquires
            || proto.helper == HelperId::MapLookupElem && arguments.map.is_some_and(from_sockmap)
    }
}

/// Whether the result is the argument by another type, and belongs to the same reference.
fn is_cast(helper: HelperId) -> bool {
    matches!(
        helper,
        HelperId::TcpSock
            | HelperId::SkFullsock
            | HelperId::SkcToTcpSock
            | HelperId::SkcToTcp6Sock
            | HelperId::SkcToUdp6Sock
            | HelperId::SkcToMptcpSock
            | HelperId::SkcToTcpTimewaitSock
            | HelperId::SkcToTcpRequestSock
    )
}
