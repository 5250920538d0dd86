//! What a program's section name says about it.
//!
//! The conventions are libbpf's (its documentation's table "Program types and ELF sections"): a
//! name such as `xdp` or `cgroup/connect4` gives program and attach type; some names take a target
//! after a slash (`tracepoint/syscalls/sys_enter_execve`); `.s` marks a program that may sleep;
//! a leading `?` one that is loaded on demand only. Objects made for a libbpf of before 1.0 have
//! names that only begin so (`socket1`, `xdp_prog`). Names that nobody knows are no error: such a
//! program has no type until someone gives it one.

use skep_spec::abi::AttachType as At;
use skep_spec::abi::ProgType as Type;

/// What a program is: its type, where it is meant to be attached, and how it may be run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProgramKind {
    /// The program type; `None` if the section name gives none.
    pub prog_type: Option<Type>,
    /// The attach type; `None` stands for 0, "does not matter", as well.
    pub attach_type: Option<At>,
    /// What it is attached to, as written after the section name's slash.
    pub target: Option<String>,
    /// Whether it may sleep (`BPF_F_SLEEPABLE`).
    pub sleepable: bool,
    /// Whether it copes with packets in fragments (`BPF_F_XDP_HAS_FRAGS`).
    pub frags: bool,
    /// Whether it is loaded only when asked for (a section name that begins with `?`).
    pub optional: bool,
}

impl ProgramKind {
    /// The kind of program that a section of this name holds.
    ///
    /// ```
    /// use skep_object::ProgramKind;
    /// use skep_spec::abi::ProgType;
    ///
    /// let kind = ProgramKind::of_section("?tracepoint/sched/sched_switch");
    /// assert_eq!(kind.prog_type, Some(ProgType::Tracepoint));
    /// assert_eq!(kind.target.as_deref(), Some("sched/sched_switch"));
    /// assert!(kind.optional);
    /// assert_eq!(ProgramKind::of_section("my_program").prog_type, None);
    /// ```
    pub fn of_section(name: &str) -> ProgramKind {
        let (name, optional) = match name.strip_prefix('?') {
            Some(rest) => (rest, true),
            None => (name, false),
        };
        let found = DEFINITIONS.iter().find_map(|def| Some((def, def.target_of(name)?)));
        let Some((def, target)) = found.or_else(|| Some((by_beginning(name)?, None))) else {
            return ProgramKind { optional, ..ProgramKind::default() };
        };
        ProgramKind {
            prog_type: Some(def.prog_type),
            attach_type: def.attach_type,
            target: target.map(str::to_owned),
            sleepable: def.sleepable,
            frags: def.frags,
            optional,
        }
    }

    /// The kind of a program whose type is given by hand.
    pub fn of_type(prog_type: Type) -> ProgramKind {
        ProgramKind { prog_type: Some(prog_type), ..ProgramKind::default() }
    }

    /// Every section name that gives a type; those that take a target end with `/…`.
    pub fn section_names() -> impl Iterator<Item = String> {
        DEFINITIONS.iter().map(|def| match def.form {
            Form::Exact => def.name.to_owned(),
            Form::Targeted => format!("{}/…", def.name),
        })
    }
}

/// One line of the table.
#[derive(Clone, Copy)]
struct Definition {
    name: &'static str,
    form: Form,
    prog_type: Type,
    attach_type: Option<At>,
    sleepable: bool,
    frags: bool,
}

/// Whether a name stands alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Nothing may follow.
    Exact,
    /// A slash and a target may follow.
    Targeted,
}

impl Definition {
    /// If the section name is one of these, what it says after the slash.
    fn target_of<'name>(&self, name: &'name str) -> Option<Option<&'name str>> {
        let rest = name.strip_prefix(self.name)?;
        if rest.is_empty() {
            return Some(None);
        }
        match self.form {
            Form::Exact => None,
            Form::Targeted => rest.strip_prefix('/').map(Some),
        }
    }

    /// The same for programs that may sleep.
    const fn sleepable(mut self) -> Definition {
        self.sleepable = true;
        self
    }

    /// The same for programs that cope with fragments.
    const fn frags(mut self) -> Definition {
        self.frags = true;
        self
    }

    /// The same for programs that say where they are attached.
    const fn at(mut self, attach_type: At) -> Definition {
        self.attach_type = Some(attach_type);
        self
    }
}

