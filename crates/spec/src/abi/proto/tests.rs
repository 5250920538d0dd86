//! What has to hold for every row, and samples of each family.
use super::*;

/// `helper` under `prog_type`, written out as `name(args) -> ret`, or `-` where not available.
fn check(helper: HelperId, prog_type: ProgType, attach: Option<AttachType>, expected: &str) {
    let found = match proto(helper, prog_type, attach) {
        Some(proto) => format!("{:?} -> {:?}", proto.args, proto.ret),
        None => "-".to_owned(),
    };
    assert_eq!(found, expected, "{helper} of {prog_type} at {attach:?}");
}

#[test]
fn samples() {
    use AttachType::*;
    let socket = "[Sock { nullable: true, release: false }] -> Integer";
    let context = "[Ctx { nullable: false }] -> Integer";
    check(HelperId::GetSocketCookie, ProgType::SchedCls, None, context);
    check(HelperId::GetSocketCookie, ProgType::SocketFilter, None, context);
    check(HelperId::GetSocketCookie, ProgType::Tracing, None, socket);
    check(HelperId::GetSocketCookie, ProgType::Xdp, None, "-");
    check(HelperId::GetCgroupClassid, ProgType::Xdp, None, "[] -> Integer");
    check(HelperId::GetCgroupClassid, ProgType::LwtOut, None, context);
    check(HelperId::Setsockopt, ProgType::CgroupSockopt, Some(CgroupGetsockopt), "-");
    check(HelperId::SeqWrite, ProgType::Tracing, Some(TraceRawTp), "-");
    check(HelperId::RcRepeat, ProgType::LircMode2, None, context);
    check(HelperId::KtimeGetTaiNs, ProgType::LircMode2, None, "-");
}

#[test]
fn a_licence_can_hang_on_the_attach_type() {
    let gpl = |attach| proto(HelperId::GetFuncIp, ProgType::Kprobe, attach).unwrap().gpl_only;
    assert!(gpl(None));
    assert!(gpl(Some(AttachType::PerfEvent)));
    assert!(!gpl(Some(AttachType::TraceKprobeMulti)));
}

#[test]
fn sizes_follow_memory() {
    for helper in HelperId::ALL {
        let args = common(*helper).args;
        for (index, arg) in args.iter().enumerate() {
            let sized = index.checked_sub(1).is_some_and(|before| args[before].is_sized_by_next());
            let is_size = matches!(arg, Arg::Size { .. });
            assert_eq!(is_size, sized, "{helper}: argument {}", index + 1);
        }
        assert!(!args.last().is_some_and(|arg| arg.is_sized_by_next()), "{helper}");
    }
}

#[test]
fn allocated_memory_has_a_size() {
    for helper in HelperId::ALL {
        let proto = common(*helper);
        let allocates = matches!(proto.ret, Ret::RingbufMemOrNull | Ret::DynptrMemOrNull);
        assert_eq!(proto.args.contains(&Arg::AllocSize), allocates, "{helper}");
    }
}

#[test]
fn at_most_one_reference_is_released() {
    for helper in HelperId::ALL {
        let released = common(*helper).args.iter().filter(|arg| arg.releases()).count();
        assert!(released <= 1, "{helper}");
    }
    assert_eq!(common(HelperId::RingbufSubmit).released_arg(), Some(0));
    assert_eq!(common(HelperId::KptrXchg).released_arg(), Some(1));
}

#[test]
fn variants_do_not_overlap_the_common_row() {
    for variant in variants::VARIANTS.iter().filter(|variant| variant.attach.is_none()) {
        let both = variant
            .proto
            .types
            .iter()
            .find(|prog_type| common(variant.proto.helper).types.contains(*prog_type));
        assert_eq!(both, None, "{}", variant.proto.helper);
    }
}
