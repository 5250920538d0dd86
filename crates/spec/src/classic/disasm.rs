//! Instructions to text, in the syntax of the kernel's `bpf_asm`.
//!
//! `bpf_asm` itself reads what [`Listing`] prints, and so does [`super::assemble`]. One thing is
//! ours: a jump behind the end of a filter, which no label can name and the kernel never takes, is
//! printed as the number of instructions that it skips, `+5`.

use std::collections::BTreeSet;
use std::fmt;

use super::insn::{AluOp, Condition, Insn, Place, Register, Returned, Size, Source, Value};

/// Displays a filter as source for the assembler: an instruction a line, with labels.
///
/// ```
/// use skep_spec::classic::{Listing, assemble};
///
/// let insns = assemble("ldh [12]\njeq #0x86dd, yes\nret #0\nyes: ret #1")?;
/// let text = "        ldh [12]\n        jeq #0x86dd, L3\n        ret #0\nL3:     ret #1\n";
/// assert_eq!(Listing::new(&insns).to_string(), text);
/// # Ok::<(), skep_spec::asm::AsmError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    insns: &'a [Insn],
}

impl<'a> Listing<'a> {
    /// The listing of a filter.
    pub fn new(insns: &'a [Insn]) -> Listing<'a> {
        Listing { insns }
    }

    /// The text of each instruction, without labels before it.
    pub fn lines(self) -> impl Iterator<Item = String> + 'a {
        let target = |at: usize, skipped: u32| Target::new(at, skipped, self.insns.len());
        self.insns.iter().enumerate().map(move |(at, insn)| {
            Text { insn: *insn, target: &|skipped| target(at, skipped) }.to_string()
        })
    }
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut labels = BTreeSet::new();
        for (at, insn) in self.insns.iter().enumerate() {
            labels.extend(skips(*insn).into_iter().flatten().map(|skipped| at + 1 + skipped));
        }
        for (at, line) in self.lines().enumerate() {
            let label = if labels.contains(&at) { format!("L{at}:") } else { String::new() };
            writeln!(f, "{label:<7} {line}")?;
        }
        Ok(())
    }
}

/// How many instructions a jump skips, as far as its text names the place.
fn skips(insn: Insn) -> [Option<usize>; 2] {
    match insn {
        Insn::Goto { k } => [Some(k as usize), None],
        Insn::Branch { cond, source: _, jt, jf } => match (opposite(cond), jt, jf) {
            (_, jt, 0) => [Some(jt.into()), None],
            (Some(_), 0, jf) => [Some(jf.into()), None],
            (_, jt, jf) => [Some(jt.into()), Some(jf.into())],
        },
        Insn::LoadPacket { .. }
        | Insn::Load { .. }
        | Insn::LoadHeaderLen { .. }
        | Insn::Store { .. }
        | Insn::Alu { .. }
        | Insn::Neg
        | Insn::Return(_)
        | Insn::Tax
        | Insn::Txa => [None, None],
    }
}

/// Where a jump leads.
#[derive(Clone, Copy)]
enum Target {
    Label(usize),
    Skip(u32),
}

impl Target {
    fn new(at: usize, skipped: u32, len: usize) -> Target {
        let to = at.saturating_add(1).saturating_add(skipped as usize);
        if to < len { Target::Label(to) } else { Target::Skip(skipped) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Label(at) => write!(f, "L{at}"),
            Target::Skip(skipped) => write!(f, "+{skipped}"),
        }
    }
}

