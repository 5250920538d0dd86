//! The header of the kernel's types compiles, and says what they are.
//!
//! What a compiler makes of it is compared in two ways: it is asked for each size and offset, and
//! the types that it writes down, read from debug information by `pahole`, must be the kernel's.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::support::{VMLINUX, bpftool, clang, output, vmlinux};
use skep_btf::{Btf, Composite, Enum, Type, TypeId, dump};
use tempfile::TempDir;
use testkit::skip;

/// What the compiler has already; what it stands for differs by machine, so that it is not written.
const BUILTIN: [&str; 2] = ["__builtin_va_list", "va_list"];

/// The kernel's types, and their header in a folder.
fn header() -> Option<(Btf, TempDir)> {
    let btf = Btf::parse(&vmlinux()?).unwrap();
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("ours.h"), dump::c(&btf).unwrap()).unwrap();
    Some((btf, folder))
}

fn gcc() -> Option<&'static str> {
    let found = Command::new("gcc").arg("--version").output().is_ok();
    if !found {
        skip("the header of the kernel's types: no gcc");
    }
    found.then_some("gcc")
}

/// The name without the number that tells it from another of the same name.
fn plain(name: &str) -> &str {
    match name.rsplit_once("___") {
        Some((front, number)) if number.bytes().all(|digit| digit.is_ascii_digit()) => front,
        _ => name,
    }
}

/// Size and offsets of a struct or union that is the only one of its name, as assertions.
fn assertions(keyword: &str, composite: &Composite<'_>, text: &mut String) -> usize {
    let Composite { name, size, members } = composite;
    writeln!(text, "_Static_assert(sizeof({keyword} {name}) == {size}, \"{name}\");").unwrap();
    let plain = members.iter().filter(|member| member.bitfield_size.is_none());
    let mut count = 1;
    for member in plain.filter(|member| !member.name.is_empty()) {
        let (field, offset) = (member.name, member.bit_offset / 8);
        let assertion = format!("__builtin_offsetof({keyword} {name}, {field}) == {offset}");
        writeln!(text, "_Static_assert({assertion}, \"{name}.{field}\");").unwrap();
        count += 1;
    }
    count
}

#[test]
fn compilers_agree_about_sizes_and_offsets() {
    let Some((btf, folder)) = header() else { return };
    let mut tags: BTreeMap<&str, u32> = BTreeMap::new();
    let tagged = |ty: &Type<'_>| {
        matches!(ty, Type::Struct(_) | Type::Union(_) | Type::Enum(_) | Type::Enum64(_))
            && !ty.name().is_empty()
    };
    for (_, ty) in btf.types().filter(|(_, ty)| tagged(ty)) {
        *tags.entry(ty.name()).or_default() += 1;
    }
    let mut text = "#include \"ours.h\"\n".to_owned();
    let (mut structs, mut count) = (0, 0);
    for (_, ty) in btf.types().filter(|(_, ty)| tags.get(ty.name()) == Some(&1)) {
        let (keyword, composite) = match &ty {
            Type::Struct(composite) => ("struct", composite),
            Type::Union(composite) => ("union", composite),
            _ => continue,
        };
        structs += 1;
        count += assertions(keyword, composite, &mut text);
    }
    let source = folder.path().join("assertions.c");
    std::fs::write(&source, text).unwrap();
    let strict = ["-Werror", "-Wno-unknown-attributes", "-Wno-attributes", "-fsyntax-only"];
    if let Some(clang) = clang() {
        output(Command::new(clang).args(["-target", "bpf"]).args(strict).arg(&source));
    }
    if let Some(gcc) = gcc() {
        output(Command::new(gcc).args(strict).arg(&source));
    }
    println!("{count} sizes and offsets of {structs} structs and unions");
}

/// All types with a name as text, by kind and name; the numbers of names left out.
fn named(btf: &Btf) -> BTreeMap<(&str, &str), Vec<String>> {
    let mut named: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for (_, ty) in btf.types().filter(|(_, ty)| !ty.name().is_empty()) {
        let (kind, text) = match &ty {
            Type::Struct(composite) => ("struct", body(btf, composite)),
            Type::Union(composite) => ("union", body(btf, composite)),
            Type::Enum(of) | Type::Enum64(of) => ("enum", values(of)),
            Type::Typedef(typedef) => ("typedef", spell(btf, typedef.ty)),
            _ => continue,
        };
        if !BUILTIN.contains(&ty.name()) {
            named.entry((kind, plain(ty.name()))).or_default().push(text);
        }
    }
    named.values_mut().for_each(|texts| texts.sort());
    named
}

