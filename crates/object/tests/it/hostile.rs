//! Objects that are damaged, by hand or at random.

use std::ops::Range;
use std::time::{Duration, Instant};

use skep_object::{Object, fuzz};

use crate::support::{self, objects};

/// Objects made of each good one.
const MUTANTS: u32 = 200;
/// Changes that are made to an object, at most.
const MAX_CHANGES: u64 = 8;
/// What one object may take, in a debug build on a busy machine.
const MAX_TIME: Duration = Duration::from_secs(5);

fn counters() -> Vec<u8> {
    std::fs::read(objects().join("counters.bpf.o")).expect("the project's objects are there")
}

/// Writes bytes over an object and expects an error.
#[track_caller]
fn check(offset: usize, bytes: &[u8], expected: &str) {
    let mut object = counters();
    object[offset..offset + bytes.len()].copy_from_slice(bytes);
    let error = Object::parse("damaged", &object).expect_err("it is damaged");
    assert_eq!(error.to_string(), expected);
}

/// Where the header of a section is, by its name.
fn section_header(object: &[u8], name: &str) -> usize {
    let parsed = Object::parse("whole", object).expect("it is whole");
    let index = parsed.sections().iter().position(|section| section.name == name);
    let table = u64::from_le_bytes(object[40..48].try_into().expect("eight bytes"));
    usize::try_from(table).expect("a file in memory") + 64 * index.expect("it has the section")
}

/// Where a section's bytes are.
fn section_offset(object: &[u8], name: &str) -> usize {
    let header = section_header(object, name);
    let offset = object[header + 24..header + 32].try_into().expect("eight bytes");
    usize::try_from(u64::from_le_bytes(offset)).expect("a file in memory")
}

#[test]
fn headers_of_other_files() {
    check(
        0,
        b"#!/b",
        "object file, offset 0x0: no ELF file: it begins with [23, 21, 2f, 62], not 7f 45 4c 46",
    );
    check(4, &[1], "object file, offset 0x4: ELF class 1, where 2 (64-bit) is required");
    check(
        5,
        &[2],
        "object file, offset 0x5: ELF data encoding 2 (big-endian), where 1 (little-endian) is \
         required: compile with -target bpfel",
    );
    check(
        18,
        &62u16.to_le_bytes(),
        "object file, offset 0x12: code for ELF machine 62 (x86-64), where 247 (EM_BPF) is \
         required: compile with -target bpf",
    );
    check(
        16,
        &2u16.to_le_bytes(),
        "object file, offset 0x10: ELF file type 2, where 1 (ET_REL, relocatable) is required: \
         compile with -c and do not link",
    );
}

#[test]
fn sections_outside_the_file_or_on_top_of_each_other() {
    let object = counters();
    let size = object.len();
    let xdp = section_header(&object, "xdp");
    check(
        xdp + 24,
        &(size as u64).to_le_bytes(),
        &format!(
            "section 'xdp': the section's end in the file needs {} bytes, {size} are there",
            size + 160 * 8
        ),
    );
    let inside = section_offset(&object, "xdp") as u64 + 8;
    check(
        section_header(&object, ".maps") + 24,
        &inside.to_le_bytes(),
        "section '.maps': its bytes overlap those of section 'xdp'",
    );
}

#[test]
fn relocations_that_lead_nowhere() {
    let object = counters();
    let relocations = section_offset(&object, ".relxdp");
    check(
        relocations + 12,
        &9999u32.to_le_bytes(),
        &format!(
            "section 'xdp', offset {:#x}: relocation against symbol number 9999, of {} symbols",
            u64::from_le_bytes(object[relocations..relocations + 8].try_into().expect("eight")),
            section_size(&object, ".symtab") / 24
        ),
    );
    let mut moved = object.clone();
    moved[relocations] += 4;
    program_fails(&moved, "a relocation against 'protocols' is at no instruction");
    let mut other = object.clone();
    other[relocations + 8] = 10;
    program_fails(&other, "relocation R_BPF_64_32 against 'protocols'");
    let mut unknown = object;
    unknown[relocations + 8] = 99;
    program_fails(&unknown, "relocation type 99 against 'protocols'");
}

