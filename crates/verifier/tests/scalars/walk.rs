//! The way through a program that a log describes, taken again with the domain.

use skep_spec::Code;
use std::fmt::Write;

use skep_spec::InsnIdx;
use skep_spec::disasm::Listing;
use skep_spec::insn::{AluOp, Insn, Operand, Reg};
use skep_verifier::domain::branch::{Refined, is_taken, refine, refine_same};
use skep_verifier::domain::display::{Attributes, Signed};
use skep_verifier::domain::{Scalar, alu};

use crate::program::POINTER;

/// What each register holds; `None` for the frame pointer, and before the first write.
type State = [Option<Scalar>; Reg::ALL.len()];

/// A place that the kernel comes back to.
struct Pending {
    from: u32,
    to: u32,
    state: State,
}

struct Walk<'a> {
    code: &'a Code,
    state: State,
    pending: Vec<Pending>,
    compared: usize,
}

/// The states of a program on all its paths, in the look of the kernel's log.
pub(crate) fn trace(code: &Code) -> String {
    let mut walk = Walk { code, state: [None; 11], pending: Vec::new(), compared: 0 };
    let listing = Listing::new(code).to_string();
    let listing: Vec<&str> = listing.lines().map(str::trim_start).collect();
    let (mut text, mut index) = (String::new(), 0);
    loop {
        let insn = *walk.code.get(InsnIdx(index)).expect("programs end with an exit");
        let before = walk.state;
        let taken = walk.step(index, insn);
        let line = listing[usize::try_from(index).expect("small")];
        // Of a branch both operands are of interest, elsewhere what is new.
        let shown = match insn {
            Insn::Branch { dst, src: Operand::Reg(src), .. } if src != dst => vec![dst, src],
            Insn::Branch { dst, .. } => vec![dst],
            _ => changed(&before, &walk.state),
        };
        let _ = writeln!(text, "{line}{}", states(&walk.state, &shown, " ;"));
        index += 1;
        match (insn, taken) {
            (Insn::Exit, _) => {
                let Some(path) = walk.pending.pop() else { return text };
                let shown = changed(&walk.state, &path.state);
                let states = states(&path.state, &shown, "");
                let _ = writeln!(text, "\nfrom {} to {}:{states}", path.from, path.to);
                (walk.state, index) = (path.state, path.to);
            }
            (Insn::Branch { off, .. }, Some(true)) => {
                index += u32::try_from(off).expect("branches go forward");
            }
            _ => {}
        }
    }
}

fn changed(before: &State, after: &State) -> Vec<Reg> {
    Reg::ALL.into_iter().filter(|reg| before[reg.index()] != after[reg.index()]).collect()
}

fn states(state: &State, shown: &[Reg], before: &str) -> String {
    let mut text = String::new();
    for reg in shown {
        if let Some(scalar) = state[reg.index()] {
            let lead = if text.is_empty() { before } else { "" };
            let _ = write!(text, "{lead} R{}={scalar}", reg.index());
        }
    }
    text
}

/// Compares every state in the log; gives their number, or the first difference.
pub(crate) fn compare(code: &Code, log: &str, accepted: bool) -> Result<usize, String> {
    let mut walk = Walk { code, state: [None; 11], pending: Vec::new(), compared: 0 };
    let mut trail = Vec::new();
    for line in log.lines() {
        trail.push(line);
        if let Err(difference) = walk.line(line) {
            let trail = trail[trail.len().saturating_sub(24)..].join("\n");
            return Err(format!("{difference}\n{trail}"));
        }
    }
    if walk.pending.is_empty() || !accepted {
        Ok(walk.compared)
    } else {
        Err("a path that was not taken".into())
    }
}

