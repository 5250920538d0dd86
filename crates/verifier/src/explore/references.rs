//! What the instructions refer to outside of the program: its maps.

use skep_spec::InsnIdx;
use skep_spec::abi::{MapType, ProgType};
use skep_spec::insn::{Imm64, Insn};

use crate::environment::{Environment, FieldKind, MapFacts, NoMap};
use crate::input::Input;
use crate::limits;
use crate::maps::{MapIdx, Maps};
use crate::rejection::{Check, Reason, Stop, unsupported};

/// The map of each instruction that names one.
#[derive(Debug, Default)]
pub(crate) struct References {
    maps: Vec<(InsnIdx, MapIdx)>,
}

impl References {
    /// Looks up all maps that a program names.
    pub(crate) fn resolve(
        input: &Input<'_>,
        environment: &dyn Environment,
        maps: &mut Maps,
    ) -> Check<References> {
        let mut references = References::default();
        for (at, insn) in input.code.iter() {
            let Insn::LoadImm64 { imm, .. } = insn else { continue };
            let reject = |reason| Box::new(Stop::RejectedAt(at, reason));
            let (fd, off) = match *imm {
                Imm64::Value(_) | Imm64::Func(_) => continue,
                // Their addresses are looked up even where no path comes by.
                Imm64::BtfVar { .. } => return unsupported("variables of the kernel"),
                Imm64::MapFd(fd) | Imm64::MapIdx(fd) => (fd, None),
                Imm64::MapValue { fd, off } | Imm64::MapIdxValue { idx: fd, off } => {
                    (fd, Some(off))
                }
            };
            let facts = environment.map(*imm).map_err(|no_map| {
                reject(match no_map {
                    NoMap::NotAMap => Reason::NotAMap { fd },
                    NoMap::NoArray => Reason::NoMapArray,
                })
            })?;
            if facts.map_type == MapType::Arena {
                return unsupported("arenas");
            }
            check_compatible(input, &facts, maps).map_err(reject)?;
            if let Some(off) = off {
                check_direct(&facts, off).map_err(reject)?;
            }
            let map = maps.add(facts);
            if maps.named() > limits::MAPS {
                return Err(reject(Reason::TooManyMaps));
            }
            references.maps.push((at, map));
        }
        Ok(references)
    }

    /// The map that an instruction names.
    pub(crate) fn map_at(&self, at: InsnIdx) -> MapIdx {
        let found = self.maps.binary_search_by_key(&at, |(at, _)| *at);
        self.maps[found.expect("references: every map was looked up")].1
    }
}

/// Whether programs of this type may use the map at all.
fn check_compatible(input: &Input<'_>, facts: &MapFacts, maps: &Maps) -> Result<(), Reason> {
    let refuse = |program, kind| Err(Reason::FieldInProgramType { program, kind });
    if facts.has_lock() && input.prog_type == ProgType::SocketFilter {
        return refuse("socket filter", FieldKind::SpinLock);
    }
    if is_tracing(input.prog_type) {
        for kind in [FieldKind::ListHead, FieldKind::RbRoot] {
            if facts.field(kind).is_some() {
                return refuse("tracing", kind);
            }
        }
        if facts.has_lock() {
            return refuse("tracing", FieldKind::SpinLock);
        }
        for kind in [FieldKind::Timer, FieldKind::Workqueue] {
            if facts.field(kind).is_some() {
                return refuse("tracing", kind);
            }
        }
    }
    if facts.map_type == MapType::StructOps {
        return Err(Reason::StructOpsMap);
    }
    if input.flags.sleepable && !skep_spec::abi::map_rules::of(facts.map_type).sleepable {
        return Err(Reason::MapInSleepable(facts.map_type));
    }
    let storage = matches!(facts.map_type, MapType::CgroupStorage | MapType::PercpuCgroupStorage);
    if storage && maps.has_other(facts) {
        return Err(Reason::CgroupStorages);
    }
    Ok(())
}

/// Whether programs of this type run anywhere in the kernel.
fn is_tracing(prog_type: ProgType) -> bool {
    matches!(
        prog_type,
        ProgType::Kprobe
            | ProgType::Tracepoint
            | ProgType::PerfEvent
            | ProgType::RawTracepoint
            | ProgType::RawTracepointWritable
    )
}

/// Whether the address of a byte of the first value may be taken.
fn check_direct(facts: &MapFacts, off: u32) -> Result<(), Reason> {
    if facts.map_type != MapType::Array {
        return Err(Reason::NoDirectValue);
    }
    if i64::from(off) >= limits::POINTER_OFFSET {
        return Err(Reason::DirectValueOffset { off });
    }
    if facts.max_entries != 1 || off >= facts.value_size {
        return Err(Reason::DirectValueRange { value_size: facts.value_size, off });
    }
    Ok(())
}
