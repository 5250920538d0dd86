//! Rejections explained to people.
//!
//! The kernel says what rule was broken, in terms of registers. A developer wants to know what the
//! program tried, on the line that they wrote; what could not be excluded; where that value came
//! from; and what to write instead. [`explain`] says this, in the look of rustc's errors, of what
//! the walk has found. Sentences are written here alone.
//!
//! - `sentence`: what to say of each kind of rejection
//! - `origin`: where a value came from, along the path
//! - `things`: words for what registers hold
//! - `place`: source lines of instructions
//! - `render`: all of it put together as text

mod origin;
mod place;
mod render;
mod sentence;
mod things;

use std::collections::BTreeMap;

use skep_spec::InsnIdx;
use skep_spec::insn::Reg;

use self::origin::Origin;
use self::place::Place;
use self::sentence::Subject;
use crate::input::Input;
use crate::outcome::{Outcome, Report};
use crate::rejection::{Reason, Rejection};

/// Why a program is not accepted, in words. `Display` gives the text without colours,
/// [`Explanation::styled`] the one for terminals.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// What is wrong, in a line.
    pub title: String,
    /// What there is to see at places of the program; the one where it fails first.
    pub labels: Vec<Label>,
    /// Facts.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Vec<String>,
    /// The lines around the labels, by file and number.
    lines: BTreeMap<(Option<String>, u32), String>,
}

/// Something to see at a place of the program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// The instruction.
    pub at: InsnIdx,
    /// The place.
    pub place: Place,
    /// What there is to see.
    pub text: String,
}

/// Explains why a program is not accepted; nothing, if it is.
#[must_use]
pub fn explain(input: &Input<'_>, report: &Report) -> Option<Explanation> {
    match &report.outcome {
        Outcome::Accepted(_) => None,
        Outcome::Rejected(rejection) => Some(rejected(input, report, rejection)),
        Outcome::Unsupported(unsupported) => Some(Explanation {
            title: format!("this verifier does not know {}", unsupported.what),
            labels: (unsupported.at.into_iter())
                .map(|at| label(input, at, "found here".into()))
                .collect(),
            notes: vec!["what it does not know it does not accept; the kernel may".into()],
            help: Vec::new(),
            lines: BTreeMap::new(),
        }),
    }
}

fn rejected(input: &Input<'_>, report: &Report, rejection: &Rejection) -> Explanation {
    let scene = Scene { input, report, rejection };
    let mut advice = sentence::advice(&scene);
    let mut labels = Vec::new();
    if let Some(at) = rejection.at {
        labels.push(label(input, at, advice.label.clone()));
        if let Some(subject) = advice.subject {
            let origin = Origin::of(&scene, subject);
            advice.hints_from(&scene, subject, &origin);
            if let Some(first) = labels.first_mut() {
                first.text.clone_from(&advice.label);
            }
            labels.extend(
                origin.labels(&scene, subject).into_iter().map(|(at, text)| label(input, at, text)),
            );
        }
    }
    for (at, text) in std::mem::take(&mut advice.places) {
        labels.push(label(input, at, text));
    }
    let line = match rejection.reason {
        // The last line is a state, which says little.
        Reason::InfiniteLoop { .. } => "infinite loop detected",
        _ => &rejection.final_line,
    };
    if !line.is_empty() && line != advice.title {
        advice.notes.push(format!("the kernel says: {line}"));
    }
    keep_one_a_line(&mut labels);
    let lines = place::lines(input, labels.iter().map(|label| &label.place));
    Explanation { title: advice.title, labels, notes: advice.notes, help: advice.help, lines }
}

/// Drops labels at lines that have one already, the later first.
fn keep_one_a_line(labels: &mut Vec<Label>) {
    let mut seen = Vec::new();
    labels.retain(|label| {
        let line = (label.place.file.clone(), label.place.line);
        let new = !seen.contains(&line);
        seen.push(line);
        new
    });
}

fn label(input: &Input<'_>, at: InsnIdx, text: String) -> Label {
    Label { at, place: Place::of(input, at), text }
}

/// What there is to explain, and what is known of it.
#[derive(Clone, Copy)]
struct Scene<'a> {
    input: &'a Input<'a>,
    report: &'a Report,
    rejection: &'a Rejection,
}

impl Scene<'_> {
    /// What a register held, if a path led to the place that fails.
    fn register(&self, reg: Reg) -> Option<crate::state::Register> {
        self.rejection.state.as_ref().map(|state| *state.register(reg))
    }

    /// The name of a function of the program.
    fn function(&self, at: InsnIdx) -> Option<String> {
        let info = self.input.func_info.iter().rev().find(|info| info.at <= at)?;
        let name = self.input.btf?.ty(info.type_id).ok()?.name().to_owned();
        (!name.is_empty()).then_some(name)
    }
}

impl Subject {
    /// A register.
    const fn register(reg: Reg) -> Subject {
        Subject { reg, number: false }
    }

    /// The number in a register, or the number that was added to the pointer in it.
    const fn number(reg: Reg) -> Subject {
        Subject { reg, number: true }
    }
}
