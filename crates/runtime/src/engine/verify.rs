//! Programs are verified when they are loaded, against the maps that they refer to.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use skep_btf::{Btf, TypeId};
use skep_command::prog::ProgLoad;
use skep_command::{Errno, Handle, Result};
use skep_spec::abi::MapType;
use skep_spec::abi::flags::{map as map_flags, prog_load};
use skep_spec::abi::license::is_gpl_compatible;
use skep_spec::insn::{Imm64, Insn};
use skep_verifier::environment::{MapBtf, MapFacts, NoMap};
use skep_verifier::input::{FuncInfo, LineInfo, NO_ATTACH_TYPE, Target};
use skep_verifier::log::Level;
use skep_verifier::{Environment, Flags, Input, Options, Outcome, Report, fields, verify};

use super::error;
use super::objects::Objects;
use crate::kernel_types::KernelTypes;
use crate::maps::Map;

/// What an engine has that a program is verified against.
pub(super) struct Surroundings<'a> {
    maps: HashMap<i32, Arc<Map>>,
    btf: Option<Arc<Btf>>,
    types: &'a KernelTypes,
    cpus: u32,
}

impl<'a> Surroundings<'a> {
    /// What a program refers to of the open handles; so that they need not be held while it is
    /// verified, which can take a second.
    pub(super) fn of(
        prog: &ProgLoad<'_>,
        objects: &Objects,
        types: &'a KernelTypes,
        cpus: u32,
    ) -> Result<Surroundings<'a>> {
        let fds = prog.code.iter().filter_map(|(_, insn)| match insn {
            Insn::LoadImm64 { imm: Imm64::MapFd(fd) | Imm64::MapValue { fd, .. }, .. } => Some(*fd),
            _ => None,
        });
        let mut maps = HashMap::new();
        for fd in fds {
            match objects.map(Handle(fd)) {
                Ok(map) => drop(maps.insert(fd, map)),
                Err(closed) if closed.errno == Errno::EBADF => {
                    let what = format!("load program {:?}: handle {fd} is not open", prog.name);
                    return Err(error(Errno::EBADF, what));
                }
                // The verifier has words for handles of something else.
                Err(_) => {}
            }
        }
        let btf = prog.btf.map(|btf| objects.btf(btf.btf)).transpose()?;
        Ok(Surroundings { maps, btf, types, cpus })
    }
}

impl Environment for Surroundings<'_> {
    fn map(&self, reference: Imm64) -> std::result::Result<MapFacts, NoMap> {
        match reference {
            Imm64::MapFd(fd) | Imm64::MapValue { fd, .. } => {
                self.maps.get(&fd).map(|map| facts(map)).ok_or(NoMap::NotAMap)
            }
            Imm64::MapIdx(_) | Imm64::MapIdxValue { .. } => Err(NoMap::NoArray),
            Imm64::Value(_) | Imm64::BtfVar { .. } | Imm64::Func(_) => Err(NoMap::NotAMap),
        }
    }

    fn kernel_btf(&self) -> Option<&Btf> {
        self.types.get()
    }

    fn cpus(&self) -> u32 {
        self.cpus
    }
}

/// Verifies a program; gives the log that was asked for.
///
/// # Errors
///
/// Where the program is not accepted, with the log, whether or not one was asked for.
pub(super) fn check(prog: &ProgLoad<'_>, around: &Surroundings<'_>) -> Result<String> {
    let funcs: Vec<FuncInfo> = (prog.btf.iter().flat_map(|btf| btf.funcs))
        .map(|info| FuncInfo { at: info.at, type_id: info.type_id })
        .collect();
    let lines: Vec<LineInfo> = (prog.btf.iter().flat_map(|btf| btf.lines))
        .map(|info| LineInfo {
            at: info.at,
            file_name_off: info.file_name_off,
            line_off: info.line_off,
            line: info.line_col >> 10,
            column: info.line_col & 0x3ff,
        })
        .collect();
    let flag = |flag| prog.flags & flag != 0;
    let input = Input {
        code: prog.code,
        prog_type: prog.prog_type,
        attach_type: Some(prog.expected_attach_type.unwrap_or(NO_ATTACH_TYPE)),
        gpl: is_gpl_compatible(prog.license),
        flags: Flags {
            strict_alignment: flag(prog_load::STRICT_ALIGNMENT),
            any_alignment: flag(prog_load::ANY_ALIGNMENT),
            test_state_freq: flag(prog_load::TEST_STATE_FREQ),
            sleepable: flag(prog_load::SLEEPABLE),
            xdp_has_frags: flag(prog_load::XDP_HAS_FRAGS),
        },
        btf: around.btf.as_deref(),
        func_info: &funcs,
        line_info: &lines,
        target: (prog.attach_btf_id != 0).then_some(Target::Kernel(TypeId(prog.attach_btf_id))),
    };
    let Report { outcome, log, .. } = verify(&input, around, options(level(prog.log_level)));
    let (errno, why) = match outcome {
        Outcome::Accepted(_) => return Ok(log),
        Outcome::Rejected(rejection) => {
            (Errno(rejection.reason.errno()), format!("rejected: {}", rejection.final_line))
        }
        Outcome::Unsupported(unsupported) => {
            (Errno::EOPNOTSUPP, format!("not verified: it uses {}", unsupported.what))
        }
    };
    let log = match log.is_empty() {
        true => verify(&input, around, options(Level::Changes)).log,
        false => log,
    };
    let refused = error(errno, format!("load program {:?}: {why}", prog.name));
    Err(refused.with_log(log).with_help("`skep check` says at which line, and why"))
}

fn options(log: Level) -> Options {
    Options { log, prune: true }
}

/// The level of a log by the bits of the load command (`BPF_LOG_LEVEL1`, `2`, `BPF_LOG_STATS`).
fn level(bits: u32) -> Level {
    match bits {
        bits if bits & 2 != 0 => Level::All,
        bits if bits & 1 != 0 => Level::Changes,
        bits if bits & 4 != 0 => Level::Statistics,
        _ => Level::Silent,
    }
}

/// What programs depend on of a map.
fn facts(map: &Map) -> MapFacts {
    let btf = map.types().cloned();
    let read_only = map.flags() & map_flags::RDONLY_PROG != 0 && map.map_type() == MapType::Array;
    let first = |map: &Map| map.command_lookup(&0_u32.to_ne_bytes(), 0).ok();
    let frozen = if read_only && map.is_frozen() { first(map).map(Rc::from) } else { None };
    let size = |size: usize| u32::try_from(size).expect("maps: sizes are of 32 bits");
    MapFacts {
        id: map.id().into(),
        name: map.name().to_owned(),
        map_type: map.map_type(),
        key_size: size(map.key_size()),
        value_size: size(map.value_size()),
        max_entries: map.max_entries(),
        flags: map.flags(),
        frozen,
        inner: None,
        fields: btf.as_ref().map_or(Vec::new(), |btf: &MapBtf| fields::of(&btf.btf, btf.value)),
        btf,
    }
}