/// Displays one instruction.
struct Text<'a> {
    insn: Insn,
    target: &'a dyn Fn(u32) -> Target,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.insn {
            Insn::LoadPacket { size, place } => {
                let ld = load_name(size);
                match place {
                    Place::Abs(k) => write!(f, "{ld} [{}]", Offset(k)),
                    Place::Ind(k) => write!(f, "{ld} [x + {}]", Offset(k)),
                    Place::Ancillary(field) => write!(f, "{ld} #{}", field.name()),
                }
            }
            Insn::Load { to, value } => {
                let ld = match to {
                    Register::A => "ld",
                    Register::X => "ldx",
                };
                match value {
                    Value::Imm(k) => write!(f, "{ld} #{k:#x}"),
                    Value::Mem(cell) => write!(f, "{ld} M[{}]", cell.index()),
                    Value::Len => write!(f, "{ld} #len"),
                }
            }
            Insn::LoadHeaderLen { k } => write!(f, "ldxb 4*([{}]&0xf)", Offset(k)),
            Insn::Store { from: Register::A, cell } => write!(f, "st M[{}]", cell.index()),
            Insn::Store { from: Register::X, cell } => write!(f, "stx M[{}]", cell.index()),
            Insn::Alu { op, source } => {
                let name = alu_name(op);
                match (op, source) {
                    (_, Source::X) => write!(f, "{name} x"),
                    (AluOp::And | AluOp::Or | AluOp::Xor, Source::K(k)) => {
                        write!(f, "{name} #{k:#x}")
                    }
                    (_, Source::K(k)) => write!(f, "{name} #{k}"),
                }
            }
            Insn::Neg => f.write_str("neg"),
            Insn::Goto { k } => write!(f, "jmp {}", (self.target)(k)),
            Insn::Branch { cond, source, jt, jf } => self.branch(f, cond, source, jt, jf),
            Insn::Return(Returned::K(k)) => write!(f, "ret #{k}"),
            Insn::Return(Returned::A) => f.write_str("ret a"),
            Insn::Tax => f.write_str("tax"),
            Insn::Txa => f.write_str("txa"),
        }
    }
}

impl Text<'_> {
    fn branch(
        &self,
        f: &mut fmt::Formatter<'_>,
        cond: Condition,
        source: Source,
        jt: u8,
        jf: u8,
    ) -> fmt::Result {
        let operand = match source {
            Source::K(k) => format!("#{k:#x}"),
            Source::X => "x".to_owned(),
        };
        let [yes, no] = [jt, jf].map(|skipped| (self.target)(skipped.into()));
        match (opposite(cond), jt, jf) {
            (_, _, 0) => write!(f, "{} {operand}, {yes}", condition_name(cond)),
            (Some(opposite), 0, _) => write!(f, "{opposite} {operand}, {no}"),
            (_, _, _) => write!(f, "{} {operand}, {yes}, {no}", condition_name(cond)),
        }
    }
}

/// An offset into the packet: decimal, as tcpdump has it, but for those that count from a header.
struct Offset(u32);

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > i32::MAX.cast_unsigned() {
            write!(f, "{:#x}", self.0)
        } else {
            write!(f, "{}", self.0)
        }
    }
}

pub(super) const fn load_name(size: Size) -> &'static str {
    match size {
        Size::W => "ld",
        Size::H => "ldh",
        Size::B => "ldb",
    }
}

pub(super) const fn alu_name(op: AluOp) -> &'static str {
    match op {
        AluOp::Add => "add",
        AluOp::Sub => "sub",
        AluOp::Mul => "mul",
        AluOp::Div => "div",
        AluOp::Mod => "mod",
        AluOp::Or => "or",
        AluOp::And => "and",
        AluOp::Xor => "xor",
        AluOp::Lsh => "lsh",
        AluOp::Rsh => "rsh",
    }
}

pub(super) const fn condition_name(cond: Condition) -> &'static str {
    match cond {
        Condition::Eq => "jeq",
        Condition::Gt => "jgt",
        Condition::Ge => "jge",
        Condition::Set => "jset",
    }
}

/// The name of a comparison that jumps where this one does not.
pub(super) const fn opposite(cond: Condition) -> Option<&'static str> {
    match cond {
        Condition::Eq => Some("jne"),
        Condition::Gt => Some("jle"),
        Condition::Ge => Some("jlt"),
        Condition::Set => None,
    }
}
