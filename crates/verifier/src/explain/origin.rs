//! Where a value came from: the path is walked back from where the program fails.

use skep_spec::InsnIdx;
use skep_spec::abi::HelperId;
use skep_spec::abi::context::{self, Access, FieldKind};
use skep_spec::abi::proto;
use skep_spec::insn::{AluOp, Callee, Imm64, Insn, Operand, Reg, Width};

use super::Scene;
use super::sentence::Subject;
use crate::rejection::Reason;
use crate::state::stack::Position;

/// How many comparisons are worth telling.
const COMPARISONS: usize = 2;

/// Where a value came from.
#[derive(Clone, Debug, Default)]
pub(super) struct Origin {
    /// What happened to it on the way, the latest first.
    pub(super) steps: Vec<Step>,
    /// Where it began.
    pub(super) source: Option<(InsnIdx, Source)>,
    /// The last call that made all that was known of packets void.
    pub(super) packet_changed: Option<(InsnIdx, HelperId)>,
    /// The last call on the way that took something back.
    pub(super) released: Option<(InsnIdx, HelperId)>,
    /// The last call on the way that left nothing in r1 to r5.
    pub(super) clobbered: Option<InsnIdx>,
}

/// What happened to a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Step {
    /// The instruction.
    pub(super) at: InsnIdx,
    /// What it did.
    pub(super) change: Change,
}

/// What happened to a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Change {
    /// It was compared.
    Compared,
    /// An operation made another of it.
    Computed(AluOp),
    /// Its lower half was taken, and the rest is zero.
    Narrowed,
    /// It was widened with its sign.
    SignExtended,
}

/// Where a value began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Source {
    /// It was loaded.
    Loaded {
        /// How many bytes.
        bytes: usize,
    },
    /// It was loaded from the context.
    Context,
    /// It was loaded from the context: where the packet begins, or its end.
    Packet,
    /// A helper returned it.
    Returned(HelperId),
    /// Something else that was called returned it.
    ReturnedByOther,
    /// It stands in the program.
    Constant(i64),
    /// The address of a map or of its value.
    Map,
    /// It is the frame pointer.
    Frame,
}

/// A register or stack slot of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Where {
    Register(Reg),
    Stack(i32),
}

impl Origin {
    /// Where a value in a register came from.
    pub(super) fn of(scene: &Scene<'_>, subject: Subject) -> Origin {
        let mut walk = Walk {
            scene,
            origin: Origin::default(),
            wanted: Where::Register(subject.reg),
            frame: 0,
            depth: 0,
            number: subject.number,
            load: None,
        };
        let (Some(state), Some(at)) = (&scene.rejection.state, scene.rejection.at) else {
            return walk.origin;
        };
        walk.depth = state.depth();
        walk.frame = walk.depth;
        let mut next = at;
        let mut to_beginning = true;
        for at in scene.rejection.path.iter().rev().copied() {
            if !walk.back(at, next) {
                to_beginning = false;
                break;
            }
            next = at;
        }
        if let Some(load) = walk.load {
            let context = Where::Register(Reg::R1);
            let from_context = to_beginning && next == InsnIdx(0) && walk.wanted == context;
            walk.origin.source = Some((load.at, walk.loaded(load, from_context)));
        }
        walk.origin
    }

