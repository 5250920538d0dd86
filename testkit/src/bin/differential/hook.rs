//! The kinds of program that are made: program types with where they attach.

use skep_btf::{Btf, Kind};
use skep_spec::abi::{AttachType, ProgType, flags};

/// A kind of program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hook {
    /// The program type.
    pub(crate) prog_type: ProgType,
    /// Where it attaches.
    pub(crate) attach: Option<AttachType>,
    /// How often it is taken, beside the others.
    pub(crate) weight: usize,
    /// Flags of the load command.
    pub(crate) flags: u32,
    /// What it attaches to: a type of the kernel's.
    pub(crate) attach_btf_id: u32,
}

impl Hook {
    /// Whether programs can be run on a packet by both engines.
    pub(crate) fn runs(&self) -> bool {
        use ProgType::{SchedAct, SchedCls, SocketFilter, Xdp};
        matches!(self.prog_type, Xdp | SchedCls | SchedAct | SocketFilter)
    }

    /// Whether programs may sleep.
    pub(crate) fn sleepable(&self) -> bool {
        self.flags & flags::prog_load::SLEEPABLE != 0
    }

    /// What it is called.
    pub(crate) fn name(&self) -> String {
        let attach = self.attach.map_or(String::new(), |attach| format!("/{attach}"));
        format!("{}{attach}", self.prog_type)
    }
}

/// The kinds of program that are made.
pub(crate) fn all(kernel: Option<&Btf>) -> Vec<Hook> {
    use AttachType::*;
    let plain =
        |weight, prog_type, attach| Hook { prog_type, attach, weight, flags: 0, attach_btf_id: 0 };
    let mut hooks = vec![
        plain(16, ProgType::Xdp, None),
        plain(14, ProgType::SchedCls, None),
        plain(4, ProgType::SchedAct, None),
        plain(11, ProgType::SocketFilter, None),
        plain(5, ProgType::Kprobe, None),
        plain(4, ProgType::Tracepoint, None),
        plain(4, ProgType::PerfEvent, None),
        plain(4, ProgType::RawTracepoint, None),
        plain(2, ProgType::RawTracepointWritable, None),
        plain(4, ProgType::CgroupSkb, Some(CgroupInetIngress)),
        plain(4, ProgType::CgroupSkb, Some(CgroupInetEgress)),
        plain(3, ProgType::CgroupSock, Some(CgroupInetSockCreate)),
        plain(3, ProgType::CgroupSock, Some(CgroupInet4PostBind)),
        plain(3, ProgType::CgroupSockAddr, Some(CgroupInet4Connect)),
        plain(3, ProgType::CgroupSockAddr, Some(CgroupInet6Bind)),
        plain(3, ProgType::CgroupSockAddr, Some(CgroupUdp4Sendmsg)),
        plain(2, ProgType::CgroupDevice, Some(CgroupDevice)),
        plain(4, ProgType::CgroupSysctl, Some(CgroupSysctl)),
        plain(4, ProgType::CgroupSockopt, Some(CgroupGetsockopt)),
        plain(4, ProgType::CgroupSockopt, Some(CgroupSetsockopt)),
        plain(3, ProgType::SockOps, None),
        plain(3, ProgType::SkSkb, None),
        plain(3, ProgType::SkMsg, None),
        plain(3, ProgType::SkLookup, Some(SkLookup)),
        plain(2, ProgType::SkReuseport, Some(SkReuseportSelect)),
        plain(2, ProgType::FlowDissector, None),
        plain(2, ProgType::LwtIn, None),
        plain(3, ProgType::LwtXmit, None),
        plain(1, ProgType::LwtSeg6local, None),
        plain(1, ProgType::LircMode2, None),
        plain(2, ProgType::Netfilter, Some(Netfilter)),
        Hook { flags: flags::prog_load::SLEEPABLE, ..plain(3, ProgType::Syscall, None) },
    ];
    let id = |name, kind| kernel.and_then(|btf| btf.find_by_name(name, kind));
    if let Some(id) = id("btf_trace_sched_switch", Kind::Typedef) {
        let traced = plain(3, ProgType::Tracing, Some(TraceRawTp));
        hooks.push(Hook { attach_btf_id: id.0, ..traced });
    }
    if let Some(id) = id("bpf_iter_task", Kind::Func) {
        let iterated = plain(2, ProgType::Tracing, Some(TraceIter));
        hooks.push(Hook { attach_btf_id: id.0, ..iterated });
    }
    hooks
}
