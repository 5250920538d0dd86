//! CO-RE: adapting a program to the types of the machine that it is to run on.
//!
//! The compiler notes, for single instructions, which question about a type their constant
//! answers: "at which byte of `task_struct` is `pid`?". Here the question is put to the types of
//! another machine, and the answer written into the instruction:
//!
//! | step | module |
//! |---|---|
//! | the note → a way through the types it was compiled against | `spec` |
//! | the same way, by names, through the types of the machine | `search` |
//! | a way → a number | `value` |
//! | a number → the instruction | `patch` |
//!
//! The rules are libbpf's, so that a program means the same with either loader.

mod minimal;
mod patch;
mod search;
mod spec;
mod value;

use std::collections::HashMap;

use skep_btf::ext::{Relocation, RelocationKind};
use skep_btf::{Btf, TypeId, compare};
use skep_spec::insn::Callee;
use skep_spec::{Code, Insn, InsnIdx};

use crate::error::{Place, Problem, Result};
use crate::function::{Function, SLOT};
use crate::link;
use crate::object::Object;
use crate::program::{POISON_CORE, UnresolvedCore};
pub use minimal::Needs;
use patch::Patched;
use search::Search;
use spec::Spec;
use value::Answer;

/// Types that programs are adapted to.
#[derive(Clone, Copy, Debug)]
pub struct CoreTarget<'a> {
    btf: &'a Btf,
}

impl<'a> CoreTarget<'a> {
    /// The types of a kernel, or of whatever else the program looks into.
    pub fn new(btf: &'a Btf) -> CoreTarget<'a> {
        CoreTarget { btf }
    }

    /// The types.
    pub fn btf(&self) -> &'a Btf {
        self.btf
    }
}

/// Why a relocation cannot be applied.
type Reason = String;

/// Adapts the functions of one program.
pub(crate) struct Adapter<'a> {
    object: &'a Object,
    target: Option<CoreTarget<'a>>,
    /// Made when the first relocation asks.
    search: Option<Search<'a>>,
    /// The types of the target that are still in question, by type of the object.
    candidates: HashMap<TypeId, Vec<TypeId>>,
}

