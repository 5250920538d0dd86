//! What accepted programs consist of, counted: one for each program that holds it.

mod classes;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use skep_spec::abi::{HelperId, proto};
use skep_spec::insn::{Callee, Imm64, Insn, Operand, PacketIndex, Width};

pub(crate) use classes::classes;

/// A number of programs by what they hold.
#[derive(Default)]
pub(crate) struct Tally {
    classes: BTreeMap<String, usize>,
    families: BTreeMap<&'static str, usize>,
    helpers: BTreeMap<String, usize>,
    hooks: BTreeMap<String, (usize, usize)>,
}

impl Tally {
    /// Counts a program at its hook.
    pub(crate) fn hook(&mut self, name: String, accepted: bool) {
        let (all, taken) = self.hooks.entry(name).or_default();
        *all += 1;
        *taken += usize::from(accepted);
    }

    /// In how many accepted programs a class of instructions stands.
    pub(crate) fn of_class(&self, class: &str) -> usize {
        self.classes.get(class).copied().unwrap_or(0)
    }

    /// In how many accepted programs a family of helpers stands.
    pub(crate) fn of_family(&self, family: &str) -> usize {
        self.families.get(family).copied().unwrap_or(0)
    }

    /// Adds all of another tally.
    pub(crate) fn merge(&mut self, other: Tally) {
        add(&mut self.classes, other.classes);
        add(&mut self.families, other.families);
        add(&mut self.helpers, other.helpers);
        for (hook, (all, taken)) in other.hooks {
            let mine = self.hooks.entry(hook).or_default();
            mine.0 += all;
            mine.1 += taken;
        }
    }

    /// Counts what an accepted program consists of.
    pub(crate) fn accepted(&mut self, insns: &[Insn]) {
        let classes: BTreeSet<String> = insns.iter().map(class).collect();
        let called = |insn: &Insn| match insn {
            Insn::Call(Callee::Helper(number)) => HelperId::from_u32(u32::try_from(*number).ok()?),
            _ => None,
        };
        let helpers: BTreeSet<HelperId> = insns.iter().filter_map(called).collect();
        let families: BTreeSet<&str> = helpers.iter().map(|id| proto::family(*id)).collect();
        for class in classes {
            *self.classes.entry(class).or_default() += 1;
        }
        for helper in helpers {
            *self.helpers.entry(helper.to_string()).or_default() += 1;
        }
        for family in families {
            *self.families.entry(family).or_default() += 1;
        }
    }
}

fn add<K: Ord>(to: &mut BTreeMap<K, usize>, from: BTreeMap<K, usize>) {
    for (name, count) in from {
        *to.entry(name).or_default() += count;
    }
}

/// The families of helpers.
pub(crate) fn families() -> BTreeSet<&'static str> {
    HelperId::ALL.iter().map(|helper| proto::family(*helper)).collect()
}

/// The class of an instruction: what it does, at what width, with what kind of operand.
fn class(insn: &Insn) -> String {
    let operand = |operand: &Operand| match operand {
        Operand::Reg(_) => "reg",
        Operand::Imm(_) => "imm",
    };
    let bits = |width: &Width| match width {
        Width::W32 => 32,
        Width::W64 => 64,
    };
    match insn {
        Insn::Alu { width, op, src, .. } => format!("{op:?}{} {}", bits(width), operand(src)),
        Insn::Neg { width, .. } => format!("Neg{}", bits(width)),
        Insn::Mov { width, src, .. } => format!("Mov{} {}", bits(width), operand(src)),
        Insn::MovSx { width, from, .. } => format!("MovSx{} {from:?}", bits(width)),
        Insn::AddrSpaceCast { .. } => "AddrSpaceCast".into(),
        Insn::Swap { kind, size, .. } => format!("Swap {kind:?} {size:?}"),
        Insn::LoadImm64 { imm, .. } => match imm {
            Imm64::Value(_) => "LoadImm64 Value".into(),
            Imm64::MapFd(_) => "LoadImm64 MapFd".into(),
            Imm64::MapValue { .. } => "LoadImm64 MapValue".into(),
            Imm64::BtfVar { .. } => "LoadImm64 BtfVar".into(),
            Imm64::Func(_) => "LoadImm64 Func".into(),
            Imm64::MapIdx(_) => "LoadImm64 MapIdx".into(),
            Imm64::MapIdxValue { .. } => "LoadImm64 MapIdxValue".into(),
        },
        Insn::LoadPacket { size, index, .. } => match index {
            PacketIndex::Abs => format!("LoadPacket Abs {size:?}"),
            PacketIndex::Ind(_) => format!("LoadPacket Ind {size:?}"),
        },
        Insn::Load { size, signed, .. } => {
            format!("Load {size:?}{}", if *signed { " signed" } else { "" })
        }
        Insn::Store { size, src, .. } => format!("Store {size:?} {}", operand(src)),
        Insn::Atomic { size, op, .. } => format!("Atomic {size:?} {op:?}"),
        Insn::LoadAcquire { size, .. } => format!("LoadAcquire {size:?}"),
        Insn::StoreRelease { size, .. } => format!("StoreRelease {size:?}"),
        Insn::Goto { .. } => "Goto".into(),
        Insn::GotoLong { .. } => "GotoLong".into(),
        Insn::Branch { width, cond, src, .. } => {
            format!("{cond:?}{} {}", bits(width), operand(src))
        }
        Insn::MayGoto { .. } => "MayGoto".into(),
        Insn::Call(Callee::Helper(_)) => "Call Helper".into(),
        Insn::Call(Callee::Local(_)) => "Call Local".into(),
        Insn::Call(Callee::Kfunc { .. }) => "Call Kfunc".into(),
        Insn::Call(Callee::Reg(_)) => "Call Reg".into(),
        Insn::Exit => "Exit".into(),
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "programs accepted by the kernel, of all, by hook:")?;
        for (hook, (all, accepted)) in &self.hooks {
            writeln!(f, "  {accepted:>7} of {all:>7} {hook}")?;
        }
        columns(f, "accepted programs by instruction", &self.classes)?;
        columns(f, "accepted programs by helper", &self.helpers)?;
        let families = self.families.iter().map(|(name, count)| ((*name).to_owned(), *count));
        columns(f, "accepted programs by helper family", &families.collect())
    }
}

/// Prints counts, several a line.
fn columns(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    counts: &BTreeMap<String, usize>,
) -> fmt::Result {
    const A_LINE: usize = 4;
    writeln!(f, "{title}:")?;
    let counts: Vec<_> = counts.iter().collect();
    for line in counts.chunks(A_LINE) {
        let cells = line.iter().map(|(name, count)| format!("{count:>7} {name:<22}"));
        writeln!(f, "{}", cells.collect::<String>().trim_end())?;
    }
    Ok(())
}