impl Walk<'_> {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(rest) = line.strip_prefix("from ") {
            let (from, rest) = rest.split_once(" to ").ok_or("a strange line")?;
            let (to, rest) = rest.split_once(':').ok_or("a strange line")?;
            let pending = self.pending.pop().ok_or("a path that is not expected")?;
            let expected = format!("{} to {}", pending.from, pending.to);
            if expected != format!("{from} to {to}") {
                return Err(format!("a path from {from} to {to}, where {expected} was expected"));
            }
            self.state = pending.state;
            return self.check(rest);
        }
        let Some((index, rest)) = line.split_once(": ") else { return Ok(()) };
        let Ok(index) = index.parse::<u32>() else { return Ok(()) };
        if !rest.starts_with('(') {
            return self.check(rest);
        }
        let insn = *self.code.get(InsnIdx(index)).ok_or("an instruction that is not there")?;
        self.step(index, insn);
        self.check(rest.split_once("; ").map_or("", |(_, registers)| registers))
    }

    /// Compares the registers that a line shows.
    fn check(&mut self, registers: &str) -> Result<(), String> {
        for word in registers.replace("; ", ";").split(' ') {
            let Some((name, theirs)) = word.split_once('=') else { continue };
            let Some(number) = name.strip_prefix('R') else { continue };
            let number = number.trim_end_matches(|c: char| !c.is_ascii_digit());
            let Ok(number) = number.parse::<usize>() else { continue };
            let Some(ours) = self.state[number] else { continue };
            let theirs = without_marks(theirs).replace(';', "; ");
            let text = if number == POINTER.index() { pointer(ours) } else { ours.to_string() };
            if text != theirs {
                return Err(format!("r{number}\n  ours   {text}\n  theirs {theirs}"));
            }
            self.compared += 1;
        }
        Ok(())
    }

    fn get(&self, reg: Reg) -> Scalar {
        self.state[reg.index()].expect("a register that was written")
    }

    fn operand(&self, src: Operand) -> Scalar {
        match src {
            Operand::Reg(reg) => self.get(reg),
            Operand::Imm(imm) => Scalar::constant(i64::from(imm).cast_unsigned()),
        }
    }

    /// Goes past an instruction; gives the outcome of a branch that has one only.
    fn step(&mut self, index: u32, insn: Insn) -> Option<bool> {
        match insn {
            Insn::LoadImm64 { dst, .. } => self.state[dst.index()] = Some(Scalar::ZERO),
            Insn::Alu { op, dst: POINTER, src, .. } => {
                let (offset, operand) = (self.get(POINTER), self.operand(src));
                self.state[POINTER.index()] = Some(match op {
                    // A known distance moves the pointer's fixed part.
                    _ if operand.as_constant().is_some() => offset,
                    AluOp::Add => alu::pointer_add(offset, operand),
                    _ => alu::pointer_sub(offset, operand),
                });
            }
            Insn::Alu { width, op, dst, src } => {
                let operand = self.operand(src);
                let splits = matches!(op, AluOp::And | AluOp::Or) && operand.tnum.is_constant();
                if let Some([zero, ones]) = alu::zero_or_ones(self.get(dst)).filter(|_| splits) {
                    let mut state = self.state;
                    state[dst.index()] = Some(zero);
                    self.pending.push(Pending { from: index, to: index, state });
                    self.state[dst.index()] = Some(ones);
                }
                let result = alu::alu(width, op, self.get(dst), operand);
                self.state[dst.index()] = Some(result);
            }
            Insn::Neg { width, dst } => {
                self.state[dst.index()] = Some(alu::neg(width, self.get(dst)));
            }
            Insn::Mov { width, dst, src } => {
                self.state[dst.index()] = Some(alu::mov(width, self.operand(src)));
            }
            Insn::MovSx { width, from, dst, src } => {
                self.state[dst.index()] = Some(alu::mov_sx(width, from, self.get(src)));
            }
            Insn::Swap { kind, size, dst } => {
                self.state[dst.index()] = Some(alu::swap(kind, size, self.get(dst)));
            }
            Insn::Load { size, signed, dst, .. } => {
                self.state[dst.index()] = Some(Scalar::loaded(size, signed));
            }
            Insn::Call(_) => self.state[0] = Some(Scalar::UNKNOWN),
            Insn::Branch { width, cond, dst, src, off } => {
                let (one, two) = (self.get(dst), self.operand(src));
                let decided = is_taken(width, cond, one, two);
                if decided.is_some() {
                    return decided;
                }
                let mut taken = self.state;
                let target = index + 1 + u32::try_from(off).expect("branches go forward");
                let refined = |holds| {
                    if src == Operand::Reg(dst) {
                        refine_same(width, cond, holds, one)
                    } else {
                        refine(width, cond, holds, one, two)
                    }
                };
                set(&mut taken, dst, src, refined(true));
                set(&mut self.state, dst, src, refined(false));
                self.pending.push(Pending { from: index, to: target, state: taken });
            }
            _ => {}
        }
        None
    }
}

fn set(state: &mut State, dst: Reg, src: Operand, refined: Refined) {
    state[dst.index()] = Some(refined.dst);
    if let Operand::Reg(src) = src {
        state[src.index()] = Some(refined.src);
    }
}

/// How a pointer's variable part is shown; the rest of what is shown of it is dropped.
fn pointer(offset: Scalar) -> String {
    match offset.as_constant() {
        Some(0) => "pointer()".to_owned(),
        Some(number) => format!("pointer(imm={})", Signed(number.cast_signed())),
        None => format!("pointer({})", Attributes(offset)),
    }
}

/// A register's text without the mark of precision, without identity, and without what is fixed
/// in a pointer.
fn without_marks(text: &str) -> String {
    let text = text.strip_prefix('P').unwrap_or(text);
    let Some((kind, rest)) = text.split_once('(') else { return text.to_owned() };
    let kind = if kind == "map_value" { "pointer" } else { kind };
    let list = rest.strip_suffix(')').unwrap_or(rest);
    let fixed = ["id=", "map=", "ks=", "vs=", "off="];
    let variable: Vec<&str> = list
        .split(',')
        .filter(|attribute| !fixed.iter().any(|name| attribute.starts_with(name)))
        .collect();
    format!("{kind}({})", variable.join(","))
}