fn body(btf: &Btf, composite: &Composite<'_>) -> String {
    let mut text = format!("{} bytes:", composite.size);
    for member in composite.members {
        let (at, bits) = (member.bit_offset, member.bitfield_size.unwrap_or(0));
        write!(text, " {}: {} at {at} of {bits};", member.name, spell(btf, member.ty)).unwrap();
    }
    text
}

fn values(of: &Enum<'_>) -> String {
    let mut text = format!("{} bytes:", of.size);
    for value in of.variants {
        write!(text, " {} = {},", plain(value.name), value.value).unwrap();
    }
    text
}

/// A type as a reader of the header knows it: up to the first name.
fn spell(btf: &Btf, id: TypeId) -> String {
    let ty = btf.ty(id).unwrap();
    let name = plain(ty.name());
    match ty {
        Type::Void => "void".to_owned(),
        Type::Struct(composite) if name.is_empty() => {
            format!("struct {{{}}}", body(btf, &composite))
        }
        Type::Union(composite) if name.is_empty() => format!("union {{{}}}", body(btf, &composite)),
        Type::Enum(of) | Type::Enum64(of) if name.is_empty() => format!("enum {{{}}}", values(&of)),
        Type::Struct(_) | Type::Union(_) | Type::Fwd(_) => format!("tagged {name}"),
        Type::Enum(_) | Type::Enum64(_) => format!("enum {name}"),
        Type::Ptr(target) => format!("*{}", spell(btf, target)),
        Type::Array(array) => format!("[{}]{}", array.nelems, spell(btf, array.element)),
        Type::Const(target) => format!("const {}", spell(btf, target)),
        Type::Volatile(target) => format!("volatile {}", spell(btf, target)),
        Type::Restrict(target) => format!("restrict {}", spell(btf, target)),
        // Compilers do not put them down for pahole.
        Type::TypeTag(tag) => spell(btf, tag.ty),
        Type::FuncProto(proto) => {
            let params: Vec<_> = proto.params.iter().map(|param| spell(btf, param.ty)).collect();
            format!("({}) {}", params.join(", "), spell(btf, proto.ret))
        }
        Type::Int(_)
        | Type::Float(_)
        | Type::Typedef(_)
        | Type::Func(_)
        | Type::Var(_)
        | Type::Datasec(_)
        | Type::DeclTag(_) => name.to_owned(),
    }
}

/// The types that gcc finds in a header, as pahole reads them from its debug information.
fn compiled(gcc: &str, header: &Path) -> Option<Btf> {
    let [source, object, types] = ["c", "o", "btf"].map(|ending| header.with_extension(ending));
    std::fs::write(&source, format!("#include \"{}\"\n", header.display())).unwrap();
    let all = ["-g", "-fno-eliminate-unused-debug-types", "-c"];
    output(Command::new(gcc).args(all).arg(&source).arg("-o").arg(&object));
    let mut encoded = std::ffi::OsString::from("--btf_encode_detached=");
    encoded.push(&types);
    match Command::new("pahole").arg("-J").arg(encoded).arg(&object).output() {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(error) => {
            skip(&format!("the types of a compiled header: pahole: {error}"));
            return None;
        }
    }
    Some(Btf::parse(&std::fs::read(&types).unwrap()).unwrap())
}

/// The types with a name that differ.
fn differences(kernel: &Btf, found: &Btf) -> Vec<String> {
    let (kernel, found) = (named(kernel), named(found));
    let keys = kernel.keys().chain(found.keys().filter(|key| !kernel.contains_key(*key)));
    let differ = keys.filter(|key| kernel.get(key) != found.get(key));
    differ.map(|key| format!("{key:?}\n  {:?}\n  {:?}", kernel.get(key), found.get(key))).collect()
}

#[test]
fn what_is_compiled_is_what_the_kernel_has() {
    let (Some((btf, folder)), Some(gcc)) = (header(), gcc()) else { return };
    let Some(ours) = compiled(gcc, &folder.path().join("ours.h")) else { return };
    let different = differences(&btf, &ours);
    let count = named(&btf).values().map(Vec::len).sum::<usize>();
    assert!(different.is_empty(), "{}: {}", different.len(), different[..1].join("\n"));
    println!("{count} types with a name are the same");

    let Some(bpftool) = bpftool() else { return };
    let theirs = folder.path().join("theirs.h");
    let dump = ["btf", "dump", "file", VMLINUX, "format", "c"];
    std::fs::write(&theirs, output(Command::new(bpftool).args(dump))).unwrap();
    let Some(theirs) = compiled(gcc, &theirs) else { return };
    let different = differences(&btf, &theirs);
    println!("bpftool's header: {} of them differ from the kernel's", different.len());
    let names: Vec<_> = different.iter().filter_map(|text| text.lines().next()).collect();
    println!("{}", names.join(" "));
}
