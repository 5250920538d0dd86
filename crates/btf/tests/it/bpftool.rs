//! Dumps are, byte for byte, those of `bpftool`.

use std::path::Path;
use std::process::Command;

use crate::support::{Kinds, VMLINUX, bpftool, output, vmlinux};
use skep_btf::{Btf, dump};

fn check(bpftool: &str, file: &Path, btf: &Btf) {
    let dump = |json: &[&str]| {
        output(Command::new(bpftool).args(json).args(["btf", "dump", "file"]).arg(file))
    };
    same_lines(&dump(&[]), &dump::raw(btf).to_string());
    let json = serde_json::to_string(&dump::json(btf)).unwrap();
    same_lines(&unsigned_values(&dump(&["-j"])), &json.replace("},{", "},\n{"));
}

/// Breaks JSON into lines, and corrects what bpftool does with large values of an unsigned `ENUM`:
/// it extends their sign to 64 bits, in JSON alone.
fn unsigned_values(json: &str) -> String {
    let mut enumeration = false;
    let lines = json.trim_end().split("},{").map(|object| {
        if object.contains("\"kind\":") {
            enumeration = object.contains("\"kind\":\"ENUM\"");
        }
        let Some((front, value)) = object.split_once("\"val\":").filter(|_| enumeration) else {
            return object.to_owned();
        };
        let digits = value.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(value.len());
        let (number, rest) = value.split_at(digits);
        let number: u64 = number.parse().unwrap_or(0);
        match u32::try_from(number.wrapping_add(1 << 31)) {
            Ok(_) if number > i64::MAX as u64 => {
                format!("{front}\"val\":{}{rest}", number & 0xffff_ffff)
            }
            _ => object.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("},\n{")
}

/// Compares line by line: a difference in ten megabytes is to be found.
fn same_lines(expected: &str, found: &str) {
    for (number, (expected, found)) in (1..).zip(expected.lines().zip(found.lines())) {
        assert_eq!(expected, found, "line {number}");
    }
    assert_eq!(expected.lines().count(), found.lines().count());
}

#[test]
fn the_types_of_an_object() {
    let (Some(bpftool), Some(kinds)) = (bpftool(), Kinds::compile()) else { return };
    let btf = Btf::parse(&kinds.section(".BTF")).unwrap();
    check(&bpftool, &kinds.folder.path().join("kinds.o"), &btf);
}

#[test]
fn the_types_of_the_kernel() {
    let (Some(bpftool), Some(bytes)) = (bpftool(), vmlinux()) else { return };
    check(&bpftool, Path::new(VMLINUX), &Btf::parse(&bytes).unwrap());
}
