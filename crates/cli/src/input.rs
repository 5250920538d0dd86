//! Reading what the command line names.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use skep::btf::Btf;
use skep::compile;
use skep::object::map::{Initial, SlotTarget};
use skep::object::{FunctionIdx, Object, ProgramKind};
use skep::spec::abi::ProgType;
use skep::spec::classic::{Raw, dump, raw};

use crate::failure::Failure;

/// The most that is read of an input that is kept in memory: objects and listings are far smaller.
const MAX_INPUT_LEN: u64 = 256 << 20;

/// The bytes of a file, or of standard input for `-`.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut data = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(MAX_INPUT_LEN + 1).read_to_end(&mut data)
    } else {
        fs::File::open(path).and_then(|file| file.take(MAX_INPUT_LEN + 1).read_to_end(&mut data))
    };
    read.map_err(|error| Failure::at(path.display(), error))?;
    if data.len() as u64 > MAX_INPUT_LEN {
        let message = format!("more than {} MiB, which no BPF object has", MAX_INPUT_LEN >> 20);
        return Err(Failure::at(path.display(), message));
    }
    Ok(data)
}

/// The text of a file, or of standard input for `-`.
pub(crate) fn text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(bytes(path)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::at(path.display(), format_args!("not text: byte {at} is not UTF-8"))
    })
}

/// The bytes of an object file, compiled first if it is C source.
pub(crate) fn object_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    if !compile::is_source(path) {
        return bytes(path);
    }
    compile::compile(path).map_err(|error| {
        let failure = Failure::new(&error);
        match error.help() {
            Some(help) => failure.help(help),
            None => failure,
        }
    })
}

/// The object in a file, compiled first if it is C source.
pub(crate) fn object(path: &Path) -> Result<Arc<Object>, Failure> {
    let bytes = object_bytes(path)?;
    parse_object(path, &bytes).map(Arc::new)
}

/// The object in these bytes of a file.
pub(crate) fn parse_object(path: &Path, bytes: &[u8]) -> Result<Object, Failure> {
    let file_name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = file_name.split('.').next().unwrap_or_default();
    Object::parse(name, bytes).map_err(|error| Failure::at(path.display(), error))
}

/// Whether a file is an object, by its first bytes.
pub(crate) fn is_object(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x7fELF")
}

/// The bytes that a hexadecimal text stands for; bytes that are no such text, unchanged.
///
/// A program of the length of a text would have to begin with opcodes that are all digits and
/// white space, and end in the middle of a slot or in a jump beyond its end.
pub(crate) fn from_hex(path: &Path, bytes: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let is_text = |byte: &u8| byte.is_ascii_hexdigit() || byte.is_ascii_whitespace();
    if bytes.is_empty() || !bytes.iter().all(is_text) {
        return Ok(bytes);
    }
    let digits: Vec<u8> = bytes.into_iter().filter(u8::is_ascii_hexdigit).collect();
    if !digits.len().is_multiple_of(2) {
        let message = format!("an odd number of hexadecimal digits: {}", digits.len());
        return Err(Failure::at(path.display(), message));
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0);
    let pairs = digits.chunks_exact(2);
    pairs
        .map(|pair| u8::try_from(digit(pair[0]) << 4 | digit(pair[1])))
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::at(path.display(), error))
}

/// The classic filter in a file, in whatever form.
pub(crate) fn classic_file(path: &Path) -> Result<Vec<Raw>, Failure> {
    let bytes = bytes(path)?;
    if let Some(text) = str::from_utf8(&bytes).ok().filter(|text| is_filter_text(text)) {
        return dump::parse(text).map_err(|error| Failure::in_text(path.display(), text, error));
    }
    let bytes = from_hex(path, bytes)?;
    raw::from_bytes(&bytes).map_err(|left| {
        let what = format!("{left} bytes are left over: classic instructions have 8 bytes each");
        Failure::at(path.display(), what)
    })
}

/// The classic filter that an argument is, or that stands in the file that it names.
pub(crate) fn classic_filter(given: &str) -> Result<Vec<Raw>, Failure> {
    let is_text = given.trim().contains('\n') || given.contains(',');
    if is_text && !Path::new(given).exists() {
        return dump::parse(given).map_err(|error| Failure::in_text("the filter", given, error));
    }
    classic_file(Path::new(given))
}

/// Whether this is a filter as text, rather than its bytes or hexadecimal digits.
///
/// A text of decimal numbers begins with their count, which has no more than five digits, on a line
/// of its own or before a comma. A line of hexadecimal digits has whole bytes.
fn is_filter_text(text: &str) -> bool {
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return false;
    }
    let trimmed = text.trim_start();
    let first = trimmed.split(['\n', ',']).next().unwrap_or_default().trim();
    let is_hex = trimmed.chars().all(|c| c.is_ascii_hexdigit() || c.is_whitespace());
    let is_count = first.len() <= 5 && first.chars().all(|c| c.is_ascii_digit());
    let has_more = trimmed.trim_end().contains(['\n', ',']);
    !is_hex || is_count && has_more
}

/// The programs that other programs call through a program array.
pub(crate) fn called_programs(object: &Object) -> BTreeSet<FunctionIdx> {
    let slots = object.maps().iter().filter_map(|map| match &map.initial {
        Initial::Slots(slots) => Some(slots),
        Initial::Empty | Initial::Zeroes | Initial::Bytes(_) => None,
    });
    slots
        .flatten()
        .filter_map(|slot| match slot.target {
            SlotTarget::Program(index) => Some(index),
            SlotTarget::Map(_) => None,
        })
        .collect()
}

/// The program type of this name, as bpftool has it (`xdp`, `sched_cls`) or as section names have
/// it (`tc`, `socket`).
pub(crate) fn prog_type(name: &str) -> Result<ProgType, Failure> {
    ProgType::from_name(name).or_else(|| ProgramKind::of_section(name).prog_type).ok_or_else(|| {
        let names: Vec<_> = ProgType::ALL.iter().map(|known| known.name()).collect();
        Failure::new(format!("there is no program type `{name}`"))
            .help(format!("known are {}", names.join(", ")))
    })
}

/// The types that an object's CO-RE relocations are answered from: the file that is named, or this
/// machine's kernel's. `None` if the object has no such relocations.
pub(crate) fn core_types(object: &Object, named: Option<&Path>) -> Result<Option<Btf>, Failure> {
    let functions = (0..object.functions().len()).map(FunctionIdx);
    if functions.into_iter().all(|function| object.core_relocations(function).is_empty()) {
        return Ok(None);
    }
    let path = named.unwrap_or(Path::new(KERNEL_BTF));
    if named.is_none() && !path.exists() {
        return Err(Failure::new(format!(
            "the object is to be adapted to a kernel's types, and this machine has no {KERNEL_BTF}"
        ))
        .help("give the types of the kernel to run on: --btf FILE"));
    }
    types(path).map(Some)
}

/// The types in a file.
pub(crate) fn types(path: &Path) -> Result<Btf, Failure> {
    let bytes = bytes(path)?;
    Btf::parse(&bytes).map_err(|error| Failure::at(path.display(), error))
}

/// Where Linux shows its own types.
const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// An error of the library about what a file holds.
pub(crate) fn library_failure(path: &Path, error: &skep::Error) -> Failure {
    let mut failure = Failure::at(path.display(), error);
    if let Some(log) = error.log().filter(|log| !log.is_empty()) {
        failure = failure.note(format_args!("the verifier says:\n{log}"));
    }
    if let Some(help) = error.help() {
        failure = failure.help(help);
    }
    failure
}
