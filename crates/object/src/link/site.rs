//! What one instruction and its relocation, taken together, refer to.

use skep_spec::insn::{Callee, Imm64, Reg};
use skep_spec::{Insn, InsnIdx};

use super::place;
use crate::error::{Error, Place, Problem, Result};
use crate::externs::ExternIdx;
use crate::function::{Function, SLOT};
use crate::map::MapIdx;
use crate::object::{Site, SiteTarget};
use crate::reloc::RelocKind;

/// An instruction and what a relocation says about it.
pub(super) struct Here<'a> {
    pub(super) function: &'a Function,
    /// Counted from the function's beginning.
    pub(super) slot: u32,
    /// Counted from the program's beginning.
    pub(super) at: InsnIdx,
    pub(super) insn: Insn,
    pub(super) site: Option<&'a Site>,
}

/// What an instruction refers to, as far as the instruction and its relocation can say.
pub(super) enum Meaning {
    /// Nothing.
    Plain,
    /// A call of a function of the object.
    Call(Inside),
    /// The load of the address of such a function.
    Address(Reg, Inside),
    /// A call of a function that the object does not define.
    Kfunc(ExternIdx),
    /// The load of the address of something else.
    Load(Reg, Outside),
}

/// Where in the object's instructions a function should begin.
#[derive(Clone, Copy)]
pub(super) struct Inside {
    pub(super) section: usize,
    /// In bytes.
    pub(super) offset: i64,
}

/// Something outside of the program.
pub(super) enum Outside {
    /// A map, by its section and offset.
    Map(usize, u64),
    /// A byte of global data.
    Data(MapIdx, u32),
    /// What the object does not define.
    Extern(ExternIdx),
}

