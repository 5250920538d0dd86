//! The disassembler against the running kernel, which logs a program's text before it judges it.
//!
//! bpftool makes the system call. The program is the case `tests/asm/kernel.txt`.

use std::process::Command;

use object::write::{Object, Symbol, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, SectionKind, SymbolFlags, SymbolKind, SymbolScope,
};
use skep_spec::Code;
use skep_spec::asm::assemble;
use skep_spec::disasm::Listing;
use skep_spec::encode::encode;

#[test]
fn text_equals_the_kernels() {
    let path = testkit::root().join("tests/asm/kernel.txt");
    let text = std::fs::read_to_string(path).expect("the case is there");
    let source = text.split("\n--- ").next().expect("a source");
    let code = assemble(source).expect("the case assembles");

    let log = match kernel_log(&code) {
        Ok(log) => log,
        Err(reason) => return testkit::skip(&format!("disassembly against the kernel: {reason}")),
    };
    let theirs: Vec<String> = log.lines().filter_map(instruction).collect();
    if theirs.is_empty() {
        let reason = if log.contains("Operation not permitted") {
            "bpf(2) is not permitted here"
        } else {
            assert!(log.contains("processed "), "the program did not reach a verifier: {log}");
            "this kernel logs no table of live registers"
        };
        return testkit::skip(&format!("disassembly against the kernel: {reason}"));
    }
    let listing = Listing::new(&code).to_string();
    let ours: Vec<&str> = listing.lines().map(str::trim_start).collect();
    assert_eq!(theirs, ours);
}

/// The instruction in a line of the table `Live regs before insn:`, such as
/// `      0: .1........ (bf) r6 = r1`, without the registers.
fn instruction(line: &str) -> Option<String> {
    let (slot, rest) = line.split_once(": ")?;
    let (live, text) = rest.split_once(' ')?;
    let is_live = live.len() == 10 && live.bytes().all(|c| c == b'.' || c.is_ascii_digit());
    (is_live && text.starts_with('(')).then(|| format!("{}: {text}", slot.trim_start()))
}

/// What the kernel logs about a program; an error says what is missing here.
fn kernel_log(code: &Code) -> Result<String, String> {
    let file = tempfile::Builder::new().suffix(".o").tempfile().map_err(|e| e.to_string())?;
    std::fs::write(file.path(), object_file(code)).map_err(|error| error.to_string())?;
    // Never reached: the program is refused.
    let pin = format!("/sys/fs/bpf/skep-test-{}", std::process::id());
    let output = Command::new("bpftool")
        .args(["--debug", "prog", "load"])
        .arg(file.path())
        .arg(pin)
        .output()
        .map_err(|error| format!("bpftool does not start: {error}"))?;
    assert!(!output.status.success(), "the kernel accepted a program that reads r9");
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// An object file with one socket filter.
fn object_file(code: &Code) -> Vec<u8> {
    let mut object = Object::new(BinaryFormat::Elf, Architecture::Bpf, Endianness::Little);
    let license = object.add_section(Vec::new(), b"license".to_vec(), SectionKind::Data);
    object.append_section_data(license, b"GPL\0", 1);
    let section = object.add_section(Vec::new(), b"socket".to_vec(), SectionKind::Text);
    let bytes = encode(code);
    object.append_section_data(section, &bytes, 8);
    object.add_symbol(Symbol {
        name: b"program".to_vec(),
        value: 0,
        size: bytes.len() as u64,
        kind: SymbolKind::Text,
        scope: SymbolScope::Dynamic,
        weak: false,
        section: SymbolSection::Section(section),
        flags: SymbolFlags::None,
    });
    object.write().expect("a small object file can be written")
}
