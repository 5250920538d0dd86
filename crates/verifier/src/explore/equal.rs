//! Whether what is known now is no less than what a checkpoint knew.
//!
//! Sound: a checkpoint whose paths all ended safely stands for every machine that it admits. If it
//! admits all that the state at hand does, those are safe as well. Names are compared up to
//! renaming ([`IdMap`]); what is not live is not compared, as no path reads it; imprecise numbers
//! are not, as no path depends on them.

use skep_spec::insn::Reg;

use super::checkpoint::{Checkpoint, PreciseFrame};
use super::walk::Walk;
use crate::state::idmap::IdMap;
use crate::state::register::PacketRange;
use crate::state::stack::Stack;
use crate::state::{Byte, Kind, Register, Slot, State};

/// How states are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exactness {
    /// Numbers that are not precise are all equal. For checkpoints whose uses are all known.
    Loose,
    /// Numbers must be within those of the checkpoint. For checkpoints that paths still come from.
    Within,
    /// All must be the same.
    Same,
}

impl Walk<'_> {
    /// Whether the state at hand is covered by a checkpoint.
    pub(crate) fn is_covered(
        &self,
        old: &Checkpoint,
        exactness: Exactness,
        ids: &mut IdMap,
    ) -> bool {
        let new = &self.state;
        ids.reset(self.last_id());
        if old.state.frames.len() != new.frames.len() || !same_held(&old.state, new, ids) {
            return false;
        }
        let frames = old.state.frames.iter().zip(&new.frames).enumerate();
        for (number, (old_frame, new_frame)) in frames {
            if old_frame.callsite != new_frame.callsite {
                return false;
            }
            let live = self.cfg.live_registers(old.frame_at(number));
            let comparison = Comparison { marks: old.precise[number], exactness };
            let registers = Reg::ALL.iter().all(|reg| {
                !live.contains(*reg)
                    || comparison.register(
                        old_frame.register(*reg),
                        new_frame.register(*reg),
                        comparison.marks.registers & 1 << reg.index() != 0,
                        ids,
                    )
            });
            if old_frame.callback_depth > new_frame.callback_depth
                || !registers
                || !comparison.stack(&old_frame.stack, &new_frame.stack, ids)
            {
                return false;
            }
        }
        true
    }
}

/// Whether two states could be the same, as far as is seen at a glance.
#[inline]
pub(crate) fn may_be_same(old: &State, new: &State) -> bool {
    let same = |(old, new): (&Register, &Register)| {
        old.value.tnum == new.value.tnum
            && old.value == new.value
            && old.off == new.off
            && old.nullable == new.nullable
            && old.kind == new.kind
    };
    old.frames.len() == new.frames.len()
        && old.frame().registers.iter().zip(&new.frame().registers).all(same)
}

/// Whether both hold the same references and locks.
fn same_held(old: &State, new: &State, ids: &mut IdMap) -> bool {
    if old.references.len() != new.references.len() {
        return false;
    }
    let locks = match (&old.lock, &new.lock) {
        (None, None) => true,
        (Some(old), Some(new)) => old.map == new.map && ids.check(old.id, new.id),
        (None, Some(_)) | (Some(_), None) => false,
    };
    locks
        && old
            .references
            .iter()
            .zip(&new.references)
            .all(|(old, new)| ids.check(Some(old.id), Some(new.id)))
}

/// A comparison of two frames.
#[derive(Clone, Copy, Debug)]
struct Comparison {
    marks: PreciseFrame,
    exactness: Exactness,
}

