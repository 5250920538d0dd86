//! A machine at one moment of a run, and whether a state of the verifier admits it.

use std::fmt;

use skep_runtime::memory::{FRAME_SIZE, Region, RegionKind};
use skep_runtime::watch::Moment;
use skep_spec::insn::{Reg, Size, Width};
use skep_verifier::Maps;
use skep_verifier::state::register::{MemoryKind, PacketRange};
use skep_verifier::state::{Byte, Id, Kind, Register, Slot, State};

use super::Compared;

/// A machine at one moment.
pub(super) struct Machine<'m, 'r, 'w> {
    moment: &'m Moment<'r, 'w>,
    /// The address of the context.
    context: u64,
    /// The frame pointer of each active function.
    frames: &'m [u64],
    /// The stack of each active function, by ascending address.
    stacks: Vec<Vec<u8>>,
    /// The maps that registers refer to.
    maps: &'m Maps,
}

/// What a state said, as far as it was compared.
#[derive(Default)]
struct Said {
    compared: Compared,
    /// By name, the number that it stands for, or the lower half of that.
    named: Vec<(Id, u64, Width)>,
}

/// What narrow spills are wide.
const NARROW: [Size; 3] = [Size::B, Size::H, Size::W];

/// Whether a value is the address that was said; `None` if runs do not tell.
type Fits = Option<bool>;

/// How a machine differs from a state.
#[derive(Clone, Copy, Debug)]
pub(super) enum Difference {
    /// A register holds another number or pointer.
    Register(Reg, u64),
    /// A register is not as far from another as was said.
    Tie(Reg, u64),
    /// A slot of the stack holds something else, by frame and slot.
    Slot(usize, usize),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Register(reg, value) => write!(f, "{reg} is {value:#x}, said not to be"),
            Difference::Tie(reg, value) => write!(f, "{reg} is {value:#x}, said to be tied"),
            Difference::Slot(frame, slot) => {
                write!(f, "frame {frame}, fp-{}, holds what was said not to be", (slot + 1) * 8)
            }
        }
    }
}

/// What is wrong with a register.
enum Wrong {
    Value,
    Tie,
}