impl Here<'_> {
    pub(super) fn meaning(&self) -> Result<Meaning> {
        match self.insn {
            Insn::Call(callee) => self.call(callee),
            Insn::LoadImm64 { dst, imm } => self.load(dst, imm),
            Insn::Alu { .. }
            | Insn::Neg { .. }
            | Insn::Mov { .. }
            | Insn::MovSx { .. }
            | Insn::AddrSpaceCast { .. }
            | Insn::Swap { .. }
            | Insn::LoadPacket { .. }
            | Insn::Load { .. }
            | Insn::Store { .. }
            | Insn::Atomic { .. }
            | Insn::LoadAcquire { .. }
            | Insn::StoreRelease { .. }
            | Insn::Goto { .. }
            | Insn::GotoLong { .. }
            | Insn::Branch { .. }
            | Insn::MayGoto { .. }
            | Insn::Exit => self.plain("a call or a 64-bit immediate load"),
        }
    }

    /// An instruction that refers to nothing, which a relocation must not say otherwise of.
    fn plain(&self, required: &'static str) -> Result<Meaning> {
        match self.site {
            None => Ok(Meaning::Plain),
            Some(site) => Err(self.wrong_site(site, required)),
        }
    }

    fn call(&self, callee: Callee) -> Result<Meaning> {
        match callee {
            Callee::Helper(_) | Callee::Reg(_) => self.plain("a call of a function by name"),
            Callee::Kfunc { .. } => Err(self.unrelocated()),
            Callee::Local(distance) => self.local_call(i64::from(distance)),
        }
    }

    /// A call counts in slots from the one after it, or after the symbol.
    fn local_call(&self, distance: i64) -> Result<Meaning> {
        let slots = |offset: u64| signed(offset) + (distance + 1) * signed(SLOT);
        let Some(site) = self.site else {
            let offset = slots(self.function.offset + u64::from(self.slot) * SLOT);
            return Ok(Meaning::Call(Inside { section: self.function.section_index, offset }));
        };
        self.require_kind(site, RelocKind::Call, "R_BPF_64_32")?;
        match &site.target {
            &SiteTarget::Code { section, offset } => {
                Ok(Meaning::Call(Inside { section, offset: slots(offset) }))
            }
            &SiteTarget::Extern(index) => Ok(Meaning::Kfunc(index)),
            SiteTarget::Map { .. } | SiteTarget::Data { .. } => {
                Err(self.refused("data", "which cannot be called"))
            }
            SiteTarget::Refused { section, reason } => Err(self.refused(section, reason)),
        }
    }

    fn load(&self, dst: Reg, imm: Imm64) -> Result<Meaning> {
        match (imm, self.site) {
            (Imm64::Value(_), None) => Ok(Meaning::Plain),
            (Imm64::Value(value), Some(site)) => self.load_address(dst, value, site),
            (Imm64::Func(offset), Some(site)) => self.load_function(dst, i64::from(offset), site),
            (Imm64::Func(_), None)
            | (
                Imm64::MapFd(_)
                | Imm64::MapValue { .. }
                | Imm64::BtfVar { .. }
                | Imm64::MapIdx(_)
                | Imm64::MapIdxValue { .. },
                _,
            ) => Err(self.unrelocated()),
        }
    }

    /// The lower half of the immediate is a distance from the symbol.
    fn load_address(&self, dst: Reg, value: u64, site: &Site) -> Result<Meaning> {
        self.require_kind(site, RelocKind::Insn64, "R_BPF_64_64")?;
        let [b0, b1, b2, b3, ..] = value.to_le_bytes();
        let addend = i64::from(i32::from_le_bytes([b0, b1, b2, b3]));
        match &site.target {
            &SiteTarget::Map { section, offset } => match offset.checked_add_signed(addend) {
                Some(offset) => Ok(Meaning::Load(dst, Outside::Map(section, offset))),
                None => Err(self.refused(".maps", "where no map begins")),
            },
            &SiteTarget::Data { map, offset } => {
                let byte = offset.checked_add_signed(addend);
                match byte.and_then(|byte| u32::try_from(byte).ok()) {
                    Some(off) => Ok(Meaning::Load(dst, Outside::Data(map, off))),
                    None => Err(self.refused("global data", "but outside of the section")),
                }
            }
            &SiteTarget::Extern(index) => Ok(Meaning::Load(dst, Outside::Extern(index))),
            SiteTarget::Code { .. } => self.load_function(dst, addend, site),
            SiteTarget::Refused { section, reason } => Err(self.refused(section, reason)),
        }
    }

    /// The immediate is a distance in bytes from the symbol. Compilers write the load of a plain
    /// number, the assembler allows for the final form too.
    fn load_function(&self, dst: Reg, distance: i64, site: &Site) -> Result<Meaning> {
        self.require_kind(site, RelocKind::Insn64, "R_BPF_64_64")?;
        match &site.target {
            &SiteTarget::Code { section, offset } => {
                let offset = signed(offset).saturating_add(distance);
                Ok(Meaning::Address(dst, Inside { section, offset }))
            }
            SiteTarget::Map { .. } | SiteTarget::Data { .. } | SiteTarget::Extern(_) => {
                Err(self.refused("data", "which is no function of this object"))
            }
            SiteTarget::Refused { section, reason } => Err(self.refused(section, reason)),
        }
    }

    fn require_kind(&self, site: &Site, kind: RelocKind, required: &'static str) -> Result<()> {
        if site.kind == kind {
            return Ok(());
        }
        let (found, symbol) = (site.kind, site.symbol.to_string());
        Err(self.error(Problem::RelocationKind { found, symbol, required }))
    }

    fn place(&self) -> Place {
        place(self.function, self.slot)
    }

    pub(super) fn error(&self, problem: Problem) -> Error {
        self.place().error(problem)
    }

    fn unrelocated(&self) -> Error {
        self.error(Problem::Unrelocated { insn: self.insn.to_string() })
    }

    pub(super) fn refused(&self, section: &str, reason: &'static str) -> Error {
        let symbol = self.site.map_or_else(String::new, |site| site.symbol.to_string());
        let section = section.to_owned();
        self.error(Problem::RelocationTarget { symbol, section, reason })
    }

    fn wrong_site(&self, site: &Site, required: &'static str) -> Error {
        let (kind, symbol) = (site.kind, site.symbol.to_string());
        let found = self.insn.to_string();
        self.error(Problem::RelocationSite { kind, symbol, found, required })
    }
}

/// A byte offset within a section, which is within a file in memory.
fn signed(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX / 2)
}
