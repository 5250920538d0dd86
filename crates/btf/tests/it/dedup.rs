//! Types that are there several times, beside what libbpf makes of them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use crate::listing;
use crate::support::{VMLINUX, clang, compile, our_objects, output, types_in, vmlinux};
use skep_btf::dedup::{Dedup, Deduplicated};
use skep_btf::{Btf, BtfBuilder, Error, IntEncoding, Kind, Member, TypeId, dump};
use tempfile::TempDir;
use testkit::skip;

/// The program that asks libbpf.
fn libbpf(folder: &Path) -> Option<PathBuf> {
    let program = folder.join("libbpf_btf");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/libbpf_btf.c");
    let mut gcc = Command::new("gcc");
    gcc.arg("-O2").arg("-o").arg(&program).arg(source).args(["-lbpf", "-lelf", "-lz"]);
    if gcc.output().is_ok_and(|output| output.status.success()) {
        return Some(program);
    }
    skip("comparison with libbpf: gcc and libbpf-dev are needed");
    None
}

fn merge(parts: &[Btf]) -> Deduplicated {
    let mut builder = BtfBuilder::new();
    parts.iter().for_each(|part| drop(builder.append(part).unwrap()));
    Dedup::new(&builder.build().unwrap()).run().unwrap()
}

/// The types of these files once, which must be what libbpf makes of them: as many bytes, and the
/// same types in the same order. Strings may be in another.
fn check(libbpf: &Path, files: &[PathBuf]) {
    let out = libbpf.with_file_name("out.btf");
    let figures = output(Command::new(libbpf).args(files).arg(&out));
    let parts: Vec<Btf> = files.iter().map(|file| types_in(file)).collect();
    let start = Instant::now();
    let found = merge(&parts).btf;
    let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap()).collect();
    println!(
        "{} types in {:?} of {names:?}; libbpf: before, after, µs {figures}",
        found.last_id(),
        start.elapsed()
    );
    let theirs = std::fs::read(&out).unwrap();
    assert_eq!(found.to_bytes().len(), theirs.len(), "{names:?}");
    let theirs = dump::raw(&Btf::parse(&theirs).unwrap()).to_string();
    assert!(dump::raw(&found).to_string() == theirs, "{names:?}");
    assert_eq!(Dedup::new(&found).run().unwrap().btf.to_bytes(), found.to_bytes());
}

#[test]
fn types_of_objects_are_what_libbpf_leaves() {
    let folder = TempDir::new().unwrap();
    let (Some(libbpf), Some(clang)) = (libbpf(folder.path()), clang()) else { return };
    let sources = ["one", "two"].map(|name| {
        let source = testkit::root().join(format!("tests/btf/dedup/{name}.bpf.c"));
        let object = folder.path().join(format!("{name}.o"));
        compile(&clang, &source, &object);
        object
    });
    let [one, two] = sources;
    check(&libbpf, std::slice::from_ref(&one));
    check(&libbpf, &[one.clone(), one.clone(), one.clone()]);
    check(&libbpf, &[one.clone(), two.clone()]);
    check(&libbpf, &[two.clone(), one.clone()]);
    let mut ours = our_objects();
    check(&libbpf, &ours);
    ours.extend([one, two]);
    check(&libbpf, &ours);
    ours.reverse();
    check(&libbpf, &ours);
}

#[test]
fn types_of_the_kernel_are_what_libbpf_leaves() {
    let folder = TempDir::new().unwrap();
    let (Some(libbpf), Some(_)) = (libbpf(folder.path()), vmlinux()) else { return };
    let firewall = testkit::root().join("bpf/obj/firewall.bpf.o");
    check(&libbpf, &[VMLINUX.into(), firewall]);
}

/// Where each type is there once, writing it again changes no byte.
#[test]
fn what_is_there_once_is_written_as_it_was() {
    let mut files = our_objects();
    files.extend(vmlinux().map(|_| VMLINUX.into()));
    let mut count = 0;
    for file in &files {
        let btf = types_in(file);
        let again = Dedup::new(&btf).keep_strings().run().unwrap().btf;
        if again.last_id() == btf.last_id() {
            assert!(again.to_bytes() == btf.to_bytes(), "{}", file.display());
            count += 1;
        }
    }
    println!("{count} of {} files have each type once", files.len());
    assert!(count > 0);
}

/// A program that is meant for the kernel has types of the kernel: in split BTF they go.
#[test]
fn types_of_the_base_are_used() {
    let Some(bytes) = vmlinux() else { return };
    let base = Arc::new(Btf::parse(&bytes).unwrap());
    let mut builder = BtfBuilder::split(base.clone());
    let task = base.find_by_name("task_struct", Kind::Struct).unwrap();
    let int = builder.int("int", 4, IntEncoding::Signed);
    let copy = builder.copy(&base, task, |id| id).unwrap();
    let pointer = builder.ptr(copy);
    let mine = builder.typedef("mine_alone", pointer);
    let merged = Dedup::new(&builder.build().unwrap()).run().unwrap();
    assert_eq!(merged.ids.get(copy), Some(task));
    assert_eq!(merged.ids.get(int), base.find_by_name("int", Kind::Int));
    assert!(merged.ids.get(pointer).unwrap() < merged.btf.first_id());
    assert_eq!(merged.ids.get(mine), Some(merged.btf.first_id()));
    assert_eq!(merged.btf.own_types().count(), 1);
}