    /// Things to see on the way: at most a few, and none twice.
    pub(super) fn labels(&self, scene: &Scene<'_>, subject: Subject) -> Vec<(InsnIdx, String)> {
        let held = scene.register(subject.reg);
        let pointer = !subject.number
            && (held.is_some_and(|register| register.is_pointer())
                || matches!(scene.rejection.reason, Reason::NotMemory { .. }));
        let mut labels = Vec::new();
        if let Some((at, source)) = self.source {
            let text = match source {
                Source::Context => "it comes from the context, here".into(),
                Source::Packet => "the pointer is loaded here".into(),
                Source::Loaded { .. } if held.is_some_and(|register| register.is_pointer()) => {
                    "the pointer is loaded here".into()
                }
                Source::Loaded { bytes: 8 } => "it is loaded here: any 64-bit number".into(),
                Source::Loaded { bytes } => {
                    let max = u64::MAX >> (64 - 8 * bytes.clamp(1, 8));
                    format!("it is loaded here: any number from 0 to {max:#x}")
                }
                Source::Returned(helper) => format!("it comes from `{}`", helper.name()),
                Source::ReturnedByOther => "it is what this call returns".into(),
                Source::Constant(number) => {
                    format!("it is {} here", super::things::signed(number))
                }
                Source::Map => "it begins here".into(),
                Source::Frame => "it is an address on the stack".into(),
            };
            labels.push((at, text));
        }
        for step in &self.steps {
            if pointer && step.change == Change::Compared {
                continue;
            }
            let text = match step.change {
                Change::Compared => "it is compared here, which is not enough",
                Change::Computed(AluOp::Add | AluOp::Sub) => "it is moved here",
                Change::Computed(_) => "it is computed here",
                Change::Narrowed => "its upper half is cut off here",
                Change::SignExtended => "it takes a sign here, and may be negative from then on",
            };
            labels.push((step.at, text.to_owned()));
        }
        labels.retain(|(at, _)| Some(*at) != scene.rejection.at);
        labels.dedup_by_key(|(at, _)| *at);
        labels
    }
}

/// The way back.
struct Walk<'a> {
    scene: &'a Scene<'a>,
    origin: Origin,
    wanted: Where,
    /// The frame that it is in.
    frame: usize,
    /// The frame that the way back is in.
    depth: usize,
    /// Whether the number is wanted that was added to a pointer.
    number: bool,
    /// The load that gave the value; what is wanted since is the address that it loaded from.
    load: Option<Load>,
}

/// A load.
#[derive(Clone, Copy)]
struct Load {
    at: InsnIdx,
    bytes: usize,
    off: i16,
}

