//! Jumps.
//!
//! A condition that can only come out one way leads on to one path. Otherwise the side that jumps
//! is put off, the other one is followed, and each is told what the outcome says of the operands:
//! of numbers by the domain ([`crate::domain::branch`]), of pointers compared with null here, of
//! packet pointers in `packet_range`.

use skep_spec::insn::{Condition, Operand, Reg, Width};

use super::alu::extend;
use super::packet_range;
use crate::domain::Scalar;
use crate::domain::alu::displace;
use crate::domain::branch::{is_taken, refine};
use crate::explore::{Linked, Next, Walk};
use crate::rejection::Check;
use crate::state::register::{MemoryKind, PacketRange, Trust};
use crate::state::{Id, Kind, Register, State};

/// A comparison of two operands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comparison {
    /// How much of them is compared.
    pub(super) width: Width,
    /// What is asked.
    pub(super) cond: Condition,
    /// The first operand.
    pub(super) dst: Reg,
    /// The second operand.
    pub(super) src: Operand,
}

impl Walk<'_> {
    /// `goto`.
    pub(crate) fn check_goto(&mut self, distance: i32) -> Check<Next> {
        self.counters.jumps += 1;
        Ok(Next::Jump(self.at.jump(distance).expect("cfg: jumps lead to instructions")))
    }

    /// `if dst cond src goto off`.
    pub(crate) fn check_branch(
        &mut self,
        width: Width,
        cond: Condition,
        dst: Reg,
        src: Operand,
        off: i16,
    ) -> Check<Next> {
        let comparison = Comparison { width, cond, dst, src };
        let left = self.read(dst)?;
        let right = match src {
            Operand::Reg(reg) => self.read(reg)?,
            Operand::Imm(imm) => Register::constant(extend(imm)),
        };
        self.note_stack_operands(&left, &right);
        let target = self.at.jump(off.into()).expect("cfg: jumps lead to instructions");
        if let Some(holds) = decide(&comparison, &left, &right) {
            if left.is_scalar() {
                self.mark_precise(dst)?;
            }
            if let Operand::Reg(reg) = src
                && right.is_scalar()
            {
                self.mark_precise(reg)?;
            }
            return Ok(if holds { Next::Jump(target) } else { Next::Following });
        }
        let linked = self.linked_operands(&comparison, &left, &right);
        self.put_off(target)?;
        let mut jumping = self.pending.pop().expect("pending: one was pushed");
        learn(&mut jumping.state, &comparison, true, &linked);
        learn(&mut self.state, &comparison, false, &linked);
        self.tell_pointers(&comparison, &left, &right, &mut jumping.state);
        self.pending.push(jumping);
        Ok(Next::Following)
    }

    /// The registers tied to the operands, which are remembered for walking back.
    fn linked_operands(
        &mut self,
        comparison: &Comparison,
        left: &Register,
        right: &Register,
    ) -> Linked {
        let mut linked = Linked::default();
        if let Operand::Reg(_) = comparison.src
            && right.is_scalar()
            && let Some(id) = right.id
        {
            self.collect_linked(id, &mut linked);
        }
        if left.is_scalar()
            && let Some(id) = left.id
        {
            self.collect_linked(id, &mut linked);
        }
        if linked.len() > 1 {
            self.note_linked(linked);
        }
        linked
    }

    /// What the outcomes say of pointers.
    fn tell_pointers(
        &mut self,
        comparison: &Comparison,
        left: &Register,
        right: &Register,
        jumping: &mut State,
    ) {
        let equal = match comparison.cond {
            Condition::Eq => Some(true),
            Condition::Ne => Some(false),
            Condition::Gt
            | Condition::Ge
            | Condition::Lt
            | Condition::Le
            | Condition::Set
            | Condition::SGt
            | Condition::SGe
            | Condition::SLt
            | Condition::SLe => None,
        };
        if comparison.width == Width::W32 {
            return;
        }
        match (comparison.src, equal) {
            (Operand::Imm(0), Some(jumps_if_null)) if left.nullable => {
                self.mark_null(comparison.dst, !jumps_if_null, None);
                self.mark_null(comparison.dst, jumps_if_null, Some(jumping));
            }
            (Operand::Imm(_), _) => {}
            (Operand::Reg(src), _) => {
                if let Some(jumps_if_equal) = equal
                    && left.is_pointer()
                    && right.is_pointer()
                    && left.nullable != right.nullable
                    && !matches!(left.kind, Kind::Kernel { .. })
                    && !matches!(right.kind, Kind::Kernel { .. })
                {
                    // Sound: what equals a pointer that is not null is not null.
                    let nullable = if right.nullable { src } else { comparison.dst };
                    let state = if jumps_if_equal { &mut *jumping } else { &mut self.state };
                    let register = *state.register(nullable);
                    *state.register_mut(nullable) = not_null(register, &self.maps);
                }
                packet_range::learn(&mut self.state, jumping, comparison, src);
            }
        }
    }

    /// Settles whether a pointer that may be null is, on the path at hand or on one put off: all
    /// registers of its name are, or none.
    ///
    /// Sound: they all came out of one call, or one load, and were not changed since, as nothing
    /// can be added to a pointer that may be null.
    fn mark_null(&mut self, reg: Reg, is_null: bool, put_off: Option<&mut State>) {
        let state = put_off.unwrap_or(&mut self.state);
        let register = *state.register(reg);
        let Some(id) = register.id else { return };
        if is_null && register.reference == Some(id) {
            // There is nothing to give back.
            state.references.retain(|reference| reference.id != id);
        }
        let maps = &self.maps;
        state.for_each_register(|register| {
            if register.nullable && register.id == Some(id) {
                *register = if is_null {
                    Register::scalar(register.value)
                } else {
                    settled_pointer(*register, maps)
                };
            }
        });
    }
}

