//! The fuzz target on the cases of this folder and on what chance makes of them: the same on every
//! run and machine.

use std::time::{Duration, Instant};

use skep_btf::{Btf, BtfBuilder, FuncLinkage, IntEncoding, Member, Param, TypeId};
use skep_spec::abi::{AttachType, MapType, ProgType};
use skep_spec::encode::encode;
use skep_spec::insn::{Callee, Imm64, Insn};
use skep_spec::{Code, InsnIdx};
use skep_verifier::fuzz;
use testkit::Case;

use crate::setting::{Setting, World, lock_types};

/// Inputs that the target gets, besides the cases themselves.
const RUNS: u32 = 4_000;
/// The same, where `SKEP_FUZZ_SECONDS` asks for a longer run: as many as come.
const SECONDS: &str = "SKEP_FUZZ_SECONDS";
/// Changes that are made to a good input, at most.
const MAX_CHANGES: usize = 4;
/// How long an input may take, in a build without optimizations on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);
/// Numbers that are often one too large.
const EDGES: [u32; 10] = [0, 1, 8, 0x7f, 0xff, 511, 0xffff, 0x1fff_ffff, 0x7fff_ffff, u32::MAX];
/// Bytes of an instruction's slot.
const SLOT: usize = 8;

/// A small generator (xorshift64*), to need no crate for it.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    fn below(&mut self, limit: usize) -> usize {
        self.next() as usize % limit.max(1)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

/// A load command, as [`fuzz::verifier`] reads it.
#[derive(Clone)]
struct Seed {
    /// Type, attach type, flags, kind of target.
    kind: [u8; 4],
    target: u32,
    program_types: Vec<u8>,
    kernel_types: Vec<u8>,
    maps: Vec<[u8; 16]>,
    functions: Vec<[u32; 2]>,
    insns: Vec<u8>,
}

impl Seed {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.kind.to_vec();
        bytes.extend(self.target.to_le_bytes());
        for types in [&self.program_types, &self.kernel_types] {
            bytes.extend(u16::try_from(types.len()).unwrap().to_le_bytes());
            bytes.extend(types);
        }
        bytes.push(u8::try_from(self.maps.len()).unwrap());
        bytes.extend(self.maps.iter().flatten());
        bytes.push(u8::try_from(self.functions.len()).unwrap());
        bytes.extend(self.functions.iter().flatten().flat_map(|word| word.to_le_bytes()));
        // One line, at the beginning.
        bytes.push(1);
        bytes.extend([0, 1, 1, 1].iter().flat_map(|word: &u32| word.to_le_bytes()));
        bytes.extend(&self.insns);
        bytes
    }

    /// A case's load command; none for a case that does not assemble.
    fn of(case: &Case) -> Option<Seed> {
        let setting = Setting::parse(case.input()).ok()?;
        let code = crate::program(case, &setting, &World::new(&setting).handles());
        let functions = functions(&code);
        let typed = functions.len() > 1;
        let flag = |name, bit: u8| u8::from(setting.has(name)) << bit;
        let (lock, _) = lock_types(16);
        let map = |map: &crate::setting::Map| {
            let mut bytes = [0; 16];
            bytes[0] = number(MapType::ALL, &map.map_type);
            bytes[1] = u8::from(map.lock) | u8::try_from(map.flags >> 4 << 2 & 0xfc).unwrap();
            bytes[2..4].copy_from_slice(&u16::try_from(map.key_size).unwrap().to_le_bytes());
            bytes[4..8].copy_from_slice(&map.value_size.to_le_bytes());
            bytes[8..12].copy_from_slice(&map.max_entries.to_le_bytes());
            // The structure behind the number and the lock.
            bytes[12..16].copy_from_slice(&3u32.to_le_bytes());
            bytes
        };
        Some(Seed {
            kind: [
                number(ProgType::ALL, &setting.prog_type),
                setting.attach_type.map_or(u8::MAX, |attach| number(AttachType::ALL, &attach)),
                u8::from(!setting.gpl)
                    | flag("strict-alignment", 1)
                    | flag("any-alignment", 2)
                    | flag("state-freq", 3)
                    | flag("sleepable", 4),
                0,
            ],
            target: 0,
            program_types: if typed { function_types().to_bytes() } else { lock.to_bytes() },
            kernel_types: kernel_types().to_bytes(),
            maps: setting.maps.iter().map(map).collect(),
            functions: if typed { functions } else { Vec::new() },
            insns: encode(&code),
        })
    }
}

fn number<T: PartialEq>(all: &[T], one: &T) -> u8 {
    u8::try_from(all.iter().position(|other| other == one).unwrap()).unwrap()
}

/// Each function of a program, with a type of [`function_types`].
fn functions(code: &Code) -> Vec<[u32; 2]> {
    let leads_to = |(at, insn): (InsnIdx, &Insn)| match insn {
        Insn::Call(Callee::Local(distance))
        | Insn::LoadImm64 { imm: Imm64::Func(distance), .. } => at.jump(*distance),
        _ => None,
    };
    let mut starts: Vec<u32> = code.iter().filter_map(leads_to).map(|at| at.0).collect();
    starts.push(0);
    starts.sort_unstable();
    starts.dedup();
    starts.into_iter().zip(4..).map(|(at, id)| [at, id]).collect()
}

/// A number, a structure and functions, of which every other is global.
fn function_types() -> Btf {
    let mut builder = BtfBuilder::new();
    let int = builder.int("int", 4, IntEncoding::Signed);
    let context = builder.structure("__sk_buff", 192, &[]);
    let pointer = builder.ptr(context);
    let param = Param { name: "context", ty: pointer };
    let proto = builder.func_proto(int, &[param, Param { name: "number", ty: int }]);
    for (number, linkage) in (0..6).zip([FuncLinkage::Static, FuncLinkage::Global].iter().cycle()) {
        builder.func(&format!("function{number}"), proto, *linkage);
    }
    builder.build().expect("types: they are well-formed")
}

