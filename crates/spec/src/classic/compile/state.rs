//! What registers and stack hold before an instruction.

use std::collections::BTreeMap;

use super::number::Number;
use super::{CompileErrorKind, Result};
use crate::insn::{Reg, Size};

/// Something that a word of memory stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Home {
    /// A register.
    Reg(Reg),
    /// What was stored to the stack, at an offset from the frame pointer.
    Stack(i64),
    /// A part of a result.
    Scratch,
    /// A value that a result is made of.
    Scratch2,
}

/// What a register holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Value {
    /// Nothing, or one thing on one path and another on another.
    Nothing,
    /// A number, which a word of memory stands for.
    Number(Number),
    /// An address in the context.
    Context(i64),
    /// An address on the stack, counted from the frame pointer.
    Stack(i64),
}

impl Value {
    fn join(self, other: Value) -> Value {
        match (self, other) {
            (one, other) if one == other => one,
            (Value::Number(one), Value::Number(other)) => {
                one.join(other).map_or(Value::Nothing, Value::Number)
            }
            (_, _) => Value::Nothing,
        }
    }

    /// What it is, for errors.
    pub(super) fn name(self) -> &'static str {
        match self {
            Value::Nothing => "nothing that is the same on every path",
            Value::Number(_) => "a number",
            Value::Context(_) => "an address in the context",
            Value::Stack(_) => "an address on the stack",
        }
    }
}

/// Registers and stack.
#[derive(Clone, Debug)]
pub(super) struct State {
    registers: [Value; 11],
    /// What was stored, by offset.
    stack: BTreeMap<i64, (Size, Value)>,
}

impl State {
    /// At the beginning of a program.
    pub(super) fn entry() -> State {
        let mut registers = [Value::Nothing; 11];
        registers[Reg::R1.index()] = Value::Context(0);
        registers[Reg::FP.index()] = Value::Stack(0);
        State { registers, stack: BTreeMap::new() }
    }

    /// What is known where either may be there.
    pub(super) fn join(mut self, other: &State) -> State {
        for (one, other) in self.registers.iter_mut().zip(other.registers) {
            *one = one.join(other);
        }
        self.stack.retain(|off, (size, value)| match other.stack.get(off) {
            Some((other_size, other)) if size == other_size => {
                *value = value.join(*other);
                true
            }
            Some(_) | None => false,
        });
        self
    }

    pub(super) fn get(&self, reg: Reg) -> Value {
        self.registers[reg.index()]
    }

    pub(super) fn set(&mut self, reg: Reg, value: Value) {
        self.registers[reg.index()] = value;
    }

    /// What is known of the number in a register.
    pub(super) fn number(&self, reg: Reg) -> Result<Number> {
        match self.get(reg) {
            Value::Number(number) => Ok(number),
            other @ (Value::Nothing | Value::Context(_) | Value::Stack(_)) => {
                Err(CompileErrorKind::NoNumber { reg, found: other.name() })
            }
        }
    }

    /// What is known of the lower half of the number in a register.
    pub(super) fn low(&self, reg: Reg) -> Result<Number> {
        self.number(reg)?.low().ok_or(CompileErrorKind::Wide { reg })
    }

    /// A call leaves nothing in the registers of arguments.
    pub(super) fn forget_arguments(&mut self) {
        for reg in [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5] {
            self.set(reg, Value::Nothing);
        }
    }

    /// What was stored at an offset, with its size.
    pub(super) fn stored(&self, off: i64) -> Option<(Size, Value)> {
        self.stack.get(&off).copied()
    }

    /// Stores, over whatever was there.
    pub(super) fn put(&mut self, off: i64, size: Size, value: Value) {
        let len = |size: Size| i64::try_from(size.bytes()).unwrap_or(8);
        let end = off.saturating_add(len(size));
        self.stack
            .retain(|other, (size, _)| other.saturating_add(len(*size)) <= off || *other >= end);
        self.stack.insert(off, (size, value));
    }
}
