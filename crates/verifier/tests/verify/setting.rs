//! How a case is to be loaded.

use std::sync::Arc;

use skep_btf::{Btf, BtfBuilder, IntEncoding, Member};
use skep_spec::abi::{AttachType, MapType, ProgType};
use skep_spec::insn::Imm64;
use skep_verifier::environment::{MapBtf, MapFacts, NoMap};
use skep_verifier::{Environment, fields};

/// How a case is to be loaded, and its program.
pub(crate) struct Setting {
    pub(crate) prog_type: ProgType,
    pub(crate) attach_type: Option<AttachType>,
    pub(crate) gpl: bool,
    pub(crate) flags: Vec<String>,
    pub(crate) maps: Vec<Map>,
    pub(crate) program: String,
}

/// A map of a case.
pub(crate) struct Map {
    pub(crate) name: String,
    pub(crate) map_type: MapType,
    pub(crate) key_size: u32,
    pub(crate) value_size: u32,
    pub(crate) max_entries: u32,
    pub(crate) flags: u32,
    /// Whether its values begin with a spin lock.
    pub(crate) lock: bool,
    /// Its inner map's number.
    pub(crate) inner: Option<usize>,
}

impl Setting {
    /// Reads a case. What is no directive keeps its line.
    pub(crate) fn parse(text: &str) -> Result<Setting, String> {
        let mut setting = Setting {
            prog_type: ProgType::SocketFilter,
            attach_type: Some(AttachType::CgroupInetIngress),
            gpl: true,
            flags: Vec::new(),
            maps: Vec::new(),
            program: String::new(),
        };
        for line in text.lines() {
            if let Some(directive) = line.trim().strip_prefix('.') {
                setting.directive(directive).map_err(|error| format!("`{line}`: {error}"))?;
            } else {
                setting.program.push_str(line);
            }
            setting.program.push('\n');
        }
        Ok(setting)
    }

    /// Whether a flag is set.
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|set| set == flag)
    }

    fn directive(&mut self, line: &str) -> Result<(), String> {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default();
        let mut word = || words.next().ok_or("a word is missing");
        match name {
            "type" => {
                let name = word()?;
                self.prog_type = ProgType::from_name(name).ok_or("no such program type")?;
            }
            "attach" => {
                let name = word()?;
                self.attach_type = Some(AttachType::from_name(name).ok_or("no such attach type")?);
            }
            "licence" => self.gpl = word()? == "gpl",
            "flags" => self.flags.extend(words.map(str::to_owned)),
            "map" => {
                let map = self.map(words)?;
                self.maps.push(map);
            }
            _ => return Err("no such directive".into()),
        }
        Ok(())
    }

    fn map<'a>(&self, mut words: impl Iterator<Item = &'a str>) -> Result<Map, String> {
        let name = words.next().ok_or("the map's name is missing")?.to_owned();
        let map_type = words.next().and_then(MapType::from_name).ok_or("no such map type")?;
        let mut map = Map {
            name,
            map_type,
            key_size: 4,
            value_size: 4,
            max_entries: 1,
            flags: 0,
            lock: false,
            inner: None,
        };
        while let Some(key) = words.next() {
            if key == "lock" {
                map.lock = true;
                continue;
            }
            let value = words.next().ok_or("a value is missing")?;
            if key == "inner" {
                map.inner = self.maps.iter().position(|map| map.name == value);
                continue;
            }
            let value = value.parse().map_err(|_| "no number")?;
            match key {
                "key" => map.key_size = value,
                "value" => map.value_size = value,
                "entries" => map.max_entries = value,
                "flags" => map.flags = value,
                _ => return Err(format!("no such property: {key}")),
            }
        }
        Ok(map)
    }
}

/// Types of a value that begins with a spin lock, and the number of the value's.
pub(crate) fn lock_types(value_size: u32) -> (Btf, MapTypes) {
    let mut builder = BtfBuilder::new();
    let int = builder.int("int", 4, IntEncoding::Signed);
    let member = |name, ty, bit_offset| Member { name, ty, bit_offset, bitfield_size: None };
    let lock = builder.structure("bpf_spin_lock", 4, &[member("val", int, 0)]);
    let members = [member("lock", lock, 0), member("count", int, 32)];
    let value = builder.structure("value", value_size, &members);
    (builder.build().expect("types: they are well-formed"), MapTypes { key: int, value })
}

/// The types of a map's keys and values.
pub(crate) struct MapTypes {
    pub(crate) key: skep_btf::TypeId,
    pub(crate) value: skep_btf::TypeId,
}

/// The world of a case: its maps, by number.
pub(crate) struct World {
    maps: Vec<MapFacts>,
}

impl World {
    pub(crate) fn new(setting: &Setting) -> World {
        let mut maps: Vec<MapFacts> = Vec::new();
        for (map, id) in setting.maps.iter().zip(0..) {
            let inner = map.inner.map(|number| Box::new(maps[number].clone()));
            let btf = map.lock.then(|| {
                let (btf, types) = lock_types(map.value_size);
                MapBtf { btf: Arc::new(btf), value: types.value }
            });
            maps.push(MapFacts {
                id,
                name: map.name.clone(),
                map_type: map.map_type,
                key_size: map.key_size,
                value_size: map.value_size,
                max_entries: map.max_entries,
                flags: map.flags,
                frozen: None,
                inner,
                fields: btf.as_ref().map_or(Vec::new(), |btf| fields::of(&btf.btf, btf.value)),
                btf,
            });
        }
        World { maps }
    }

    /// What stands in the instructions for each map.
    pub(crate) fn handles(&self) -> Vec<i32> {
        (0..self.maps.len()).map(|number| i32::try_from(number).expect("few maps")).collect()
    }
}

impl Environment for World {
    fn map(&self, reference: Imm64) -> Result<MapFacts, NoMap> {
        let (Imm64::MapFd(fd) | Imm64::MapValue { fd, .. }) = reference else {
            return Err(NoMap::NoArray);
        };
        let map = usize::try_from(fd).ok().and_then(|number| self.maps.get(number));
        map.cloned().ok_or(NoMap::NotAMap)
    }

    fn kernel_btf(&self) -> Option<&Btf> {
        None
    }
}