/// A pointer that is known not to be null, without the name that it had for being compared, unless
/// it is needed to tell locks apart.
fn settled_pointer(register: Register, maps: &crate::maps::Maps) -> Register {
    let pointer = not_null(register, maps);
    let holds_lock = match pointer.kind {
        Kind::MapValue { map, .. } => maps.facts(map).has_lock(),
        _ => false,
    };
    if holds_lock { pointer } else { Register { id: None, ..pointer } }
}

/// A pointer that is known not to be null. What looks like a value of some maps is something else.
fn not_null(register: Register, maps: &crate::maps::Maps) -> Register {
    let kind = match register.kind {
        Kind::MapValue { map, .. } => maps.element(map, register.id).unwrap_or(register.kind),
        kind => kind,
    };
    Register { kind, nullable: false, ..register }
}

/// Whether the condition holds, if that is known.
fn decide(comparison: &Comparison, left: &Register, right: &Register) -> Option<bool> {
    let Comparison { width, cond, .. } = *comparison;
    let of_packet = |register: &Register| register.kind.is_packet() || is_end(register);
    if of_packet(left) && of_packet(right) && width == Width::W64 {
        return decide_packet(cond, left, right);
    }
    if !left.is_pointer() && !right.is_pointer() {
        return is_taken(width, cond, left.value, right.value);
    }
    let known = |register: &Register| match width {
        Width::W64 => register.as_constant(),
        Width::W32 if register.is_scalar() => register.value.as_low_constant().map(u64::from),
        Width::W32 => None,
    };
    let (pointer, number) = match (known(left), known(right)) {
        (_, Some(number)) => (left, number),
        (Some(number), None) => (right, number),
        (None, None) => return None,
    };
    if number != 0 || !is_never_null(pointer) {
        return None;
    }
    match cond {
        Condition::Eq => Some(false),
        Condition::Ne => Some(true),
        Condition::Gt
        | Condition::Ge
        | Condition::Lt
        | Condition::Le
        | Condition::Set
        | Condition::SGt
        | Condition::SGe
        | Condition::SLt
        | Condition::SLe => None,
    }
}

fn is_end(register: &Register) -> bool {
    register.kind == Kind::PacketEnd
}

/// Whether a comparison with the end of the packet holds, for a pointer that was compared before.
fn decide_packet(cond: Condition, left: &Register, right: &Register) -> Option<bool> {
    let (packet, cond) = if is_end(right) {
        (left, cond)
    } else if is_end(left) {
        (right, flipped(cond)?)
    } else {
        return None;
    };
    let Kind::Packet { range } = packet.kind else { return None };
    match (range, cond) {
        (PacketRange::BeyondEnd, Condition::Gt | Condition::Ge) => Some(true),
        (PacketRange::BeyondEnd, Condition::Le | Condition::Lt) => Some(false),
        (PacketRange::AtEnd, Condition::Ge) => Some(true),
        (PacketRange::AtEnd, Condition::Lt) => Some(false),
        _ => None,
    }
}