impl Comparison {
    fn register(&self, old: &Register, new: &Register, precise: bool, ids: &mut IdMap) -> bool {
        if self.exactness == Exactness::Same {
            return same(old, new, ids);
        }
        if !old.is_init() {
            return true;
        }
        if !old.kind.is_alike(new.kind) || old.nullable != new.nullable {
            return false;
        }
        let within = || old.value.includes(new.value);
        match (old.kind, new.kind) {
            (Kind::Scalar, _) => {
                (!precise && self.exactness == Exactness::Loose)
                    || within() && same_ties(old, new, ids)
            }
            (
                Kind::MapKey { .. }
                | Kind::MapValue { .. }
                | Kind::Memory { .. }
                | Kind::Buffer { .. }
                | Kind::TracepointBuffer,
                _,
            ) => {
                old.kind == new.kind
                    && old.off == new.off
                    && within()
                    && ids.check(old.id, new.id)
                    && ids.check(old.reference, new.reference)
            }
            (Kind::Packet { range: old_range }, Kind::Packet { range: new_range })
            | (Kind::PacketMeta { range: old_range }, Kind::PacketMeta { range: new_range }) => {
                reach(old_range) <= reach(new_range)
                    && old.off == new.off
                    && ids.check(old.id, new.id)
                    && within()
            }
            (
                Kind::Context
                | Kind::Stack { .. }
                | Kind::Map { .. }
                | Kind::Packet { .. }
                | Kind::PacketMeta { .. }
                | Kind::PacketEnd
                | Kind::Object(_)
                | Kind::FlowKeys
                | Kind::Kernel { .. }
                | Kind::Function { .. }
                | Kind::Uninit,
                _,
            ) => same(old, new, ids),
        }
    }

    fn stack(&self, old: &Stack, new: &Stack, ids: &mut IdMap) -> bool {
        old.slots.iter().enumerate().all(|(number, old)| {
            let precise = self.marks.slots & 1 << number != 0;
            self.slot(old, new.slot(number), precise, ids)
        })
    }

    fn slot(&self, old: &Slot, new: Option<&Slot>, precise: bool, ids: &mut IdMap) -> bool {
        let unknown = |byte: &Byte| matches!(byte, Byte::Invalid | Byte::Misc);
        let exact = self.exactness != Exactness::Loose;
        if exact && new.is_none_or(|new| new.bytes != old.bytes) {
            return false;
        }
        if old.bytes.iter().all(unknown) {
            // Whatever is there now will do.
            return true;
        }
        let Some(new) = new else { return false };
        if let (Some(old), Some(new)) = (as_number(old), as_number(new)) {
            return self.register(&old, &new, precise, ids);
        }
        let bytes = old.bytes.iter().zip(&new.bytes).all(|(old, new)| unknown(old) || old == new);
        bytes && (!old.is_spilled() || self.register(&old.spilled, &new.spilled, precise, ids))
    }
}

/// A slot as the number that a load of all of it yields.
fn as_number(slot: &Slot) -> Option<Register> {
    if slot.is_spilled_scalar() && slot.is_spilled_whole() {
        return Some(slot.spilled);
    }
    let unknown = slot.bytes.iter().all(|byte| matches!(byte, Byte::Invalid | Byte::Misc));
    unknown.then_some(Register::UNKNOWN)
}

/// Whether a number is tied to all that the checkpoint's was tied to. If that was tied to nothing,
/// no path has learned anything of it by way of others, and what ties there are now do no harm.
fn same_ties(old: &Register, new: &Register, ids: &mut IdMap) -> bool {
    old.id.is_none()
        || old.displaced == new.displaced
            && (old.displaced.is_none() || old.off == new.off)
            && ids.check_scalars(old.id, new.id)
}

/// Whether registers are the same but for names.
fn same(old: &Register, new: &Register, ids: &mut IdMap) -> bool {
    old.kind == new.kind
        && old.nullable == new.nullable
        && old.off == new.off
        && old.displaced == new.displaced
        && old.value == new.value
        && ids.check(old.id, new.id)
        && ids.check(old.reference, new.reference)
}

/// Ranges in order: one that says more is larger.
fn reach(range: PacketRange) -> i32 {
    match range {
        PacketRange::Bytes(bytes) => bytes.into(),
        PacketRange::AtEnd => -1,
        PacketRange::BeyondEnd => -2,
    }
}
