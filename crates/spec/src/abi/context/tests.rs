//! Sizes and offsets against known facts, and accesses one step inside and outside the rules.
use super::*;

/// What an access is, as `field+offset` or the name of the denial.
fn check(prog_type: ProgType, attach: Option<AttachType>, access: Access, expected: &str) {
    let found = match of(prog_type).access(access, attach) {
        Ok(hit) => format!("{}+{}", hit.field.name, hit.offset),
        Err(denied) => denied.to_string(),
    };
    assert_eq!(found, expected, "{prog_type} {attach:?} {access:?}");
}

#[test]
fn fields_are_in_order_and_aligned() {
    for prog_type in ProgType::ALL {
        let Some(context) = of(*prog_type).as_struct() else { continue };
        let mut end = 0;
        for field in context.layout.fields {
            // Behind the first byte of a field its rest may be another.
            let is_rest = field.offset > 0 && field.end() == end;
            assert!(field.offset >= end || is_rest, "{prog_type} {}", field.name);
            assert_eq!(field.offset % field.bytes, 0, "{prog_type} {}", field.name);
            end = field.end();
        }
        assert!(end <= context.layout.bytes, "{prog_type}");
    }
}

#[test]
fn packet_pointers_load_whole_and_unsigned() {
    let load = Access::load(4, 4);
    check(ProgType::Xdp, None, load, "data_end+0");
    check(ProgType::Xdp, None, Access::load(4, 2), "field data_end cannot be accessed like this");
    check(ProgType::Xdp, None, Access::load(4, 8), "access is not aligned to its 8 bytes");
    let signed = Access { sign_extend: true, ..load };
    check(ProgType::Xdp, None, signed, "field data_end cannot be accessed like this");
    check(ProgType::Xdp, None, Access::store(4, 4), "field data_end is not writable");
    check(
        ProgType::Xdp,
        None,
        Access::load(24, 4),
        "access ends behind the 24 bytes of the context",
    );
    check(ProgType::SchedCls, None, Access::load(140, 4), "data_meta+0");
    check(ProgType::CgroupSkb, None, Access::load(140, 4), "field data_meta is not readable");
}

#[test]
fn attach_types_decide_over_fields() {
    let egress = Access::load(20, 4);
    let missing = "field egress_ifindex is not there at this attach type";
    check(ProgType::Xdp, Some(AttachType::XdpDevmap), egress, "egress_ifindex+0");
    check(ProgType::Xdp, Some(AttachType::XdpCpumap), egress, missing);
    check(ProgType::Xdp, None, egress, missing);
    let retval = Access::store(36, 4);
    let missing = "field retval is not there at this attach type";
    check(ProgType::CgroupSockopt, Some(AttachType::CgroupGetsockopt), retval, "retval+0");
    check(ProgType::CgroupSockopt, Some(AttachType::CgroupSetsockopt), retval, missing);
}

#[test]
fn narrow_wide_and_free_fields() {
    let tc = ProgType::SchedCls;
    check(tc, None, Access::load(9, 1), "mark+1");
    check(tc, None, Access::store(9, 1), "field mark cannot be accessed like this");
    check(tc, None, Access::store(8, 4), "mark+0");
    check(tc, None, Access::load(8, 8), "field mark cannot be accessed like this");
    check(tc, None, Access::store(49, 1), "cb+1");
    check(tc, None, Access::load(56, 8), "cb+8");
    check(tc, None, Access::load(64, 8), "field cb cannot be accessed like this");
    check(tc, None, Access::load(152, 4), "field tstamp cannot be accessed like this");
    check(tc, None, Access::store(152, 8), "tstamp+0");
    check(tc, None, Access::load(180, 1), "tstamp_type+0");
    check(tc, None, Access::load(181, 1), "there is no field");
    let connect6 = Some(AttachType::CgroupInet6Connect);
    check(ProgType::CgroupSockAddr, connect6, Access::store(16, 8), "user_ip6+8");
    check(
        ProgType::CgroupSockAddr,
        connect6,
        Access::store(12, 2),
        "field user_ip6 cannot be accessed like this",
    );
}

#[test]
fn sockets_that_need_not_be_full_lack_fields() {
    use objects::Object;
    let mark = Access::load(16, 4);
    assert_eq!(Object::Socket.access(mark).unwrap().field.name, "mark");
    assert_eq!(Object::SockCommon.access(mark), Err(Denied::NotReadable { field: "mark" }));
    assert!(Object::SockCommon.access(Access::load(72, 4)).is_ok());
}

#[test]
fn privileged_fields() {
    let context = of(ProgType::CgroupSkb).as_struct().unwrap();
    let data = context.access(Access::load(76, 4), None).unwrap();
    let mark = context.access(Access::load(8, 4), None).unwrap();
    assert!(context.takes_bpf(data));
    assert!(!context.takes_bpf(mark));
}