impl<'a> Adapter<'a> {
    /// Nothing is looked up before the first relocation asks.
    pub(crate) fn new(object: &'a Object, target: Option<CoreTarget<'a>>) -> Adapter<'a> {
        Adapter { object, target, search: None, candidates: HashMap::new() }
    }

    /// Applies a function's relocations to its instructions.
    pub(crate) fn adapt(
        &mut self,
        function: &Function,
        code: Code,
    ) -> Result<(Code, Vec<UnresolvedCore>)> {
        let relocations = self.object.records().relocations(function);
        let Some(local) = self.object.btf().filter(|_| !relocations.is_empty()) else {
            return Ok((code, Vec::new()));
        };
        let mut changes: HashMap<InsnIdx, Patched> = HashMap::new();
        let mut unresolved = Vec::new();
        for relocation in relocations {
            let at = slot(function, relocation);
            let fail = |problem| link::place(function, at.0).error(problem);
            let found = changes.get(&at).and_then(Patched::insn).or_else(|| code.get(at).copied());
            let Some(insn) = found else {
                let spec = format!("<{}>", relocation.kind);
                let reason = "no instruction begins here".to_owned();
                return Err(fail(Problem::Core { spec, reason }));
            };
            let (spec, answer) = self.answer(local, function, relocation, relocations.len())?;
            let patched = patch::patch(insn, &answer);
            let patched =
                patched.map_err(|reason| fail(Problem::Core { spec: spec.to_string(), reason }))?;
            if let Patched::Poison { reason } = &patched {
                let reason = reason.clone();
                unresolved.push(UnresolvedCore { at, spec: spec.to_string(), reason });
            }
            changes.insert(at, patched);
        }
        Ok((rewrite(&code, &changes), unresolved))
    }

    /// The relocation's way through the object's types, and the answer in the target's.
    fn answer(
        &mut self,
        local: &'a Btf,
        function: &Function,
        relocation: &Relocation,
        count: usize,
    ) -> Result<(Spec<'a>, Answer)> {
        let at = slot(function, relocation);
        let fail = |spec: String, reason| {
            link::place(function, at.0).error(Problem::Core { spec, reason })
        };
        let spec = Spec::parse(local, relocation)
            .map_err(|reason| fail(spec::raw(local, relocation), reason))?;
        if relocation.kind == RelocationKind::TypeIdLocal {
            return Ok((spec, Answer::exact(relocation.ty.0.into())));
        }
        let Some(target) = self.target else {
            return Err(
                Place::program(&function.name).error(Problem::NoTargetBtf { relocations: count })
            );
        };
        let answer = self.resolve(&spec, target.btf);
        answer.map(|answer| (spec.clone(), answer)).map_err(|reason| fail(spec.to_string(), reason))
    }

    /// Puts the question to every type of the target that has the right name. All that have an
    /// answer must agree.
    fn resolve(&mut self, spec: &Spec<'a>, target: &'a Btf) -> std::result::Result<Answer, Reason> {
        if spec.root_name().is_empty() {
            return Err("types without a name cannot be looked for".to_owned());
        }
        let candidates = match self.candidates.get(&spec.root) {
            Some(candidates) => candidates.clone(),
            None => compare::candidates(spec.btf, spec.root, target),
        };
        let search = self.search.get_or_insert_with(|| Search::new(spec.btf, target));
        let mut agreed: Option<(Spec<'a>, Answer)> = None;
        let mut matching = Vec::new();
        for &candidate in &candidates {
            let Some(found) = search.find(spec, candidate)? else { continue };
            let answer = value::answer(spec, Some(&found))?;
            match &agreed {
                None => agreed = Some((found, answer)),
                Some((first, first_answer)) => {
                    if first.bit_offset != found.bit_offset || !first_answer.agrees(&answer) {
                        return Err(format!("ambiguous: it could be {first} or {found}"));
                    }
                }
            }
            matching.push(candidate);
        }
        let answer = match agreed {
            Some((_, answer)) => answer,
            None => value::answer(spec, None)?.because(&candidates, spec),
        };
        let left = if matching.is_empty() { candidates } else { matching };
        self.candidates.insert(spec.root, left);
        Ok(answer)
    }
}

/// The instruction that a relocation speaks of, counted from the function's beginning.
fn slot(function: &Function, relocation: &Relocation) -> InsnIdx {
    let inside = u64::from(relocation.insn_off).saturating_sub(function.offset) / SLOT;
    InsnIdx(u32::try_from(inside).unwrap_or(u32::MAX))
}

/// The code with its changes. A poisoned instruction takes as many slots as it had.
fn rewrite(code: &Code, changes: &HashMap<InsnIdx, Patched>) -> Code {
    let mut rewritten = Code::new();
    for (at, insn) in code.iter() {
        match changes.get(&at) {
            None => {
                rewritten.push(*insn);
            }
            Some(Patched::Insn(changed)) => {
                rewritten.push(*changed);
            }
            Some(Patched::Poison { .. }) => {
                for _ in 0..insn.slots() {
                    rewritten.push(Insn::Call(Callee::Helper(POISON_CORE)));
                }
            }
        }
    }
    rewritten
}

/// A CO-RE relocation, for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CoreRelocation {
    /// The instruction, counted from the function's beginning.
    pub at: InsnIdx,
    /// What is asked.
    pub kind: RelocationKind,
    /// The relocation in libbpf's notation.
    pub spec: String,
}

/// The relocations of a function in words.
pub(crate) fn describe(object: &Object, function: &Function) -> Vec<CoreRelocation> {
    let Some(btf) = object.btf() else { return Vec::new() };
    let relocations = object.records().relocations(function).iter();
    relocations
        .map(|relocation| CoreRelocation {
            at: slot(function, relocation),
            kind: relocation.kind,
            spec: Spec::parse(btf, relocation)
                .map_or_else(|_| spec::raw(btf, relocation), |spec| spec.to_string()),
        })
        .collect()
}