/// A name that stands alone.
const fn exact(name: &'static str, prog_type: Type) -> Definition {
    let form = Form::Exact;
    Definition { name, form, prog_type, attach_type: None, sleepable: false, frags: false }
}

/// A name that takes a target.
const fn targeted(name: &'static str, prog_type: Type) -> Definition {
    let form = Form::Targeted;
    Definition { name, form, prog_type, attach_type: None, sleepable: false, frags: false }
}

/// The definition whose name a section's name begins with, if libbpf before 1.0 took that for
/// enough; the longest, if there are several.
fn by_beginning(name: &str) -> Option<&'static Definition> {
    let known = BEGINNINGS.iter().filter(|(beginning, _)| name.starts_with(beginning));
    let (_, meant) = known.max_by_key(|(beginning, _)| beginning.len())?;
    DEFINITIONS.iter().find(|def| def.name == *meant)
}

/// What names began with before libbpf 1.0, and the names of today that mean the same.
const BEGINNINGS: &[(&str, &str)] = &[
    ("action", "action"),
    ("cgroup/bind4", "cgroup/bind4"),
    ("cgroup/bind6", "cgroup/bind6"),
    ("cgroup/connect4", "cgroup/connect4"),
    ("cgroup/connect6", "cgroup/connect6"),
    ("cgroup/dev", "cgroup/dev"),
    ("cgroup/getpeername4", "cgroup/getpeername4"),
    ("cgroup/getpeername6", "cgroup/getpeername6"),
    ("cgroup/getsockname4", "cgroup/getsockname4"),
    ("cgroup/getsockname6", "cgroup/getsockname6"),
    ("cgroup/getsockopt", "cgroup/getsockopt"),
    ("cgroup/post_bind4", "cgroup/post_bind4"),
    ("cgroup/post_bind6", "cgroup/post_bind6"),
    ("cgroup/recvmsg4", "cgroup/recvmsg4"),
    ("cgroup/recvmsg6", "cgroup/recvmsg6"),
    ("cgroup/sendmsg4", "cgroup/sendmsg4"),
    ("cgroup/sendmsg6", "cgroup/sendmsg6"),
    ("cgroup/setsockopt", "cgroup/setsockopt"),
    ("cgroup/skb", "cgroup/skb"),
    ("cgroup/sock", "cgroup/sock"),
    ("cgroup/sock_create", "cgroup/sock_create"),
    ("cgroup/sock_release", "cgroup/sock_release"),
    ("cgroup/sysctl", "cgroup/sysctl"),
    ("cgroup_skb/egress", "cgroup_skb/egress"),
    ("cgroup_skb/ingress", "cgroup_skb/ingress"),
    ("classifier", "classifier"),
    ("flow_dissector", "flow_dissector"),
    ("lirc_mode2", "lirc_mode2"),
    ("lwt_in", "lwt_in"),
    ("lwt_out", "lwt_out"),
    ("lwt_seg6local", "lwt_seg6local"),
    ("lwt_xmit", "lwt_xmit"),
    ("perf_event", "perf_event"),
    ("sk_lookup", "sk_lookup"),
    ("sk_msg", "sk_msg"),
    ("sk_reuseport", "sk_reuseport"),
    ("sk_reuseport/migrate", "sk_reuseport/migrate"),
    ("sk_skb", "sk_skb"),
    ("sk_skb/stream_parser", "sk_skb/stream_parser"),
    ("sk_skb/stream_verdict", "sk_skb/stream_verdict"),
    ("socket", "socket"),
    ("sockops", "sockops"),
    ("xdp", "xdp"),
    ("xdp_cpumap/", "xdp/cpumap"),
    ("xdp_devmap", "xdp/devmap"),
];

