//! The ABI tables against the running kernel: numbers, who may call what, which context fields
//! there are. Without privileges, counted skips.
//!
//! The kernel is asked by tiny programs. It must be at least as new as the tables say (6.18), else
//! what it lacks is no mistake of theirs.

mod common;

use std::collections::BTreeMap;

use common::hooks::{allowed_return, each_hook, is_described, kernel_btf};
use common::{code, kernel, verdict};
use skep_btf::{Btf, Kind, Type};
use skep_command::prog::ProgLoad;
use skep_spec::abi::context::{self, Access, Denied};
use skep_spec::abi::verdict::Allowed;
use skep_spec::abi::{AttachType, HelperId, MapType, ProgType, proto, verdict};

/// Helpers that are there only as the kernel is configured, and locked down.
const CONFIGURED: &[HelperId] = &[HelperId::ProbeWriteUser, HelperId::OverrideReturn];

#[test]
fn helpers_are_there_as_the_kernel_says() {
    let test = "helpers_are_there_as_the_kernel_says";
    let Some(engine) = kernel(test) else { return };
    if !is_described(test) {
        return;
    }
    let mut wrong = Vec::new();
    each_hook(&engine, |hook| {
        let (prog_type, attach) = (hook.prog_type, hook.expected_attach_type);
        for helper in HelperId::ALL.iter().filter(|helper| !CONFIGURED.contains(helper)) {
            let call = code(&format!("call {}\nexit", helper.number()));
            let load = ProgLoad { code: &call, license: "", ..hook.clone() };
            let (_, log) = verdict(&engine, &load).unwrap();
            let missing = ["cannot use helper", "unknown func", "invalid func"];
            let missing = missing.iter().any(|phrase| log.contains(phrase));
            let gpl_only = log.contains("cannot call GPL-restricted function");
            let found = (!missing).then_some(gpl_only);
            let expected = proto::proto(*helper, prog_type, attach).map(|proto| proto.gpl_only);
            if found != expected {
                wrong.push(format!(
                    "{helper} of {prog_type} at {attach:?}: gpl_only {found:?}, not {expected:?}"
                ));
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn context_fields_are_there_as_the_kernel_says() {
    let test = "context_fields_are_there_as_the_kernel_says";
    let Some(engine) = kernel(test) else { return };
    if !is_described(test) {
        return;
    }
    let mut wrong = Vec::new();
    each_hook(&engine, |hook| {
        let (prog_type, attach) = (hook.prog_type, hook.expected_attach_type);
        let Some(context) = context::of(prog_type).as_struct() else { return };
        let last = allowed_return(prog_type, attach);
        for (offset, bytes, store) in accesses(context.layout.bytes) {
            let bits = bytes * 8;
            let access = if store {
                format!("r2 = 0\n*(u{bits} *)(r1 +{offset}) = r2\nr0 = {last}\nexit")
            } else {
                format!("r0 = *(u{bits} *)(r1 +{offset})\nr0 = {last}\nexit")
            };
            let access = code(&access);
            let (found, log) =
                verdict(&engine, &ProgLoad { code: &access, ..hook.clone() }).unwrap();
            let access =
                if store { Access::store(offset, bytes) } else { Access::load(offset, bytes) };
            let expected = context.access(access, attach);
            // The kernel loads parts of this one pointer as numbers, which helps nobody.
            let quirk = Err(Denied::Width { field: "buffer" });
            if found != expected.is_ok() && expected != quirk {
                wrong.push(format!(
                    "{prog_type} at {attach:?} {access:?}: {expected:?}, but\n{log}"
                ));
            }
        }
    });
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
}

/// Accesses to a context, also misaligned ones at its start and some past its end: loads
/// everywhere, and stores by words and at odd places.
fn accesses(size: u32) -> impl Iterator<Item = (u32, u32, bool)> {
    (0..size + 8)
        .flat_map(|offset| [1, 2, 4, 8].map(|bytes| (offset, bytes)))
        .filter(|(offset, bytes)| offset % bytes == 0 || *offset < 8)
        .flat_map(|(offset, bytes)| [(offset, bytes, false), (offset, bytes, true)])
        .filter(|(offset, bytes, store)| !store || *bytes >= 4 || offset % 12 == 1)
}

#[test]
fn return_values_are_checked_as_the_kernel_does() {
    let test = "return_values_are_checked_as_the_kernel_does";
    let Some(engine) = kernel(test) else { return };
    if !is_described(test) {
        return;
    }
    each_hook(&engine, |hook| {
        let (prog_type, attach) = (hook.prog_type, hook.expected_attach_type);
        for value in [-1, 0, 1, 2, 3, 4, 127] {
            let expected = match verdict::allowed(prog_type, attach) {
                Allowed::Any => true,
                Allowed::Range(least, most) => (least..=most).contains(&value),
                Allowed::ByTarget => return,
            };
            let returns = code(&format!("r0 = {value}\nexit"));
            let load = ProgLoad { code: &returns, ..hook.clone() };
            let (found, log) = verdict(&engine, &load).unwrap();
            assert_eq!(found, expected, "{prog_type} at {attach:?} returns {value}\n{log}");
        }
    });
}

/// The values of an enumeration of the kernel, by name.
fn enumeration(btf: &Btf, name: &str) -> BTreeMap<String, u32> {
    let id = btf.find_by_name(name, Kind::Enum).expect("the kernel has the enumeration");
    match btf.ty(id).expect("it was just found") {
        Type::Enum(found) => found
            .variants
            .iter()
            .map(|value| (value.name.to_owned(), u32::try_from(value.value).unwrap_or(u32::MAX)))
            .collect(),
        other => panic!("{} is no enumeration", other.name()),
    }
}

#[test]
fn numbers_are_those_of_the_kernel() {
    let test = "numbers_are_those_of_the_kernel";
    let Some(btf) = kernel_btf() else {
        return testkit::skip(&format!("{test}: the kernel has no BTF"));
    };
    if !is_described(test) {
        return;
    }
    let check = |name: &str, ours: Vec<(&str, u32)>| {
        let theirs = enumeration(&btf, name);
        for (name, number) in ours {
            assert_eq!(theirs.get(name), Some(&number), "{name}");
        }
    };
    let types = ProgType::ALL.iter().map(|of| (of.uapi_name(), of.number()));
    check("bpf_prog_type", types.collect());
    let types = AttachType::ALL.iter().map(|of| (of.uapi_name(), of.number()));
    check("bpf_attach_type", types.collect());
    let types = MapType::ALL.iter().map(|of| (of.uapi_name(), of.number()));
    check("bpf_map_type", types.collect());
    let helpers = HelperId::ALL.iter().map(|of| (of.uapi_name(), of.number()));
    check("bpf_func_id", helpers.collect());
}
