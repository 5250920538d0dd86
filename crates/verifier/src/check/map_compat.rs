//! Which helper takes which map.

use skep_spec::abi::{AttachType, HelperId, MapType, ProgType, flags, map_rules};

use crate::explore::Walk;
use crate::maps::MapIdx;
use crate::rejection::{Check, Reason};

impl Walk<'_> {
    /// Whether a helper takes a map of this type.
    pub(super) fn check_map_helper(&self, map: MapIdx, helper: HelperId) -> Check {
        let map_type = self.maps.facts(map).map_type;
        let allowed = map_rules::compatible(map_type, helper)
            && (!is_sockmap(map_type) || !changes_elements(helper) || self.updates_sockets(helper));
        if allowed { Ok(()) } else { Err(Reason::MapHelper { map_type, helper }.into()) }
    }

    /// Whether a helper leaves alone what programs may only read.
    pub(super) fn check_map_writable(&self, map: MapIdx, helper: HelperId) -> Check {
        let writes = matches!(
            helper,
            HelperId::MapDeleteElem
                | HelperId::MapUpdateElem
                | HelperId::MapPushElem
                | HelperId::MapPopElem
        );
        let protected = self.maps.facts(map).flags & flags::map::RDONLY_PROG != 0;
        if writes && protected { Err(Reason::HelperMapWrite.into()) } else { Ok(()) }
    }

    /// Whether programs of this type may put sockets into maps and take them out by the general
    /// helpers: they must never run while a socket is locked.
    fn updates_sockets(&self, helper: HelperId) -> bool {
        match self.input.prog_type {
            ProgType::Tracing => self.input.attach_type == Some(AttachType::TraceIter),
            ProgType::SockOps => helper == HelperId::MapDeleteElem,
            ProgType::SocketFilter
            | ProgType::SchedCls
            | ProgType::SchedAct
            | ProgType::Xdp
            | ProgType::SkReuseport
            | ProgType::FlowDissector
            | ProgType::SkLookup => true,
            ProgType::Kprobe
            | ProgType::Tracepoint
            | ProgType::PerfEvent
            | ProgType::CgroupSkb
            | ProgType::CgroupSock
            | ProgType::LwtIn
            | ProgType::LwtOut
            | ProgType::LwtXmit
            | ProgType::SkSkb
            | ProgType::CgroupDevice
            | ProgType::SkMsg
            | ProgType::RawTracepoint
            | ProgType::CgroupSockAddr
            | ProgType::LwtSeg6local
            | ProgType::LircMode2
            | ProgType::CgroupSysctl
            | ProgType::RawTracepointWritable
            | ProgType::CgroupSockopt
            | ProgType::StructOps
            | ProgType::Ext
            | ProgType::Lsm
            | ProgType::Syscall
            | ProgType::Netfilter => false,
        }
    }
}

/// Whether the elements are sockets.
pub(super) fn is_sockmap(map_type: MapType) -> bool {
    matches!(map_type, MapType::Sockmap | MapType::Sockhash)
}

/// Whether a helper puts elements in, or takes them out.
fn changes_elements(helper: HelperId) -> bool {
    matches!(helper, HelperId::MapUpdateElem | HelperId::MapDeleteElem)
}

/// Whether a callback can be called for each element.
pub(super) fn can_iterate(map_type: MapType) -> bool {
    map_rules::compatible(map_type, HelperId::ForEachMapElem)
}

/// Whether elements are always there, so that a lookup by a known key within bounds finds one.
pub(super) fn is_always_there(map_type: MapType) -> bool {
    matches!(map_type, MapType::Array | MapType::PercpuArray)
}
