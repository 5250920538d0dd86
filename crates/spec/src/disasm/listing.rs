//! A whole program as text.

use std::collections::BTreeSet;
use std::fmt;

use super::{Symbols, Text};
use crate::code::{Code, InsnIdx};
use crate::insn::{Callee, Imm64, Insn};

/// Displays a program, one instruction a line.
///
/// Lines are as the kernel's verifier logs them, slot and opcode byte before the text. After
/// [`Listing::source`] they hold the text alone.
///
/// ```
/// use skep_spec::{disasm::Listing, insn::{Imm64, Reg}, Code, Insn};
///
/// let load = Insn::LoadImm64 { dst: Reg::R0, imm: Imm64::Value(1) };
/// let code = Code::from_iter([load, Insn::Goto { off: -3 }, Insn::Exit]);
/// let kernel = "   0: (18) r0 = 0x1\n   2: (05) goto pc-3\n   3: (95) exit\n";
/// assert_eq!(Listing::new(&code).to_string(), kernel);
///
/// let source = "l0:\n    r0 = 0x1 ll\n    goto l0\n    exit\n";
/// assert_eq!(Listing::new(&code).labels().source().to_string(), source);
/// ```
pub struct Listing<'a> {
    code: &'a Code,
    names: Names<'a>,
    source: bool,
}

impl<'a> Listing<'a> {
    /// A program, as the kernel would print it.
    pub fn new(code: &'a Code) -> Listing<'a> {
        let names = Names { symbols: &(), labels: BTreeSet::new() };
        Listing { code, names, source: false }
    }

    /// Puts names for numbers, and lines that name places before them.
    pub fn symbols(mut self, symbols: &'a dyn Symbols) -> Listing<'a> {
        self.names.symbols = symbols;
        self
    }

    /// Names every place that an instruction leads to and that has no name yet: `l5` for slot 5.
    pub fn labels(mut self) -> Listing<'a> {
        let begins = |at: &InsnIdx| self.code.get(*at).is_some();
        self.names.labels = self.code.iter().filter_map(target).filter(begins).collect();
        self
    }

    /// Leaves out slots and opcode bytes, as in a source file for the assembler.
    pub fn source(mut self) -> Listing<'a> {
        self.source = true;
        self
    }
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, insn) in self.code.iter() {
            if let Some(name) = self.names.place(at) {
                writeln!(f, "{name}:")?;
            }
            let after_opcode = !self.source;
            let text = Text { insn: *insn, at, symbols: &self.names, after_opcode };
            if self.source {
                writeln!(f, "    {text}")?;
            } else {
                let opcode = insn.to_slots().0.opcode;
                writeln!(f, "{at:>4}: ({opcode:02x}) {text}")?;
            }
        }
        Ok(())
    }
}

/// The caller's names, and labels where it has none.
struct Names<'a> {
    symbols: &'a dyn Symbols,
    labels: BTreeSet<InsnIdx>,
}

impl Symbols for Names<'_> {
    fn imm64(&self, at: InsnIdx, imm: Imm64) -> Option<String> {
        self.symbols.imm64(at, imm)
    }

    fn kfunc(&self, btf_id: i32, module: i16) -> Option<String> {
        self.symbols.kfunc(btf_id, module)
    }

    fn place(&self, at: InsnIdx) -> Option<String> {
        let label = || self.labels.contains(&at).then(|| format!("l{at}"));
        self.symbols.place(at).or_else(label)
    }
}

/// The slot that an instruction leads to, besides the one after it.
fn target((at, insn): (InsnIdx, &Insn)) -> Option<InsnIdx> {
    match *insn {
        Insn::Goto { off } | Insn::Branch { off, .. } | Insn::MayGoto { off } => {
            at.jump(off.into())
        }
        Insn::GotoLong { imm } => at.jump(imm),
        Insn::Call(Callee::Local(distance)) => at.jump(distance),
        Insn::LoadImm64 { imm: Imm64::Func(distance), .. } => at.jump(distance),
        Insn::Call(Callee::Helper(_) | Callee::Kfunc { .. } | Callee::Reg(_))
        | Insn::LoadImm64 {
            imm:
                Imm64::Value(_)
                | Imm64::MapFd(_)
                | Imm64::MapValue { .. }
                | Imm64::BtfVar { .. }
                | Imm64::MapIdx(_)
                | Imm64::MapIdxValue { .. },
            ..
        }
        | Insn::Alu { .. }
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
        | Insn::Exit => None,
    }
}
