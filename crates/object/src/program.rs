//! A program, joined and relocated, whose references to the world outside are still symbols.

use std::sync::Arc;

use skep_btf::TypeId;
use skep_spec::insn::{Callee, Imm64};
use skep_spec::{Code, Insn, InsnIdx};

use crate::error::{Place, Problem, Result};
use crate::externs::Extern;
use crate::map::MapIdx;
use crate::section::ProgramKind;

/// A program: a function with everything that it calls.
#[derive(Clone, Debug)]
pub struct Program {
    /// The main function's name.
    pub name: String,
    /// The section it came from.
    pub section: String,
    /// What it is.
    pub kind: ProgramKind,
    /// Its instructions: the main function, then each function that it calls, once.
    ///
    /// Instructions of [`Program::references`] hold placeholders: a map is [`Imm64::MapIdx`] or
    /// [`Imm64::MapIdxValue`] with its [`MapIdx`], an extern is 0. [`Program::bind`] replaces them.
    pub code: Code,
    /// What the instructions refer to outside of the program, by ascending place.
    pub references: Vec<Reference>,
    /// The functions, the main function first, then by ascending place.
    pub subprograms: Vec<Subprogram>,
    /// The type of each function; empty if the object does not say.
    pub func_info: Vec<FuncInfo>,
    /// The source lines of instructions, by ascending place; empty if the object does not say.
    pub line_info: Vec<LineInfo>,
    /// CO-RE relocations whose answer the target's types do not have.
    pub unresolved_core: Vec<UnresolvedCore>,
}

/// A function within a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subprogram {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub start: InsnIdx,
    /// How many slots it has.
    pub slots: u32,
    /// Whether it is global, that is, verified by itself.
    pub global: bool,
}

/// The type of the function that begins at an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FuncInfo {
    /// The function's first instruction.
    pub at: InsnIdx,
    /// Its type in the object's BTF.
    pub type_id: TypeId,
}

/// The source line that an instruction was made from, and that those after it were made from.
///
/// File name and line are offsets into the strings of the object's BTF.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineInfo {
    /// The first instruction.
    pub at: InsnIdx,
    /// The file's name.
    pub file_name_off: u32,
    /// The text of the line.
    pub line_off: u32,
    /// Line number and column, as `line << 10 | column`.
    pub line_col: u32,
}

impl LineInfo {
    /// The line number, from 1.
    pub fn line(&self) -> u32 {
        self.line_col >> 10
    }

    /// The column, from 1; 0 if unknown.
    pub fn column(&self) -> u32 {
        self.line_col & 0x3ff
    }
}

/// An instruction that refers to something outside of the program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reference {
    /// The instruction.
    pub at: InsnIdx,
    /// What it refers to.
    pub target: Target,
}

/// What an instruction refers to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// A map.
    Map(MapIdx),
    /// The address of a byte in the first value of a map.
    MapValue {
        /// The map.
        map: MapIdx,
        /// The byte.
        off: u32,
    },
    /// A call of a kernel function.
    Kfunc(Arc<Extern>),
    /// The address of an extern variable, or of a kernel function that is not called.
    Extern(Arc<Extern>),
}

/// What takes the place of a reference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Binding {
    /// A 64-bit immediate, for everything but calls.
    Imm64(Imm64),
    /// A callee, for [`Target::Kfunc`].
    Callee(Callee),
}

/// A CO-RE relocation that has no answer in the target's types.
///
/// Its instruction is replaced by a call of a helper that does not exist, which the verifier
/// rejects if the instruction can be reached: programs may test for a field first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnresolvedCore {
    /// The instruction.
    pub at: InsnIdx,
    /// The relocation in libbpf's notation, such as
    /// `<byte_off> [12] struct task_struct.pid (0:5 @ offset 1234)`.
    pub spec: String,
    /// Why there is no answer.
    pub reason: String,
}

/// The helper number that libbpf calls where a CO-RE relocation has no answer.
pub const POISON_CORE: i32 = 195_896_080;
/// The helper number that stands for a call of a weak kfunc that does not exist, as in libbpf;
/// the number of the extern's symbol is added, to tell which.
pub const POISON_KFUNC: i32 = 2_002_000_000;

impl Program {
    /// Replaces each reference by what `resolve` says it is for an engine.
    ///
    /// `resolve` may leave a reference open by returning `None`. A weak extern is then 0 (a call of
    /// one is a call that the verifier rejects if it can be reached, as libbpf does it).
    ///
    /// # Errors
    ///
    /// [`Problem::Extern`] for an extern, not weak, that was left open; [`Problem::Binding`] if a
    /// map was left open, or the answer is not of the kind that the instruction needs.
    pub fn bind(&self, mut resolve: impl FnMut(&Reference) -> Option<Binding>) -> Result<Code> {
        let mut code = self.code.clone();
        for reference in &self.references {
            let Some(&insn) = code.get(reference.at) else { continue };
            let bound = match (resolve(reference), &reference.target) {
                (Some(binding), _) => self.bound(insn, reference, binding)?,
                (None, Target::Extern(symbol)) if symbol.weak => {
                    self.bound(insn, reference, Binding::Imm64(Imm64::Value(0)))?
                }
                (None, Target::Kfunc(symbol)) if symbol.weak => {
                    let number = i32::try_from(symbol.symbol).unwrap_or(0);
                    Insn::Call(Callee::Helper(POISON_KFUNC.saturating_add(number)))
                }
                (None, Target::Extern(symbol) | Target::Kfunc(symbol)) => {
                    return Err(self.place(reference.at).error(Problem::Extern {
                        name: symbol.name.clone(),
                        section: symbol.section().to_owned(),
                        remedy: symbol.remedy(),
                    }));
                }
                (None, Target::Map(_) | Target::MapValue { .. }) => {
                    return Err(self.mismatch(insn, reference.at, "a map that does not exist"));
                }
            };
            code.replace(reference.at, bound)
                .map_err(|insn| self.mismatch(insn, reference.at, "a longer instruction"))?;
        }
        Ok(code)
    }

    /// One instruction with its reference replaced.
    fn bound(&self, insn: Insn, reference: &Reference, binding: Binding) -> Result<Insn> {
        match (insn, binding) {
            (Insn::LoadImm64 { dst, .. }, Binding::Imm64(imm)) => Ok(Insn::LoadImm64 { dst, imm }),
            (Insn::Call(_), Binding::Callee(callee)) => Ok(Insn::Call(callee)),
            (insn, Binding::Imm64(_)) => Err(self.mismatch(insn, reference.at, "an address")),
            (insn, Binding::Callee(_)) => Err(self.mismatch(insn, reference.at, "a function")),
        }
    }

    fn mismatch(&self, insn: Insn, at: InsnIdx, found: &'static str) -> crate::Error {
        self.place(at).error(Problem::Binding { insn: insn.to_string(), found })
    }

    /// The place of an instruction, in the terms of the function that it came from.
    pub fn place(&self, at: InsnIdx) -> Place {
        let home = self.subprograms.iter().rev().find(|subprogram| subprogram.start <= at);
        Place::Function {
            name: home.map_or(&self.name, |subprogram| &subprogram.name).clone(),
            section: self.section.clone(),
            at: home.map_or(at, |subprogram| InsnIdx(at.0 - subprogram.start.0)),
        }
    }
}
