//! Every kind of program that the running kernel loads, to ask it about each.

use std::fs;

use skep_btf::{Btf, Kind};
use skep_command::prog::ProgLoad;
use skep_linux::LinuxEngine;
use skep_spec::abi::verdict::Allowed;
use skep_spec::abi::{AttachType, ProgType, flags};

use super::{code, prog, verdict as kernel_verdict};

/// The kernel that the tables describe.
const DESCRIBED: (u32, u32) = (6, 18);

/// The attach types under which a program type is asked about; none: without one.
pub(crate) fn attach_types(prog_type: ProgType) -> Vec<Option<AttachType>> {
    let starting = |prefixes: &[&str]| {
        let fits = |attach: &&AttachType| {
            prefixes.iter().any(|prefix| attach.name().starts_with(prefix))
                && !attach.name().contains("post_bind")
                && !attach.name().contains("sock_")
        };
        AttachType::ALL.iter().filter(fits).map(|attach| Some(*attach)).collect()
    };
    use AttachType::*;
    match prog_type {
        ProgType::CgroupSockAddr => {
            let mut hooks: Vec<_> = starting(&["cgroup_inet4_", "cgroup_inet6_"]);
            hooks.extend(starting(&["cgroup_udp4_", "cgroup_udp6_", "cgroup_unix_"]));
            hooks
        }
        ProgType::CgroupSkb => vec![Some(CgroupInetIngress), Some(CgroupInetEgress)],
        ProgType::CgroupSock => vec![
            Some(CgroupInetSockCreate),
            Some(CgroupInetSockRelease),
            Some(CgroupInet4PostBind),
            Some(CgroupInet6PostBind),
        ],
        ProgType::CgroupSockopt => vec![Some(CgroupGetsockopt), Some(CgroupSetsockopt)],
        ProgType::Kprobe => vec![None, Some(TraceKprobeMulti), Some(TraceUprobeSession)],
        ProgType::CgroupDevice => vec![Some(CgroupDevice)],
        ProgType::CgroupSysctl => vec![Some(CgroupSysctl)],
        ProgType::Xdp => vec![None, Some(XdpDevmap), Some(XdpCpumap)],
        ProgType::SkReuseport => vec![Some(SkReuseportSelect), Some(SkReuseportSelectOrMigrate)],
        ProgType::SkLookup => vec![Some(SkLookup)],
        ProgType::Netfilter => vec![Some(Netfilter)],
        ProgType::Tracing => vec![Some(TraceRawTp), Some(TraceIter)],
        _ => vec![None],
    }
}

/// A return value that the verifier lets through.
pub(crate) fn allowed_return(prog_type: ProgType, attach: Option<AttachType>) -> i32 {
    match skep_spec::abi::verdict::allowed(prog_type, attach) {
        Allowed::Range(least, _) => least,
        Allowed::Any | Allowed::ByTarget => 0,
    }
}

/// The kernel's own types.
pub(crate) fn kernel_btf() -> Option<Btf> {
    Btf::parse(&fs::read("/sys/kernel/btf/vmlinux").ok()?).ok()
}

/// Whether the running kernel is the one described, or newer.
pub(crate) fn is_described(test: &str) -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse().ok());
    let found: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < DESCRIBED {
        testkit::skip(&format!("{test}: kernel {} is older than the tables", release.trim()));
    }
    found >= DESCRIBED
}

/// What a program type needs to be loaded at all: flags, and what it attaches to.
pub(crate) fn loadable(prog_type: ProgType, attach: Option<AttachType>, btf: &Btf) -> (u32, u32) {
    let id = |name, kind| btf.find_by_name(name, kind).map_or(0, |id| id.0);
    match (prog_type, attach) {
        (ProgType::Syscall, _) => (flags::prog_load::SLEEPABLE, 0),
        (ProgType::Tracing, Some(AttachType::TraceIter)) => (0, id("bpf_iter_task", Kind::Func)),
        (ProgType::Tracing, _) => (0, id("btf_trace_sched_switch", Kind::Typedef)),
        _ => (0, 0),
    }
}

/// Calls `ask` for each program type and attach type that this kernel loads programs of.
pub(crate) fn each_hook(engine: &LinuxEngine, mut ask: impl FnMut(&ProgLoad<'_>)) {
    let Some(btf) = kernel_btf() else {
        return testkit::skip("abi: the kernel has no BTF");
    };
    for prog_type in ProgType::ALL {
        for attach in attach_types(*prog_type) {
            let (flags, attach_btf_id) = loadable(*prog_type, attach, &btf);
            let nothing = code(&format!("r0 = {}\nexit", allowed_return(*prog_type, attach)));
            let load = ProgLoad {
                flags,
                attach_btf_id,
                log_level: 1,
                ..prog(&nothing, *prog_type, attach)
            };
            if kernel_verdict(engine, &load).is_ok_and(|(accepted, _)| accepted) {
                ask(&load);
            } else {
                testkit::skip(&format!("abi: this kernel loads no {prog_type} programs as such"));
            }
        }
    }
}
