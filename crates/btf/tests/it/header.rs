//! The C dump compiles, and its types have the sizes and offsets that BTF says.

use std::collections::HashSet;
use std::fmt::Write;

use crate::support::{Kinds, clang, compile, vmlinux};
use skep_btf::{Btf, Type, dump};
use tempfile::TempDir;

/// The dump, and an assertion for each struct, union and enumeration in it that has the first
/// claim on its name.
fn assertions(btf: &Btf) -> (String, usize) {
    let mut text = dump::c(btf).unwrap();
    let defined: HashSet<String> = text.lines().map(str::to_owned).collect();
    let mut count = 0;
    for (id, ty) in btf.types() {
        let (keyword, kind) = match ty {
            Type::Struct(_) => ("struct", skep_btf::Kind::Struct),
            Type::Union(_) => ("union", skep_btf::Kind::Union),
            Type::Enum(_) => ("enum", skep_btf::Kind::Enum),
            Type::Enum64(_) => ("enum", skep_btf::Kind::Enum64),
            Type::Typedef(_) => ("", skep_btf::Kind::Typedef),
            _ => continue,
        };
        let name = ty.name();
        let first = btf.find_by_name(name, kind) == Some(id);
        let defined = defined.contains(&format!("{keyword} {name} {{"));
        let Ok(size) = btf.size_of(id) else { continue };
        let builtin = name.starts_with("__builtin");
        if name.is_empty() || builtin || !first || !(defined || keyword.is_empty()) {
            continue;
        }
        writeln!(text, "_Static_assert(sizeof({keyword} {name}) == {size}, \"{name}\");").unwrap();
        count += 1;
        let (Type::Struct(composite) | Type::Union(composite)) = ty else { continue };
        for member in composite.members {
            if let (Some(offset), None, false) =
                (member.byte_offset(), member.bitfield_size, member.name.is_empty())
            {
                let member = member.name;
                writeln!(
                    text,
                    "_Static_assert(__builtin_offsetof({keyword} {name}, {member}) == {offset}, \
                     \"{name}.{member}\");"
                )
                .unwrap();
                count += 1;
            }
        }
    }
    (text, count)
}

fn check(clang: &str, btf: &Btf, at_least: usize) {
    let (text, count) = assertions(btf);
    assert!(count >= at_least, "{count} assertions");
    let folder = TempDir::new().unwrap();
    let source = folder.path().join("header.c");
    std::fs::write(&source, text).unwrap();
    compile(clang, &source, &folder.path().join("header.o"));
}

#[test]
fn the_types_of_an_object() {
    let (Some(clang), Some(kinds)) = (clang(), Kinds::compile()) else { return };
    check(&clang, &Btf::parse(&kinds.section(".BTF")).unwrap(), 40);
}

#[test]
fn the_types_of_the_kernel() {
    let (Some(clang), Some(bytes)) = (clang(), vmlinux()) else { return };
    check(&clang, &Btf::parse(&bytes).unwrap(), 50_000);
}
