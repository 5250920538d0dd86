//! A case's programs and what they share.

use skep_command::map::MapCreate;
use skep_command::prog::{ProgLoad, Semantics, TestRun};
use skep_command::{Engine, Handle, Result};
use skep_spec::abi::{MapType, ProgType};
use skep_spec::asm::assemble;
use skep_spec::insn::Imm64;
use skep_spec::{Code, Insn};

/// The longest name that a program can have.
const NAME_MAX: usize = 15;

/// A case's programs and what they share.
pub(crate) struct Script {
    prog_type: ProgType,
    packet: Vec<u8>,
    maps: Vec<MapLine>,
    programs: Vec<(String, Code)>,
}

/// A map that a case declares.
struct MapLine {
    name: String,
    map_type: MapType,
    /// Sizes of key and value, and the number of elements.
    sizes: [u32; 3],
    /// Slots of a program array, each with a program's name.
    slots: Vec<(u32, String)>,
}

/// What came of a program.
pub(crate) enum Seen {
    /// It could not be loaded.
    Refused(String),
    /// It could not be run to its end.
    Failed(String),
    /// What it gave.
    Gave(String),
}

impl Script {
    /// Reads a case.
    pub(crate) fn parse(text: &str) -> Script {
        let mut script = Script {
            prog_type: ProgType::Xdp,
            packet: frame(64),
            maps: Vec::new(),
            programs: Vec::new(),
        };
        let mut parts = text.split("\nprogram ");
        for line in parts.next().unwrap_or_default().lines() {
            script.shared(line);
        }
        for part in parts {
            let (name, source) = part.split_once('\n').expect("code follows a program's name");
            let code = assemble(source).unwrap_or_else(|error| panic!("{name}: {error}"));
            script.programs.push((name.trim().to_owned(), code));
        }
        script
    }

    fn shared(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [] => {}
            [comment, ..] if comment.starts_with(';') => {}
            ["type", name] => self.prog_type = ProgType::from_name(name).expect("a program type"),
            ["packet", len] => self.packet = frame(len.parse().expect("a length")),
            ["map", name, map_type, key, value, entries, slots @ ..] => self.maps.push(MapLine {
                name: (*name).to_owned(),
                map_type: MapType::from_name(map_type).expect("a map type"),
                sizes: [key, value, entries].map(|size| size.parse().expect("a size")),
                slots: slots.iter().map(|slot| slot_of(slot)).collect(),
            }),
            _ => panic!("what is this: {line}"),
        }
    }

    /// The names of the programs that are no slot of a program array.
    pub(crate) fn programs(&self) -> impl Iterator<Item = &str> {
        let in_slot =
            |name: &str| self.maps.iter().any(|map| map.slots.iter().any(|slot| slot.1 == name));
        self.programs.iter().map(|(name, _)| name.as_str()).filter(move |name| !in_slot(name))
    }

    /// Runs a program on an engine that has nothing yet.
    pub(crate) fn run(&self, engine: &dyn Engine, name: &str) -> Seen {
        let loaded = self.create_maps(engine).and_then(|maps| {
            let program = self.load(engine, &maps, name)?;
            for (line, map) in self.maps.iter().zip(&maps) {
                for (slot, name) in &line.slots {
                    let program = self.load(engine, &maps, name)?;
                    let handle = program.0.to_ne_bytes();
                    engine.map_update(*map, &slot.to_ne_bytes(), &handle, 0)?;
                }
            }
            Ok((maps, program))
        });
        let (maps, program) = match loaded {
            Ok(loaded) => loaded,
            Err(error) => return Seen::Refused(mask(&error.what)),
        };
        let run = TestRun {
            data: &self.packet,
            data_out_capacity: 1 << 16,
            ctx: &[],
            repeat: 1,
            flags: 0,
            cpu: 0,
            semantics: Semantics::TestRun,
        };
        match engine.prog_test_run(program, &run) {
            Ok(reply) => {
                let mut result = format!("{:#x}", reply.retval);
                if reply.data != self.packet {
                    result += &format!(", packet {}", hex(&reply.data));
                }
                self.show_maps(engine, &maps, &mut result);
                Seen::Gave(result)
            }
            Err(error) => Seen::Failed(mask(&error.what)),
        }
    }

    fn create_maps(&self, engine: &dyn Engine) -> Result<Vec<Handle>> {
        let create = |line: &MapLine| {
            let [key_size, value_size, max_entries] = line.sizes;
            engine.map_create(&MapCreate {
                name: &line.name,
                map_type: line.map_type,
                key_size,
                value_size,
                max_entries,
                flags: 0,
                extra: 0,
                inner: None,
                numa_node: None,
                btf: None,
            })
        };
        self.maps.iter().map(create).collect()
    }

    fn load(&self, engine: &dyn Engine, maps: &[Handle], name: &str) -> Result<Handle> {
        let (_, code) = self.programs.iter().find(|(other, _)| other == name).expect("a program");
        let code = bound(code, maps);
        let load = ProgLoad::new(&name[..name.len().min(NAME_MAX)], self.prog_type, &code);
        engine.prog_load(&load).map(|loaded| loaded.handle)
    }

    /// Adds values that are not zero.
    fn show_maps(&self, engine: &dyn Engine, maps: &[Handle], result: &mut String) {
        for (line, map) in self.maps.iter().zip(maps) {
            if line.map_type != MapType::Array {
                continue;
            }
            for index in 0..line.sizes[2] {
                let value = engine.map_lookup(*map, &index.to_ne_bytes(), 0).expect("an element");
                if value.iter().any(|byte| *byte != 0) {
                    *result += &format!(", {}[{index}] = {}", line.name, hex(&value));
                }
            }
        }
    }
}

/// The code with maps by handle in place of maps by number.
fn bound(code: &Code, maps: &[Handle]) -> Code {
    let handle = |fd: i32| maps[usize::try_from(fd).expect("a map's number")].0;
    let bind = |insn: &Insn| match *insn {
        Insn::LoadImm64 { dst, imm: Imm64::MapFd(fd) } => {
            Insn::LoadImm64 { dst, imm: Imm64::MapFd(handle(fd)) }
        }
        Insn::LoadImm64 { dst, imm: Imm64::MapValue { fd, off } } => {
            Insn::LoadImm64 { dst, imm: Imm64::MapValue { fd: handle(fd), off } }
        }
        other => other,
    };
    code.iter().map(|(_, insn)| bind(insn)).collect()
}

fn slot_of(text: &str) -> (u32, String) {
    let (slot, name) = text.split_once('=').expect("SLOT=PROGRAM");
    (slot.parse().expect("a slot"), name.to_owned())
}

/// Bytes that count up, those of an IPv4 frame's type in their place.
fn frame(len: u8) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..len).collect();
    bytes[12..14].copy_from_slice(&[8, 0]);
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text without addresses, which differ from run to run.
fn mask(text: &str) -> String {
    let is_address = |word: &str| word.starts_with("0x") && word.len() > 10;
    let masked = text.split(' ').map(|word| {
        let (number, rest) = word.split_at(word.find([':', ',']).unwrap_or(word.len()));
        if is_address(number) { format!("ADDRESS{rest}") } else { word.to_owned() }
    });
    masked.collect::<Vec<_>>().join(" ")
}