/// All names, grouped by what they hook into.
const DEFINITIONS: &[Definition] = &[
    // Packets.
    exact("socket", Type::SocketFilter),
    exact("xdp", Type::Xdp).at(At::Xdp),
    exact("xdp/devmap", Type::Xdp).at(At::XdpDevmap),
    exact("xdp/cpumap", Type::Xdp).at(At::XdpCpumap),
    exact("xdp.frags", Type::Xdp).at(At::Xdp).frags(),
    exact("xdp.frags/devmap", Type::Xdp).at(At::XdpDevmap).frags(),
    exact("xdp.frags/cpumap", Type::Xdp).at(At::XdpCpumap).frags(),
    exact("tc", Type::SchedCls),
    exact("classifier", Type::SchedCls),
    exact("action", Type::SchedAct),
    exact("tc/ingress", Type::SchedCls).at(At::TcxIngress),
    exact("tc/egress", Type::SchedCls).at(At::TcxEgress),
    exact("tcx/ingress", Type::SchedCls).at(At::TcxIngress),
    exact("tcx/egress", Type::SchedCls).at(At::TcxEgress),
    exact("netkit/primary", Type::SchedCls).at(At::NetkitPrimary),
    exact("netkit/peer", Type::SchedCls).at(At::NetkitPeer),
    exact("lwt_in", Type::LwtIn),
    exact("lwt_out", Type::LwtOut),
    exact("lwt_xmit", Type::LwtXmit),
    exact("lwt_seg6local", Type::LwtSeg6local),
    exact("flow_dissector", Type::FlowDissector).at(At::FlowDissector),
    exact("netfilter", Type::Netfilter).at(At::Netfilter),
    // Sockets.
    exact("sk_lookup", Type::SkLookup).at(At::SkLookup),
    exact("sk_reuseport", Type::SkReuseport).at(At::SkReuseportSelect),
    exact("sk_reuseport/migrate", Type::SkReuseport).at(At::SkReuseportSelectOrMigrate),
    exact("sockops", Type::SockOps).at(At::CgroupSockOps),
    exact("sk_skb", Type::SkSkb),
    exact("sk_skb/stream_parser", Type::SkSkb).at(At::SkSkbStreamParser),
    exact("sk_skb/stream_verdict", Type::SkSkb).at(At::SkSkbStreamVerdict),
    exact("sk_skb/verdict", Type::SkSkb).at(At::SkSkbVerdict),
    exact("sk_msg", Type::SkMsg).at(At::SkMsgVerdict),
    // Control groups.
    exact("cgroup_skb/ingress", Type::CgroupSkb).at(At::CgroupInetIngress),
    exact("cgroup_skb/egress", Type::CgroupSkb).at(At::CgroupInetEgress),
    exact("cgroup/skb", Type::CgroupSkb),
    exact("cgroup/sock", Type::CgroupSock).at(At::CgroupInetSockCreate),
    exact("cgroup/sock_create", Type::CgroupSock).at(At::CgroupInetSockCreate),
    exact("cgroup/sock_release", Type::CgroupSock).at(At::CgroupInetSockRelease),
    exact("cgroup/post_bind4", Type::CgroupSock).at(At::CgroupInet4PostBind),
    exact("cgroup/post_bind6", Type::CgroupSock).at(At::CgroupInet6PostBind),
    exact("cgroup/bind4", Type::CgroupSockAddr).at(At::CgroupInet4Bind),
    exact("cgroup/bind6", Type::CgroupSockAddr).at(At::CgroupInet6Bind),
    exact("cgroup/connect4", Type::CgroupSockAddr).at(At::CgroupInet4Connect),
    exact("cgroup/connect6", Type::CgroupSockAddr).at(At::CgroupInet6Connect),
    exact("cgroup/connect_unix", Type::CgroupSockAddr).at(At::CgroupUnixConnect),
    exact("cgroup/sendmsg4", Type::CgroupSockAddr).at(At::CgroupUdp4Sendmsg),
    exact("cgroup/sendmsg6", Type::CgroupSockAddr).at(At::CgroupUdp6Sendmsg),
    exact("cgroup/sendmsg_unix", Type::CgroupSockAddr).at(At::CgroupUnixSendmsg),
    exact("cgroup/recvmsg4", Type::CgroupSockAddr).at(At::CgroupUdp4Recvmsg),
    exact("cgroup/recvmsg6", Type::CgroupSockAddr).at(At::CgroupUdp6Recvmsg),
    exact("cgroup/recvmsg_unix", Type::CgroupSockAddr).at(At::CgroupUnixRecvmsg),
    exact("cgroup/getpeername4", Type::CgroupSockAddr).at(At::CgroupInet4Getpeername),
    exact("cgroup/getpeername6", Type::CgroupSockAddr).at(At::CgroupInet6Getpeername),
    exact("cgroup/getpeername_unix", Type::CgroupSockAddr).at(At::CgroupUnixGetpeername),
    exact("cgroup/getsockname4", Type::CgroupSockAddr).at(At::CgroupInet4Getsockname),
    exact("cgroup/getsockname6", Type::CgroupSockAddr).at(At::CgroupInet6Getsockname),
    exact("cgroup/getsockname_unix", Type::CgroupSockAddr).at(At::CgroupUnixGetsockname),
    exact("cgroup/sysctl", Type::CgroupSysctl).at(At::CgroupSysctl),
    exact("cgroup/getsockopt", Type::CgroupSockopt).at(At::CgroupGetsockopt),
    exact("cgroup/setsockopt", Type::CgroupSockopt).at(At::CgroupSetsockopt),
    exact("cgroup/dev", Type::CgroupDevice).at(At::CgroupDevice),
    // Functions of the kernel and of processes.
    targeted("kprobe", Type::Kprobe),
    targeted("kretprobe", Type::Kprobe),
    targeted("kprobe.multi", Type::Kprobe).at(At::TraceKprobeMulti),
    targeted("kretprobe.multi", Type::Kprobe).at(At::TraceKprobeMulti),
    targeted("kprobe.session", Type::Kprobe).at(At::TraceKprobeSession),
    targeted("ksyscall", Type::Kprobe),
    targeted("kretsyscall", Type::Kprobe),
    targeted("uprobe", Type::Kprobe),
    targeted("uprobe.s", Type::Kprobe).sleepable(),
    targeted("uretprobe", Type::Kprobe),
    targeted("uretprobe.s", Type::Kprobe).sleepable(),
    targeted("uprobe.multi", Type::Kprobe).at(At::TraceUprobeMulti),
    targeted("uprobe.multi.s", Type::Kprobe).at(At::TraceUprobeMulti).sleepable(),
    targeted("uretprobe.multi", Type::Kprobe).at(At::TraceUprobeMulti),
    targeted("uretprobe.multi.s", Type::Kprobe).at(At::TraceUprobeMulti).sleepable(),
    targeted("uprobe.session", Type::Kprobe).at(At::TraceUprobeSession),
    targeted("uprobe.session.s", Type::Kprobe).at(At::TraceUprobeSession).sleepable(),
    targeted("usdt", Type::Kprobe),
    targeted("usdt.s", Type::Kprobe).sleepable(),
    targeted("fentry", Type::Tracing).at(At::TraceFentry),
    targeted("fentry.s", Type::Tracing).at(At::TraceFentry).sleepable(),
    targeted("fexit", Type::Tracing).at(At::TraceFexit),
    targeted("fexit.s", Type::Tracing).at(At::TraceFexit).sleepable(),
    targeted("fmod_ret", Type::Tracing).at(At::ModifyReturn),
    targeted("fmod_ret.s", Type::Tracing).at(At::ModifyReturn).sleepable(),
    targeted("freplace", Type::Ext),
    // Events.
    targeted("tracepoint", Type::Tracepoint),
    targeted("tracepoint.s", Type::Tracepoint).sleepable(),
    targeted("tp", Type::Tracepoint),
    targeted("tp.s", Type::Tracepoint).sleepable(),
    targeted("raw_tracepoint", Type::RawTracepoint),
    targeted("raw_tracepoint.s", Type::RawTracepoint).sleepable(),
    targeted("raw_tp", Type::RawTracepoint),
    targeted("raw_tp.s", Type::RawTracepoint).sleepable(),
    targeted("raw_tracepoint.w", Type::RawTracepointWritable),
    targeted("raw_tp.w", Type::RawTracepointWritable),
    targeted("tp_btf", Type::Tracing).at(At::TraceRawTp),
    targeted("tp_btf.s", Type::Tracing).at(At::TraceRawTp).sleepable(),
    exact("perf_event", Type::PerfEvent),
    exact("lirc_mode2", Type::LircMode2).at(At::LircMode2),
    // Decisions and everything else.
    targeted("lsm", Type::Lsm).at(At::LsmMac),
    targeted("lsm.s", Type::Lsm).at(At::LsmMac).sleepable(),
    targeted("lsm_cgroup", Type::Lsm).at(At::LsmCgroup),
    targeted("iter", Type::Tracing).at(At::TraceIter),
    targeted("iter.s", Type::Tracing).at(At::TraceIter).sleepable(),
    targeted("struct_ops", Type::StructOps),
    targeted("struct_ops.s", Type::StructOps).sleepable(),
    exact("syscall", Type::Syscall).sleepable(),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A section name and what it gives, as `type attach-type target flags`.
    #[track_caller]
    fn check(name: &str, expected: &str) {
        let kind = ProgramKind::of_section(name);
        let mut words = vec![
            kind.prog_type.map_or("-", Type::name).to_owned(),
            kind.attach_type.map_or("-", At::name).to_owned(),
            kind.target.unwrap_or_else(|| "-".to_owned()),
        ];
        for (flag, set) in
            [("sleepable", kind.sleepable), ("frags", kind.frags), ("optional", kind.optional)]
        {
            if set {
                words.push(flag.to_owned());
            }
        }
        assert_eq!(words.join(" "), expected, "section {name:?}");
    }

    #[test]
    fn names_give_kinds() {
        check("xdp", "xdp xdp -");
        check("xdp.frags/devmap", "xdp xdp_devmap - frags");
        check("?tc", "sched_cls - - optional");
        check("tcx/egress", "sched_cls tcx_egress -");
        check("cgroup_skb/ingress", "cgroup_skb cgroup_inet_ingress -");
        check("tracepoint/syscalls/sys_enter", "tracepoint - syscalls/sys_enter");
        check("kprobe", "kprobe - -");
        check("kprobe/do_exit+0x10", "kprobe - do_exit+0x10");
        check("kprobe.multi/tcp_*", "kprobe trace_kprobe_multi tcp_*");
        check("fentry.s/x", "tracing trace_fentry x sleepable");
        check("syscall", "syscall - - sleepable");
        check("struct_ops/", "struct_ops - ");
    }

    #[test]
    fn names_of_before_libbpf_1_0() {
        check("socket1", "socket_filter - -");
        check("xdp_prog", "xdp xdp -");
        check("xdp/eth0", "xdp xdp -");
        check("xdp_devmap/x", "xdp xdp_devmap -");
        check("classifier/ingress", "sched_cls - -");
        check("cgroup/sock1", "cgroup_sock cgroup_inet_sock_create -");
        check("cgroup/sock_release2", "cgroup_sock cgroup_inet_sock_release -");
        check("?action1", "sched_act - - optional");
    }

    #[test]
    fn near_misses_give_none() {
        check("tc/entry", "- - -");
        check("xd", "- - -");
        check("kprobes/x", "- - -");
        check("kprobe.multix", "- - -");
        check("?", "- - - optional");
        check("", "- - -");
        check("??xdp", "- - - optional");
    }

    #[test]
    fn no_name_is_defined_twice() {
        let mut names: Vec<_> = DEFINITIONS.iter().map(|def| def.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), DEFINITIONS.len());
        for (_, meant) in BEGINNINGS {
            assert!(names.contains(meant), "{meant}");
        }
    }
}