/// A structure that points to itself, a tracepoint and a function that take it.
fn kernel_types() -> Btf {
    let mut builder = BtfBuilder::new();
    let int = builder.int("int", 4, IntEncoding::Signed);
    let pointer = builder.ptr(TypeId(3));
    let member = |name, ty, bit_offset| Member { name, ty, bit_offset, bitfield_size: None };
    let members = [member("next", pointer, 0), member("count", int, 64)];
    builder.structure("task_struct", 16, &members);
    let proto = builder.func_proto(int, &[Param { name: "task", ty: pointer }]);
    builder.func("wake_up", proto, FuncLinkage::Static);
    let hook = builder.ptr(proto);
    builder.typedef("btf_trace_wake_up", hook);
    builder.build().expect("types: they are well-formed")
}

/// The cases, as load commands.
fn seeds() -> Vec<Seed> {
    let folder = testkit::root().join("tests/verify");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    let case =
        |path: std::path::PathBuf| Case::parse(&path, &std::fs::read_to_string(&path).unwrap());
    paths.into_iter().filter_map(|path| Seed::of(&case(path))).collect()
}

impl Random {
    /// Changes a load command: mostly instructions, at times what stands around them.
    fn mutate(&mut self, seed: &mut Seed, others: &[Seed]) {
        for _ in 0..=self.below(MAX_CHANGES) {
            match self.next() % 12 {
                0 => seed.kind[0] = self.byte() % 36,
                1 => seed.kind[1 + self.below(3)] = self.byte() % 64,
                2 => seed.target = self.next() % 12,
                3 if !seed.maps.is_empty() => {
                    let map = self.below(seed.maps.len());
                    seed.maps[map][self.below(16)] = self.byte() >> self.below(8);
                }
                4 => self.word(&mut seed.program_types),
                5 => self.word(&mut seed.kernel_types),
                6 if !seed.functions.is_empty() => {
                    let function = self.below(seed.functions.len());
                    seed.functions[function][self.below(2)] = self.next() % 24;
                }
                7 => {
                    let other = self.below(others.len());
                    self.splice(&mut seed.insns, &others[other].insns);
                }
                _ => self.slot(&mut seed.insns),
            }
        }
    }

    /// Changes a word.
    fn word(&mut self, bytes: &mut [u8]) {
        let at = self.below(bytes.len() / 4) * 4;
        let Some(place) = bytes.get_mut(at..at + 4) else { return };
        let old = u32::from_le_bytes(place.try_into().unwrap());
        let word = match self.next() % 4 {
            0 => EDGES[self.below(EDGES.len())],
            1 => self.next() % 64,
            2 => old ^ (1 << (self.next() % 32)),
            _ => old.wrapping_add(self.next() % 9).wrapping_sub(4),
        };
        place.copy_from_slice(&word.to_le_bytes());
    }

    /// Changes an instruction: its operation, a register, the offset or the immediate.
    fn slot(&mut self, insns: &mut Vec<u8>) {
        let at = self.below(insns.len() / SLOT) * SLOT;
        let other = self.below(insns.len() / SLOT) * SLOT;
        let Some(slot) = insns.get_mut(at..at + SLOT) else { return };
        match self.next() % 9 {
            0 => slot[0] = self.byte(),
            1 => slot[0] ^= 1 << self.below(8),
            2 => slot[1] = (self.byte() % 11) | (slot[1] & 0xf0),
            3 => slot[1] = ((self.byte() % 11) << 4) | (slot[1] & 0x0f),
            4 => slot[2] = slot[2].wrapping_add(self.byte() % 17).wrapping_sub(8),
            5 => slot[2..4].copy_from_slice(&[self.byte(), self.byte() >> 4]),
            6 | 7 => self.word(&mut slot[4..]),
            _ => drop(insns.splice(other..other, insns[at..at + SLOT].to_vec())),
        }
    }

    /// Puts some instructions of another program in.
    fn splice(&mut self, insns: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(insns.len() / SLOT) * SLOT;
        let from = self.below(other.len() / SLOT) * SLOT;
        let len = (1 + self.below(6)) * SLOT;
        let part = other[from..other.len().min(from + len)].to_vec();
        let replaced =
            if self.next().is_multiple_of(2) { at.saturating_add(part.len()) } else { at };
        insns.splice(at..replaced.min(insns.len()), part);
    }
}

#[test]
fn target_takes_anything() {
    let seeds = seeds();
    assert!(seeds.len() > 40);
    let mut random = Random(0x5eed_5eed_5eed_5eed);
    let longer = std::env::var(SECONDS).ok().and_then(|seconds| seconds.parse().ok());
    let end = longer.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    seeds.iter().for_each(|seed| fuzz::verifier(&seed.bytes()));
    let mut runs = 0;
    while end.map_or(runs < RUNS, |end| Instant::now() < end) {
        runs += 1;
        let mut seed = seeds[random.below(seeds.len())].clone();
        random.mutate(&mut seed, &seeds);
        let mut bytes = seed.bytes();
        if random.next().is_multiple_of(16) {
            let at = random.below(bytes.len());
            bytes[at] = random.byte();
        }
        let start = Instant::now();
        let panicked = std::panic::catch_unwind(|| fuzz::verifier(&bytes)).is_err();
        assert!(!panicked, "input {runs}: {bytes:02x?}");
        assert!(start.elapsed() < PATIENCE, "{:?}: {bytes:02x?}", start.elapsed());
    }
}