const TWO_SYMBOLS: &str = "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED
[2] VAR 'a' type_id=1, linkage=extern
[3] VAR 'a' type_id=1, linkage=global
[4] DATASEC '.data' size=4 vlen=1
\ttype_id=2 offset=0 size=4 (VAR 'a')
";

#[test]
fn linkers_replace_and_remove() {
    let btf = listing::parse(TWO_SYMBOLS).build().unwrap();
    let dump = |dedup: &Dedup<'_>| dump::raw(&dedup.run().unwrap().btf).to_string();
    let mut dedup = Dedup::new(&btf);
    assert_eq!(dump(&dedup), TWO_SYMBOLS);
    dedup.instead(TypeId(2), TypeId(3));
    let once = "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED
[2] VAR 'a' type_id=1, linkage=global
[3] DATASEC '.data' size=4 vlen=1
\ttype_id=2 offset=0 size=4 (VAR 'a')
";
    assert_eq!(dump(&dedup), once);
    let ids = dedup.run().unwrap().ids;
    assert_eq!(ids.get(TypeId(2)), Some(TypeId(2)));
    assert_eq!(ids.get(TypeId(3)), Some(TypeId(2)));
    dedup.without(TypeId(4));
    assert_eq!(dump(&dedup), once.split_inclusive("global\n").next().unwrap());
    assert_eq!(dedup.run().unwrap().ids.get(TypeId(4)), None);

    dedup.without(TypeId(1));
    let error = dedup.run().unwrap_err();
    assert_eq!(error.to_string(), "type 3 refers to type 1, which is to be removed");
    dedup.instead(TypeId(3), TypeId(2));
    assert!(matches!(dedup.run().unwrap_err(), Error::Circle { .. }));
    let error = Dedup::new(&btf).instead(TypeId(2), TypeId(5)).run().unwrap_err();
    assert_eq!(error, Error::UnknownType { id: TypeId(5), last: TypeId(4) });
    let error = Dedup::new(&btf).instead(TypeId(1), TypeId(2)).run().unwrap_err();
    assert!(error.to_string().contains("VAR"), "{error}");
}

#[test]
fn strings_can_stay_where_they_are() {
    let mut builder = BtfBuilder::new();
    let line = builder.text("int unused_line;");
    builder.int("int", 4, IntEncoding::Signed);
    builder.int("int", 4, IntEncoding::Signed);
    let btf = builder.build().unwrap();
    let kept = Dedup::new(&btf).keep_strings().run().unwrap().btf;
    assert_eq!(kept.string(line).unwrap(), "int unused_line;");
    assert_eq!(kept.types().count(), 1);
    assert_eq!(kept.ty(TypeId(1)).unwrap().name(), "int");
    let compact = Dedup::new(&btf).run().unwrap().btf;
    assert!(compact.to_bytes().len() < kept.to_bytes().len());
}

fn member(name: &str, ty: TypeId) -> Member<'_> {
    Member { name, ty, bit_offset: 0, bitfield_size: None }
}

/// Thirty thousand structs without a name, each with a pointer to the next: those at the ends
/// of two such chains differ, and so all do.
#[test]
fn long_chains_take_no_time() {
    const LINKS: u32 = 30_000;
    let mut builder = BtfBuilder::new();
    for end in ["left", "right"] {
        for _ in 0..LINKS {
            let next = TypeId(builder.next_id().0 + 2);
            let pointer = TypeId(builder.next_id().0 + 1);
            builder.structure("", 8, &[member("next", pointer)]);
            builder.ptr(next);
        }
        builder.structure(end, 8, &[]);
    }
    let btf = builder.build().unwrap();
    let start = Instant::now();
    let found = Dedup::new(&btf).run().unwrap().btf;
    assert_eq!(found.types().count(), btf.types().count());
    println!("{} types in {:?}", btf.types().count(), start.elapsed());
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

/// A hundred thousand copies of a struct that leads back to itself through its neighbour are one.
#[test]
fn circles_are_one() {
    const COPIES: u32 = 100_000;
    let mut builder = BtfBuilder::new();
    for copy in 0..COPIES {
        let neighbour = TypeId((copy + 1) % COPIES * 2 + 1);
        let pointer = TypeId(builder.next_id().0 + 1);
        builder.structure("ring", 8, &[member("next", pointer)]);
        builder.ptr(neighbour);
    }
    let found = Dedup::new(&builder.build().unwrap()).run().unwrap().btf;
    assert_eq!(
        dump::raw(&found).to_string(),
        "[1] STRUCT 'ring' size=8 vlen=1\n\t'next' type_id=2 bits_offset=0\n[2] PTR '(anon)' type_id=1\n"
    );
}