fn section_size(object: &[u8], name: &str) -> u64 {
    let header = section_header(object, name);
    u64::from_le_bytes(object[header + 32..header + 40].try_into().expect("eight bytes"))
}

/// Expects that the object's one program cannot be used, for a reason.
#[track_caller]
fn program_fails(object: &[u8], reason: &str) {
    let object = Object::parse("damaged", object).expect("the object itself is right");
    let index = object.find_program("counters").expect("it has the program");
    let error = object.program(index, None).expect_err("the program is wrong").to_string();
    assert!(error.contains(reason), "{error}");
    assert!(error.starts_with("function 'counters' (section 'xdp'), instruction "), "{error}");
}

#[test]
fn instructions_that_mean_nothing() {
    let mut object = counters();
    let code = section_offset(&object, "xdp");
    object[code] = 0xff;
    program_fails(&object, "instruction 0: unknown opcode ff");
}

#[test]
fn files_cut_anywhere() {
    let object = counters();
    for end in (0..object.len()).step_by(7) {
        let cut = Object::parse("cut", &object[..end]);
        assert!(cut.is_err(), "{end} of {} bytes are an object", object.len());
    }
}

/// A small generator (xorshift64*), to need no crate for it.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).expect("below a usize")
    }

    /// Changes bits, bytes and words at places where it may hurt, mostly to numbers that may.
    fn mutate(&mut self, bytes: &mut Vec<u8>, places: &[Range<usize>]) {
        const WORDS: [u32; 8] = [0, 1, 8, 0x7fff_ffff, 0x8000_0000, u32::MAX, 0xffff, 0x0100_0000];
        for _ in 0..=self.next() % MAX_CHANGES {
            let place = &places[self.below(places.len())];
            let at = place.start + self.below(place.len());
            match self.next() % 8 {
                0..=2 => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = self.next().to_le_bytes()[0];
                    }
                }
                3 | 4 => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << self.below(8);
                    }
                }
                5 | 6 => {
                    let word = WORDS[self.below(WORDS.len())].to_le_bytes();
                    let at = at & !3;
                    if let Some(target) = bytes.get_mut(at..at + 4) {
                        target.copy_from_slice(&word);
                    }
                }
                _ => {
                    let from = self.below(bytes.len());
                    let end = bytes.len().min(from + 24);
                    let copied = bytes[from..end].to_vec();
                    if let Some(target) = bytes.get_mut(at..at + copied.len()) {
                        target.copy_from_slice(&copied);
                    }
                }
            }
        }
        if self.next().is_multiple_of(50) {
            let end = self.below(bytes.len());
            bytes.truncate(end);
        }
    }
}

/// The parts of an object that matter: all but debug information, and its headers.
fn places(object: &[u8]) -> Vec<Range<usize>> {
    let parsed = Object::parse("whole", object).expect("it is whole");
    let names = parsed.sections().iter().map(|section| section.name.as_str());
    let mut places: Vec<_> = names
        .filter(|name| !name.starts_with(".debug") && !name.is_empty())
        .map(|name| {
            let (start, size) = (section_offset(object, name), section_size(object, name));
            start..start + usize::try_from(size).expect("a file in memory")
        })
        .filter(|place| !place.is_empty() && place.end <= object.len())
        .collect();
    let table = u64::from_le_bytes(object[40..48].try_into().expect("eight bytes"));
    places.push(0..64);
    places.push(usize::try_from(table).expect("a file in memory")..object.len());
    places
}