impl<'m, 'r, 'w> Machine<'m, 'r, 'w> {
    /// The machine of a moment.
    pub(super) fn new(
        moment: &'m Moment<'r, 'w>,
        context: u64,
        frames: &'m [u64],
        maps: &'m Maps,
    ) -> Machine<'m, 'r, 'w> {
        let stack = |pointer: &u64| {
            let len = usize::try_from(FRAME_SIZE).unwrap_or(0);
            let bytes = moment.bytes(pointer.wrapping_sub(FRAME_SIZE), len);
            bytes.map_or(Vec::new(), |bytes| bytes.to_vec())
        };
        let stacks = frames.iter().map(stack).collect();
        Machine { moment, context, frames, stacks, maps }
    }

    /// Whether a state admits the machine: what was compared, or the first difference.
    pub(super) fn is_within(&self, state: &State) -> Result<Compared, Difference> {
        let mut said = Said::default();
        for reg in Reg::ALL {
            let value = self.moment.register(reg);
            self.register(state.register(reg), value, &mut said).map_err(|wrong| match wrong {
                Wrong::Value => Difference::Register(reg, value),
                Wrong::Tie => Difference::Tie(reg, value),
            })?;
        }
        for (number, (frame, bytes)) in state.frames.iter().zip(&self.stacks).enumerate() {
            for (index, slot) in frame.stack.slots.iter().enumerate() {
                let end = bytes.len().checked_sub(index * 8);
                let bytes = end.and_then(|end| bytes.get(end.checked_sub(8)?..end));
                let held = bytes.is_some_and(|bytes| self.slot(slot, bytes, &mut said).is_ok());
                if !held {
                    return Err(Difference::Slot(number, index));
                }
            }
        }
        Ok(said.compared)
    }

    /// Compares a register, or what was spilled of one.
    fn register(&self, register: &Register, value: u64, said: &mut Said) -> Result<(), Wrong> {
        match register.kind {
            Kind::Uninit => return Ok(()),
            Kind::Scalar => {
                said.compared.numbers += 1;
                if !register.value.contains(value) {
                    return Err(Wrong::Value);
                }
                return tied(register, value, said);
            }
            _ if register.nullable && value == 0 => said.compared.pointers += 1,
            _ => match self.is_address(register, value) {
                Some(true) => said.compared.pointers += 1,
                Some(false) => return Err(Wrong::Value),
                None => said.compared.unplaced += 1,
            },
        }
        Ok(())
    }

    /// Compares eight bytes of stack.
    fn slot(&self, slot: &Slot, bytes: &[u8], said: &mut Said) -> Result<(), Wrong> {
        let zero = |(said, byte): (&Byte, &u8)| *said != Byte::Zero || *byte == 0;
        if !slot.bytes.iter().zip(bytes).all(zero) {
            return Err(Wrong::Value);
        }
        said.compared.slots += u64::from(slot.bytes.contains(&Byte::Zero));
        let Some(register) = slot.register() else { return Ok(()) };
        said.compared.slots += 1;
        let spilled = slot.bytes.iter().take_while(|byte| **byte == Byte::Spill).count();
        let mut value = [0; 8];
        for (to, from) in value.iter_mut().zip(bytes).take(spilled) {
            *to = *from;
        }
        let value = u64::from_le_bytes(value);
        let Some(size) = NARROW.into_iter().find(|size| size.bytes() == spilled) else {
            return self.register(register, value, said);
        };
        // The lower bytes of what the register held.
        let narrow = Register::scalar(register.value.truncate(size));
        self.register(&narrow, value, said)
    }

    /// Whether a value is the address that a register was said to hold.
    fn is_address(&self, register: &Register, value: u64) -> Fits {
        // Where it points to without its fixed offset, and without any.
        let varying = value.wrapping_sub(i64::from(register.off).cast_unsigned());
        let from = |base: u64| register.value.contains(varying.wrapping_sub(base));
        let packet = || self.moment.run().packet().ok();
        match register.kind {
            Kind::Context => Some(from(self.context)),
            Kind::Stack { frame } => Some(from(*self.frames.get(usize::from(frame))?)),
            Kind::Packet { range } => {
                let (begin, end) = (packet()?.data_addr(), packet()?.linear_end_addr());
                let reaches = match range {
                    PacketRange::Bytes(0) => true,
                    PacketRange::Bytes(bytes) => varying + u64::from(bytes) <= end,
                    PacketRange::AtEnd => value >= end,
                    PacketRange::BeyondEnd => value > end,
                };
                Some(reaches && from(begin))
            }
            Kind::PacketMeta { range } => {
                let (begin, end) = (packet()?.meta_addr(), packet()?.data_addr());
                let reaches = range.bytes() == 0 || varying + u64::from(range.bytes()) <= end;
                Some(reaches && from(begin))
            }
            Kind::PacketEnd => Some(from(packet()?.linear_end_addr())),
            Kind::Map { map, .. } => {
                let named = self.moment.run().map(value).ok()?;
                Some(named.map_type() == self.maps.facts(map).map_type)
            }
            Kind::MapValue { map, .. } => {
                let size = self.maps.facts(map).value_size;
                self.begins(register, varying, u64::from(size), |kind| {
                    matches!(kind, RegionKind::Map(_))
                })
            }
            Kind::Memory { size, access: MemoryKind::Ringbuf } => {
                self.begins(register, varying, u64::from(size), |kind| kind == RegionKind::Record)
            }
            Kind::Uninit
            | Kind::Scalar
            | Kind::MapKey { .. }
            | Kind::Object(_)
            | Kind::FlowKeys
            | Kind::Memory { .. }
            | Kind::Buffer { .. }
            | Kind::TracepointBuffer
            | Kind::Kernel { .. }
            | Kind::Function { .. } => None,
        }
    }

    /// Whether an address is within a region of a kind and a size, at an offset from its beginning
    /// that a register admits. Where the register admits offsets past the region's end, which of
    /// several regions it began in cannot be told.
    fn begins(
        &self,
        register: &Register,
        varying: u64,
        size: u64,
        of: impl Fn(RegionKind) -> bool,
    ) -> Fits {
        if register.value.u64.max >= size.max(1) {
            return None;
        }
        let fits = |region: &Region| {
            of(region.kind)
                && region.len >= size
                && register.value.contains(varying.wrapping_sub(region.start))
        };
        Some(self.moment.regions(varying).iter().any(fits))
    }
}

/// Compares a number with one that has the same name.
fn tied(register: &Register, value: u64, said: &mut Said) -> Result<(), Wrong> {
    let Some(id) = register.id else { return Ok(()) };
    let off = if register.displaced.is_some() { i64::from(register.off) } else { 0 };
    let width = register.displaced.unwrap_or(Width::W64);
    let stands_for = value.wrapping_sub(off.cast_unsigned());
    let same = said.named.iter().find(|(name, ..)| *name == id);
    let Some((_, other, other_width)) = same else {
        said.named.push((id, stands_for, width));
        return Ok(());
    };
    said.compared.ties += 1;
    let upper = match (width, other_width) {
        (Width::W64, Width::W64) => 0,
        (Width::W32, _) | (_, Width::W32) => 32,
    };
    if (stands_for ^ other) << upper == 0 { Ok(()) } else { Err(Wrong::Tie) }
}
