//! Functions of the program: called, or called back by helpers.

use skep_spec::abi::{HelperId, proto};
use skep_spec::insn::Reg;

use super::map_values::value_of;
use super::{CTX, Function, Generator, Kind};
use crate::assembler::Label;
use crate::maps::SHAPES;

/// Functions that one program has at most, besides its first.
const FUNCTIONS: usize = 3;

/// A function that is called and not yet written.
pub(super) struct Pending {
    label: Label,
    args: Vec<Kind>,
    /// Whether it returns 0 or 1, as callbacks must.
    callback: bool,
    /// Bytes of the caller's stack that r1 or r2 leads to: how many, in which argument.
    nesting: u32,
}

/// The most bytes of stack of a function that is called.
const CALLED_STACK: i16 = 64;

impl Generator<'_> {
    fn may_call(&self) -> bool {
        self.nesting == 0
            && self.functions.len() == 1
            && self.pending.len() < FUNCTIONS
            && !self.plain
    }

    /// Calls a function of the program.
    pub(super) fn local_call(&mut self) {
        if !self.may_call() {
            return self.arithmetic();
        }
        let label = self.assembler.label();
        let mut args = Vec::new();
        if self.function.kind(CTX) == Kind::Context && self.random.chance(60) {
            self.assembler.mov(Reg::R1, CTX);
            args.push(Kind::Context);
        } else {
            self.assembler.mov(Reg::R1, 7);
            args.push(Kind::Scalar(7));
        }
        self.function.set(Reg::R1, Kind::Unreadable);
        if self.random.chance(70) {
            let off = self.filled_stack(16);
            self.stack_address(Reg::R2, off);
            self.function.set(Reg::R2, Kind::Unreadable);
            args.push(Kind::Memory { room: 16, writable: true, packet: false });
            self.function.forget_spills();
        }
        self.assembler.call_local(label);
        self.function.called(Kind::Scalar(u64::MAX));
        self.function.packet_moved();
        self.pending.push(Pending { label, args, callback: false, nesting: 1 });
    }

    /// `bpf_loop` with a function of the program.
    pub(super) fn loop_callback(&mut self) {
        let there = proto::proto(HelperId::Loop, self.hook.prog_type, self.hook.attach);
        if !self.may_call() || there.is_none() {
            return self.bounded_loop();
        }
        let label = self.assembler.label();
        let rounds = self.random.between(0, 12);
        let stack = self.random.chance(70).then(|| self.filled_stack(16));
        if self.random.chance(25) {
            let rounds = self.bounded(16, &[]);
            self.assembler.mov(Reg::R1, rounds);
        } else {
            self.assembler.mov(Reg::R1, rounds);
        }
        self.assembler.function(Reg::R2, label);
        let context = self.callback_context(Reg::R3, stack);
        self.assembler.mov(Reg::R4, 0);
        self.assembler.call(HelperId::Loop.number().cast_signed());
        self.function.called(Kind::Scalar(u64::MAX));
        self.function.packet_moved();
        self.function.forget_spills();
        let args = vec![Kind::Scalar(u64::from(u32::MAX)), context];
        self.pending.push(Pending { label, args, callback: true, nesting: 1 });
    }

    /// `bpf_for_each_map_elem` with a function of the program.
    pub(super) fn map_callback(&mut self) {
        let helper = HelperId::ForEachMapElem;
        let there = proto::proto(helper, self.hook.prog_type, self.hook.attach);
        let map = self.map_for(helper);
        let (Some(map), true, true) = (map, self.may_call(), there.is_some()) else {
            return self.lookup();
        };
        // In which order elements come, each engine decides.
        self.repeatable = false;
        let label = self.assembler.label();
        let stack = self.random.chance(70).then(|| self.filled_stack(16));
        self.map_address(Reg::R1, map);
        self.assembler.function(Reg::R2, label);
        let context = self.callback_context(Reg::R3, stack);
        self.assembler.mov(Reg::R4, 0);
        self.assembler.call(helper.number().cast_signed());
        self.function.called(Kind::Scalar(u64::MAX));
        self.function.packet_moved();
        self.function.forget_spills();
        let shape = &SHAPES[map];
        let key = Kind::Memory { room: shape.key, writable: false, packet: false };
        let value = value_of(map);
        let args = vec![Kind::Unreadable, key, value, context];
        self.pending.push(Pending { label, args, callback: true, nesting: 1 });
    }

    fn callback_context(&mut self, reg: Reg, stack: Option<i16>) -> Kind {
        match stack {
            Some(off) => {
                self.stack_address(reg, off);
                Kind::Memory { room: 16, writable: true, packet: false }
            }
            None => {
                self.assembler.mov(reg, 0);
                Kind::Unreadable
            }
        }
    }

    /// Writes a function that is called.
    pub(super) fn pending_function(&mut self, pending: Pending) {
        self.assembler.place(pending.label);
        self.functions.push(pending.label);
        self.bail = self.assembler.label();
        self.nesting = pending.nesting;
        self.function = Function::new(&pending.args, CALLED_STACK);
        if pending.args.first() == Some(&Kind::Context) {
            self.assembler.mov(CTX, Reg::R1);
            self.function.set(CTX, Kind::Context);
        }
        for (reg, kind) in [(Reg::R7, Reg::R2), (Reg::R8, Reg::R3)] {
            if matches!(self.function.kind(kind), Kind::Memory { .. }) && self.random.chance(60) {
                self.assembler.mov(reg, kind);
                let memory = self.function.kind(kind);
                self.function.set(reg, memory);
            }
        }
        let count = 1 + self.random.below(3);
        if pending.callback {
            self.plain = self.random.chance(50);
        }
        self.steps(count);
        self.plain = false;
        if pending.callback {
            let result = if self.random.chance(90) { 0 } else { 1 };
            self.assembler.mov(Reg::R0, result);
            self.assembler.emit(skep_spec::Insn::Exit);
            if self.assembler.is_used(self.bail) {
                self.assembler.place(self.bail);
                self.assembler.mov(Reg::R0, 1);
                self.assembler.emit(skep_spec::Insn::Exit);
            }
        } else {
            self.end(false);
        }
    }
}
