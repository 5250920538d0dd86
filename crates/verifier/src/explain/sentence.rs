//! What to say of each kind of rejection.
//!
//! Rejections that programmers meet often have sentences of their own; of others, the kernel's line
//! is the title, as it is what people will search for.

mod arithmetic;
mod call;
mod finish;
mod limit;
mod memory;

use skep_spec::InsnIdx;
use skep_spec::abi::proto;
use skep_spec::insn::{Insn, Reg};

use super::Scene;
use super::origin::{Change, Origin, Source};
use crate::rejection::Reason;

/// What to say.
#[derive(Clone, Debug, Default)]
pub(super) struct Advice {
    /// What is wrong, in a line.
    pub(super) title: String,
    /// What there is to see where the program fails.
    pub(super) label: String,
    /// What there is to see elsewhere.
    pub(super) places: Vec<(InsnIdx, String)>,
    /// Facts.
    pub(super) notes: Vec<String>,
    /// What to do.
    pub(super) help: Vec<String>,
    /// The value that everything is about.
    pub(super) subject: Option<Subject>,
}

/// A value that an explanation is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Subject {
    /// The register that it is in.
    pub(super) reg: Reg,
    /// Whether it is the number that was added to the pointer there.
    pub(super) number: bool,
}

impl Advice {
    fn new(title: impl Into<String>, label: impl Into<String>) -> Advice {
        Advice { title: title.into(), label: label.into(), ..Advice::default() }
    }

    fn about(mut self, subject: Subject) -> Advice {
        self.subject = Some(subject);
        self
    }

    fn note(mut self, note: impl Into<String>) -> Advice {
        self.notes.push(note.into());
        self
    }

    fn help(mut self, help: impl Into<String>) -> Advice {
        self.help.push(help.into());
        self
    }

    fn place(mut self, at: InsnIdx, text: impl Into<String>) -> Advice {
        self.places.push((at, text.into()));
        self
    }

    /// Adds what the way of a value tells: the known tricks of compilers, and calls that make void
    /// what was checked.
    pub(super) fn hints_from(&mut self, scene: &Scene<'_>, subject: Subject, origin: &Origin) {
        let held = scene.register(subject.reg);
        let in_packet = held.is_some_and(|register| register.kind.is_packet());
        if let (true, Some((at, helper))) = (in_packet, origin.packet_changed) {
            let name = helper.name();
            self.places.push((at, format!("`{name}` may move the packet")));
            self.notes.push(format!(
                "after `{name}`, all pointers into the packet, and what was checked of them, are \
                 void"
            ));
            self.help.insert(
                0,
                "load `data` and `data_end` from the context again, and compare again".into(),
            );
        }
        let lost = held.is_some_and(|register| register.is_scalar());
        if let (true, Some((at, helper)), Some((_, Source::Packet))) =
            (lost, origin.packet_changed, origin.source)
        {
            let name = helper.name();
            self.title = "a pointer into the packet is used after the packet may have moved".into();
            self.label = "this was a pointer into the packet, and is void now".into();
            self.places.push((at, format!("`{name}` may move the packet")));
            self.notes.clear();
            self.help =
                vec!["load `data` and `data_end` from the context again, and compare again".into()];
        }
        if let (true, Some((at, release)), Some((_, Source::Returned(helper)))) =
            (lost, origin.released, origin.source)
            && let Reason::NotMemory { .. } | Reason::ArgumentKind { .. } = scene.rejection.reason
            && proto::common(helper).ret.is_nullable()
        {
            let (name, release) = (helper.name(), release.name());
            self.title = format!("what `{name}` has handed out is used after it was given back");
            self.label = "it is gone".into();
            self.places.push((at, format!("`{release}` gives it back")));
            self.notes.clear();
            self.help = vec![format!("use it before `{release}`")];
        }
        if let (true, Some((_, Source::Context)), Reason::NotMemory { .. }) =
            (lost, origin.source, &scene.rejection.reason)
        {
            let program = scene.input.prog_type.name();
            self.notes.push(format!(
                "for programs of type {program}, this part of the context is a number"
            ));
            self.help =
                vec!["see that the program type (the section's name) is the right one".into()];
        }
        let changes = |change| origin.steps.iter().any(|step| step.change == change);
        if subject.number && changes(Change::Narrowed) && changes(Change::Compared) {
            self.notes.push(
                "the compiler compares a copy of the lower half, and uses another copy: what the \
                 comparison tells does not reach it"
                    .into(),
            );
            self.help.push(
                "use one 64-bit variable (`__u64`) for the comparison and the access, or mask it \
                 right before the access; `barrier_var(i)` keeps the compiler from copying it"
                    .into(),
            );
        }
        if subject.number && changes(Change::SignExtended) {
            self.help.push("make the index unsigned".into());
        }
        if let (Some(at), Reason::Uninit(_)) = (origin.clobbered, &scene.rejection.reason) {
            self.places.push((at, "calls leave nothing in r1 to r5".into()));
        }
        if let (Some((_, Source::Returned(helper))), Reason::NotMemory { found, .. }) =
            (origin.source, &scene.rejection.reason)
            && found.nullable
        {
            self.notes.push(format!("`{}` returns null where it finds nothing", helper.name()));
        }
    }
}

/// What to say of a rejection.
pub(super) fn advice(scene: &Scene<'_>) -> Advice {
    let special = memory::advice(scene)
        .or_else(|| arithmetic::advice(scene))
        .or_else(|| call::advice(scene))
        .or_else(|| finish::advice(scene))
        .or_else(|| limit::advice(scene));
    special.unwrap_or_else(|| general(scene))
}

/// What to say where there is nothing better: the kernel's line.
fn general(scene: &Scene<'_>) -> Advice {
    let line = &scene.rejection.final_line;
    if line.is_empty() {
        return Advice::new("the kernel refuses to load the program", "because of this")
            .note("it says nothing about it; see the program type, the attach type and flags");
    }
    Advice::new(line.clone(), "")
}

/// The last branch that the path came by.
fn last_branch(scene: &Scene<'_>) -> Option<InsnIdx> {
    let is_branch = |at: &&InsnIdx| matches!(scene.input.code.get(**at), Some(Insn::Branch { .. }));
    scene.rejection.path.iter().rev().find(is_branch).copied()
}

/// Whether the instruction that fails is of a kind.
fn fails_at(scene: &Scene<'_>, is: impl Fn(&Insn) -> bool) -> bool {
    let insn = scene.rejection.at.and_then(|at| scene.input.code.get(at));
    insn.is_some_and(is)
}