#[test]
fn random_damage() {
    let mut paths = support::files(&objects(), ".bpf.o");
    paths.extend(support::compiled_cases(&support::scratch("hostile")));
    let mut random = Random(0x5eed_0b1e_c7f0_0001);
    for path in paths {
        let object = std::fs::read(&path).expect("the object is there");
        fuzz::object(&object);
        let places = places(&object);
        for number in 0..MUTANTS {
            let mut mutant = object.clone();
            random.mutate(&mut mutant, &places);
            let start = Instant::now();
            fuzz::object(&mutant);
            let took = start.elapsed();
            assert!(took < MAX_TIME, "mutant {number} of {}: {took:?}", path.display());
        }
    }
}

/// Mutants of each object that are linked, and adapted to damaged types.
const FEWER_MUTANTS: u32 = 20;

/// Does something to whole and damaged bytes, each within the time that it may take.
fn damage(bytes: &[u8], random: &mut Random, places: &[Range<usize>], run: impl Fn(&[u8])) {
    run(bytes);
    for number in 0..FEWER_MUTANTS {
        let mut mutant = bytes.to_vec();
        random.mutate(&mut mutant, places);
        let start = Instant::now();
        run(&mutant);
        let took = start.elapsed();
        assert!(took < MAX_TIME, "mutant {number}: {took:?}");
    }
}

#[test]
fn damaged_objects_are_linked() {
    let mut random = Random(0x5eed_11cc_0000_0001);
    let mut paths = support::files(&objects(), ".bpf.o");
    paths.extend(support::compiled_cases(&support::scratch("hostile-link")));
    for path in paths {
        let object = std::fs::read(&path).expect("the object is there");
        damage(&object, &mut random, &places(&object), fuzz::link);
    }
}

#[test]
fn programs_are_adapted_to_damaged_types() {
    let mut random = Random(0x5eed_c04e_0000_0001);
    for path in support::compiled_cases(&support::scratch("hostile-core")) {
        let object = std::fs::read(&path).expect("the object is there");
        let Some(types) = support::parse(&path).btf().map(skep_btf::Btf::to_bytes) else {
            continue;
        };
        let mut bytes = u32::try_from(object.len()).expect("it is small").to_le_bytes().to_vec();
        bytes.extend_from_slice(&object);
        let start = bytes.len();
        bytes.extend_from_slice(&types);
        damage(&bytes, &mut random, std::slice::from_ref(&(start..bytes.len())), fuzz::core);
        let (at, size) = (section_offset(&object, ".BTF"), section_size(&object, ".BTF"));
        let own = 4 + at..4 + at + usize::try_from(size).expect("a file in memory");
        damage(&bytes, &mut random, &[own], fuzz::core);
    }
}

#[test]
fn damaged_map_definitions() {
    let mut random = Random(0x5eed_3a95_0000_0001);
    let outer: [u32; 9] = [12, 4, 4, 1, 0, 0, 0, 7, 0];
    let inner: [u32; 9] = [2, 4, 8, 1, 0, 7, 2, 0, 0];
    let words: Vec<u8> = outer.iter().chain(&inner).flat_map(|word| word.to_le_bytes()).collect();
    for shape in 0..8u8 {
        let bytes: Vec<u8> = [shape].into_iter().chain(words.iter().copied()).collect();
        for _ in 0..50 {
            damage(&bytes, &mut random, std::slice::from_ref(&(0..bytes.len())), fuzz::legacy_maps);
        }
    }
}

#[test]
fn many_symbols_with_one_long_name() {
    let object = counters();
    let header = section_header(&object, ".strtab");
    let grown = 5000u64;
    let mut moved = object.clone();
    moved[header + 24..header + 32].copy_from_slice(&(object.len() as u64).to_le_bytes());
    moved[header + 32..header + 40].copy_from_slice(&grown.to_le_bytes());
    moved.extend(std::iter::repeat_n(b'x', 4999));
    moved.push(0);
    let error = Object::parse("long", &moved).expect_err("the names are too long").to_string();
    assert!(error.ends_with("4097 bytes of names, at most 4096 are supported"), "{error}");
}