impl Walk<'_> {
    /// Goes back over an instruction, behind which `next` came; `false` where the value began.
    fn back(&mut self, at: InsnIdx, next: InsnIdx) -> bool {
        let Some(insn) = self.scene.input.code.get(at) else { return false };
        let follows = at.0.checked_add(insn.slots()) == Some(next.0);
        match insn {
            Insn::Exit => {
                if self.frame == self.depth && self.wanted == Where::Register(Reg::R0) {
                    self.frame += 1;
                }
                self.depth += 1;
                return true;
            }
            Insn::Call(_) if !follows => return self.back_into_caller(),
            _ => {}
        }
        if let Insn::Call(Callee::Helper(_)) = insn {
            self.note_call(at);
        }
        self.depth != self.frame || self.back_here(at, insn)
    }

    /// Goes back from the beginning of a function to its call.
    fn back_into_caller(&mut self) -> bool {
        let Some(caller) = self.depth.checked_sub(1) else { return false };
        if self.frame == self.depth {
            match self.wanted {
                Where::Register(Reg::R1 | Reg::R2 | Reg::R3 | Reg::R4 | Reg::R5) => {
                    self.frame = caller;
                }
                Where::Register(_) | Where::Stack(_) => return false,
            }
        }
        self.depth = caller;
        true
    }

    fn note_call(&mut self, at: InsnIdx) {
        let Some(helper) = self.scene.helper_at(at) else { return };
        let proto = proto::common(helper);
        if proto.changes_packet_of_callers() {
            self.origin.packet_changed.get_or_insert((at, helper));
        }
        if proto.released_arg().is_some() {
            self.origin.released.get_or_insert((at, helper));
        }
    }

    /// Goes back over an instruction of the frame that the value is in.
    fn back_here(&mut self, at: InsnIdx, insn: &Insn) -> bool {
        let wanted = match self.wanted {
            Where::Register(reg) => reg,
            Where::Stack(off) => return self.back_over_store(at, insn, off),
        };
        match *insn {
            Insn::Mov { width, dst, src } if dst == wanted => match src {
                Operand::Imm(imm) => self.begins(at, Source::Constant(imm.into())),
                Operand::Reg(Reg::FP) => self.begins(at, Source::Frame),
                Operand::Reg(src) => {
                    if width == Width::W32 {
                        self.step(at, Change::Narrowed);
                    }
                    self.wanted = Where::Register(src);
                    true
                }
            },
            Insn::MovSx { dst, src, .. } if dst == wanted => {
                self.step(at, Change::SignExtended);
                self.wanted = Where::Register(src);
                true
            }
            Insn::Alu { op, dst, src, .. } if dst == wanted => {
                match (op, src) {
                    // What was added to a pointer last is what moved it too far.
                    (AluOp::Add, Operand::Reg(src)) if self.number => {
                        self.step(at, Change::Computed(op));
                        self.wanted = Where::Register(src);
                        self.number = false;
                    }
                    (_, Operand::Reg(_)) => self.step(at, Change::Computed(op)),
                    (_, Operand::Imm(_)) => {}
                }
                true
            }
            Insn::Load { size, dst, src, off, .. } if dst == wanted => {
                if src == Reg::FP {
                    self.wanted = Where::Stack(off.into());
                    return true;
                }
                if self.load.is_some() {
                    return false;
                }
                self.load = Some(Load { at, bytes: size.bytes(), off });
                self.wanted = Where::Register(src);
                true
            }
            Insn::LoadPacket { size, .. } if wanted == Reg::R0 => {
                self.begins(at, Source::Loaded { bytes: size.bytes() })
            }
            Insn::LoadImm64 { dst, imm } if dst == wanted => match imm {
                Imm64::Value(value) => self.begins(at, Source::Constant(value.cast_signed())),
                Imm64::MapFd(_)
                | Imm64::MapValue { .. }
                | Imm64::MapIdx(_)
                | Imm64::MapIdxValue { .. } => self.begins(at, Source::Map),
                Imm64::BtfVar { .. } | Imm64::Func(_) => false,
            },
            Insn::Call(callee) => match wanted {
                Reg::R0 => {
                    let helper = match callee {
                        Callee::Helper(_) => self.scene.helper_at(at),
                        Callee::Local(_) | Callee::Kfunc { .. } | Callee::Reg(_) => None,
                    };
                    self.begins(at, helper.map_or(Source::ReturnedByOther, Source::Returned))
                }
                Reg::R1 | Reg::R2 | Reg::R3 | Reg::R4 | Reg::R5 => {
                    self.origin.clobbered = Some(at);
                    false
                }
                _ => true,
            },
            Insn::Branch { dst, src, .. } if dst == wanted || src == Operand::Reg(wanted) => {
                let compared = |step: &&Step| step.change == Change::Compared;
                if self.origin.steps.iter().filter(compared).count() < COMPARISONS {
                    self.step(at, Change::Compared);
                }
                true
            }
            Insn::Atomic { src, .. } if src == wanted => false,
            _ => true,
        }
    }

    /// Goes back over an instruction, in search of what was stored on the stack.
    fn back_over_store(&mut self, at: InsnIdx, insn: &Insn, wanted: i32) -> bool {
        let Insn::Store { dst: Reg::FP, off, src, .. } = *insn else { return true };
        let slot = |off: i32| Position::of(off).map(|position| position.slot);
        if slot(off.into()) != slot(wanted) {
            return true;
        }
        match src {
            Operand::Imm(imm) => self.begins(at, Source::Constant(imm.into())),
            Operand::Reg(src) => {
                self.wanted = Where::Register(src);
                true
            }
        }
    }

    /// What a load gave: if its address was the context's, what stands there.
    fn loaded(&self, load: Load, from_context: bool) -> Source {
        let Load { bytes, off, .. } = load;
        if !from_context {
            return Source::Loaded { bytes };
        }
        let field =
            u32::try_from(off).ok().zip(u32::try_from(bytes).ok()).and_then(|(off, bytes)| {
                let context = context::of(self.scene.input.prog_type);
                context.access(Access::load(off, bytes), self.scene.input.attach_type).ok()
            });
        let of_packet = field.is_some_and(|hit| {
            matches!(
                hit.field.kind,
                FieldKind::PacketData | FieldKind::PacketEnd | FieldKind::PacketMeta
            )
        });
        if of_packet { Source::Packet } else { Source::Context }
    }

    fn step(&mut self, at: InsnIdx, change: Change) {
        // What happened to the address that it was loaded from is another story.
        if self.load.is_none() {
            self.origin.steps.push(Step { at, change });
        }
    }

    fn begins(&mut self, at: InsnIdx, source: Source) -> bool {
        if self.load.is_none() {
            self.origin.source = Some((at, source));
        }
        false
    }
}
