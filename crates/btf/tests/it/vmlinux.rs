//! The kernel's own BTF: large, and made by another tool than a compiler.

use crate::support::vmlinux;
use skep_btf::{Btf, Kind, Type};

#[test]
fn types_are_found() {
    let Some(bytes) = vmlinux() else { return };
    let btf = Btf::parse(&bytes).unwrap();
    assert_eq!(btf.to_bytes(), bytes);
    let task = btf.find_by_name("task_struct", Kind::Struct).unwrap();
    let Type::Struct(composite) = btf.ty(task).unwrap() else { panic!("{task}") };
    let pid = composite.members.iter().find(|member| member.name == "pid").unwrap();
    assert_eq!(btf.size_of(pid.ty), Ok(4));
    assert_eq!(btf.find_by_name("task_struct", Kind::Union), None);
    let lookup = btf.find_by_name("bpf_map_lookup_elem", Kind::Func).unwrap();
    assert!(btf.signature(lookup).is_some_and(|proto| proto.params.len() == 5));
    for (id, ty) in btf.types().filter(|(_, ty)| !ty.name().is_empty()).step_by(997) {
        assert!(matches!(ty, Type::DeclTag(_)) || btf.named(ty.name()).any(|found| found == id));
    }
}