/// The condition with its operands exchanged, if it orders them.
fn flipped(cond: Condition) -> Option<Condition> {
    match cond {
        Condition::Gt => Some(Condition::Lt),
        Condition::Lt => Some(Condition::Gt),
        Condition::Ge => Some(Condition::Le),
        Condition::Le => Some(Condition::Ge),
        Condition::Eq
        | Condition::Ne
        | Condition::Set
        | Condition::SGt
        | Condition::SGe
        | Condition::SLt
        | Condition::SLe => None,
    }
}

/// Whether a pointer is never null, and known not to be.
fn is_never_null(register: &Register) -> bool {
    if register.nullable {
        return false;
    }
    match register.kind {
        Kind::Object(object) => {
            use skep_spec::abi::context::objects::Object;
            match object {
                Object::Socket | Object::SockCommon | Object::TcpSock => true,
                Object::XdpSock | Object::FlowKeys => false,
            }
        }
        Kind::MapValue { .. } | Kind::MapKey { .. } | Kind::Map { .. } => true,
        Kind::Memory { access, .. } => access != MemoryKind::Untrusted,
        Kind::Kernel { trust, .. } => {
            matches!(trust, Trust::Trusted) || register.reference.is_some()
        }
        Kind::Uninit
        | Kind::Scalar
        | Kind::Context
        | Kind::Stack { .. }
        | Kind::Packet { .. }
        | Kind::PacketMeta { .. }
        | Kind::PacketEnd
        | Kind::FlowKeys
        | Kind::Buffer { .. }
        | Kind::TracepointBuffer
        | Kind::Function { .. } => false,
    }
}

/// Narrows two numbers by the outcome of their comparison, and all that is tied to them.
///
/// Sound: on this side of the branch the condition came out so.
fn learn(state: &mut State, comparison: &Comparison, holds: bool, linked: &Linked) {
    let Comparison { width, cond, dst, src } = *comparison;
    let left = *state.register(dst);
    let right = match src {
        Operand::Reg(reg) => *state.register(reg),
        Operand::Imm(imm) => Register::constant(extend(imm)),
    };
    if left.is_scalar() && right.is_scalar() {
        let refined = refine(width, cond, holds, left.value, right.value);
        match src {
            Operand::Reg(reg) if reg == dst => {
                state.register_mut(dst).value = both(refined.dst, refined.src);
            }
            Operand::Reg(reg) => {
                state.register_mut(dst).value = refined.dst;
                state.register_mut(reg).value = refined.src;
            }
            Operand::Imm(_) => state.register_mut(dst).value = refined.dst,
        }
    }
    if let Operand::Reg(reg) = src {
        tell_linked(state, reg, linked);
    }
    tell_linked(state, dst, linked);
}

/// What two views of one number say together.
fn both(one: Scalar, other: Scalar) -> Scalar {
    Scalar {
        tnum: one.tnum.intersect(other.tnum),
        u64: one.u64.intersect(other.u64),
        s64: one.s64.intersect(other.s64),
        u32: one.u32.intersect(other.u32),
        s32: one.s32.intersect(other.s32),
    }
    .sync()
    .settled()
}

/// Tells the registers tied to one what is known of that now.
fn tell_linked(state: &mut State, reg: Reg, linked: &Linked) {
    let known = *state.register(reg);
    if !known.is_scalar() {
        return;
    }
    let Some(id) = known.id else { return };
    linked.apply(state, reg, |register| retold(*register, &known, id));
}

/// What is known of a register by what is known of one that it is tied to.
///
/// Sound: both are at known distances from the number that the name stands for, if not that number
/// itself; equal distances make equal numbers. Sums of lower halves wrap as those do, and then that
/// number is a lower half, too.
fn retold(register: Register, known: &Register, id: Id) -> Register {
    if !register.is_scalar() || register.id != Some(id) {
        return register;
    }
    let distance = |of: &Register| if of.displaced.is_some() { i64::from(of.off) } else { 0 };
    let (to, from) = (distance(&register), distance(known));
    let value = match (register.displaced, known.displaced) {
        (to_width, from_width) if to_width == from_width && to == from => return *known,
        (Some(Width::W64) | None, Some(Width::W64) | None) => {
            displace(Width::W64, known.value, to - from)
        }
        (Some(Width::W32) | None, Some(Width::W32) | None) => {
            displace(Width::W32, known.value, to - from)
        }
        (Some(width), Some(known_width)) => {
            displace(width, displace(known_width, known.value, -from), to)
        }
    };
    Register { value: value.settled(), ..register }
}
