//! The stack: numbers of all widths, registers put away and taken back, addresses that vary.

use skep_spec::insn::{AluOp, AtomicOp, Insn, Operand, Reg, Size, Width};

use super::{Generator, Kind};

const SIZES: &[Size] = &[Size::B, Size::H, Size::W, Size::DW, Size::DW];

impl Generator<'_> {
    pub(super) fn size(&mut self) -> Size {
        self.random.pick(SIZES)
    }

    /// The offset of an aligned place of so many bytes in the part of the stack that is used.
    fn place_on_stack(&mut self, bytes: i16, aligned: i16) -> i16 {
        let places = (self.function.depth - bytes) / aligned;
        let place = self.random.below(usize::try_from(places + 1).unwrap_or(1));
        let place = i16::try_from(place).unwrap_or(0);
        -(bytes + aligned - 1) / aligned * aligned - place * aligned
    }

    pub(super) fn stack_write(&mut self) {
        for _ in 0..1 + self.random.below(3) {
            let size = self.size();
            let bytes = i16::try_from(size.bytes()).unwrap_or(8);
            let off = self.place_on_stack(bytes, bytes);
            let src = self.operand();
            self.assembler.store(size, Reg::FP, off, src);
            self.function.written(off, size.bytes());
        }
    }

    pub(super) fn stack_read(&mut self) {
        let size = self.size();
        let bytes = i16::try_from(size.bytes()).unwrap_or(8);
        let mut off = self.place_on_stack(bytes, bytes);
        for _ in 0..8 {
            if self.function.readable(off, size.bytes()) {
                break;
            }
            off = self.place_on_stack(bytes, bytes);
        }
        if !self.function.readable(off, size.bytes()) {
            let src = self.operand();
            self.assembler.store(size, Reg::FP, off, src);
            self.function.written(off, size.bytes());
        }
        let dst = self.target();
        let signed = size != Size::DW && self.random.chance(20);
        self.assembler.emit(Insn::Load { size, signed, dst, src: Reg::FP, off });
        self.function.set(dst, Kind::Scalar(if signed { u64::MAX } else { most(size) }));
    }

    /// Puts any register away.
    pub(super) fn spill(&mut self) {
        let readable = self.function.regs(|kind| kind != Kind::Unreadable);
        let src = self.random.pick(&readable);
        let off = self.place_on_stack(8, 8);
        self.assembler.store(Size::DW, Reg::FP, off, src);
        let kind = self.function.kind(src);
        self.function.spilled(off, kind);
    }

    /// Takes back what was put away, or a part of it.
    pub(super) fn fill(&mut self) {
        if self.function.spills().is_empty() {
            self.spill();
        }
        let (off, kind) = self.random.pick(self.function.spills());
        if kind == Kind::Unreadable {
            return;
        }
        let dst = self.target();
        if matches!(kind, Kind::Scalar(_)) && self.random.chance(30) {
            let size = self.random.pick(&[Size::B, Size::H, Size::W]);
            let step = i16::try_from(size.bytes()).unwrap_or(1);
            let part = i16::try_from(self.random.below(8 / size.bytes())).unwrap_or(0);
            self.assembler.load(size, dst, Reg::FP, off + part * step);
            self.function.set(dst, Kind::Scalar(most(size)));
            return;
        }
        self.assembler.load(Size::DW, dst, Reg::FP, off);
        self.function.set(dst, kind);
    }

    /// Makes sure that so many bytes of stack hold numbers, and returns their offset.
    pub(super) fn filled_stack(&mut self, bytes: u32) -> i16 {
        let rounded = i16::try_from(bytes.div_ceil(8) * 8).unwrap_or(8).max(8);
        let off = self.place_on_stack(rounded, 8);
        for word in 0..rounded / 8 {
            let at = off + word * 8;
            if !self.function.readable(at, 8) {
                let src = self.operand();
                self.assembler.store(Size::DW, Reg::FP, at, src);
                self.function.written(at, 8);
            }
        }
        off
    }

    /// Puts an address in the stack into a register.
    pub(super) fn stack_address(&mut self, reg: Reg, off: i16) {
        self.assembler.mov(reg, Reg::FP);
        self.assembler.alu(AluOp::Add, reg, i32::from(off));
        self.function.set(reg, Kind::Stack(off));
    }

    /// Reads or writes the stack at an address that is not known exactly.
    pub(super) fn variable_stack(&mut self) {
        let bytes = self.random.pick(&[8_u32, 16, 24, 32]);
        let off = self.filled_stack(bytes);
        let size = self.size();
        let room = i32::try_from(bytes).unwrap_or(8) - i32::try_from(size.bytes()).unwrap_or(8);
        let index = self.bounded(room, &[]);
        if size != Size::B {
            let mask = -i32::try_from(size.bytes()).unwrap_or(1);
            self.assembler.alu(AluOp::And, index, mask);
        }
        let base = self.target_not(&[index]);
        self.stack_address(base, off);
        self.assembler.alu(AluOp::Add, base, index);
        if self.random.chance(50) {
            let dst = self.target();
            self.assembler.load(size, dst, base, 0);
            self.function.set(base, Kind::Unreadable);
            self.function.set(dst, Kind::Scalar(most(size)));
        } else {
            let src = self.scalar_not(&[base]);
            self.assembler.store(size, base, 0, src);
            self.function.set(base, Kind::Unreadable);
            self.function.forget_spills();
        }
    }

    /// Adds up pointers and numbers without much use.
    pub(super) fn pointer(&mut self) {
        let pointers =
            self.function.regs(|kind| matches!(kind, Kind::Stack(_) | Kind::Memory { .. }));
        let src = self.random.pick(&pointers);
        let dst = self.target_not(&[src]);
        self.assembler.mov(dst, src);
        match (self.function.kind(src), self.random.below(4)) {
            (Kind::Memory { room, writable, packet }, 0..2) if room > 0 => {
                let step = self.random.below(room as usize);
                let step = u32::try_from(step).unwrap_or(0);
                self.assembler.alu(AluOp::Add, dst, step.cast_signed());
                self.function.set(dst, Kind::Memory { room: room - step, writable, packet });
            }
            (Kind::Memory { .. }, 2) => {
                // The difference of two pointers is a number.
                self.assembler.alu(AluOp::Sub, dst, src);
                self.function.set(dst, Kind::Scalar(u64::MAX));
            }
            (Kind::Stack(off), 0..2) => {
                let step = self.random.pick(&[8, 16, 24]);
                self.assembler.alu(AluOp::Add, dst, -step);
                let off = off - i16::try_from(step).unwrap_or(0);
                self.function.set(dst, Kind::Stack(off));
            }
            (kind, _) => self.function.set(dst, kind),
        }
    }

    /// Reads and writes memory that a register points to.
    pub(super) fn memory(&mut self) {
        let pointers = self.function.regs(|kind| {
            matches!(kind, Kind::Memory { room: 1.., .. }) || matches!(kind, Kind::Stack(-500..=-8))
        });
        if pointers.is_empty() {
            return self.direct_value();
        }
        let base = self.random.pick(&pointers);
        for _ in 0..1 + self.random.below(3) {
            self.access(base);
        }
    }

    /// Reads or writes once where a register points to.
    pub(super) fn access(&mut self, base: Reg) {
        let size = self.size();
        let bytes = u32::try_from(size.bytes()).unwrap_or(8);
        let (off, writable) = match self.function.kind(base) {
            Kind::Memory { room, writable, packet } if room >= bytes => {
                let place = self.random.below((room - bytes) as usize + 1);
                let place = i16::try_from(place).unwrap_or(0);
                let aligned = i16::try_from(bytes).unwrap_or(1);
                let off = if packet { place } else { place / aligned * aligned };
                (off, writable)
            }
            Kind::Stack(at) if at < -7 => {
                let off = self.filled_stack(8);
                (off.saturating_sub(at), true)
            }
            Kind::Unreadable
            | Kind::Scalar(_)
            | Kind::Context
            | Kind::Stack(_)
            | Kind::Memory { .. } => return,
        };
        if writable && self.random.chance(50) {
            let src = self.operand();
            if src == Operand::Reg(base) {
                return;
            }
            self.assembler.store(size, base, off, src);
            if matches!(self.function.kind(base), Kind::Stack(_)) {
                self.function.forget_spills();
            }
        } else {
            let dst = self.target_not(&[base]);
            let signed = size != Size::DW && self.random.chance(20);
            self.assembler.emit(Insn::Load { size, signed, dst, src: base, off });
            self.function.set(dst, Kind::Scalar(if signed { u64::MAX } else { most(size) }));
        }
    }

    /// An atomic operation on the stack or a map's value, or a load or store with ordering.
    pub(super) fn atomic(&mut self) {
        let values = self
            .function
            .regs(|kind| matches!(kind, Kind::Memory { room: 8.., writable: true, packet: false }));
        let (base, off) = if values.is_empty() || self.random.chance(30) {
            (Reg::FP, self.filled_stack(8))
        } else {
            (self.random.pick(&values), 0)
        };
        if base == Reg::FP {
            self.function.forget_spills();
        }
        let size = self.random.pick(&[Size::W, Size::DW]);
        let src = self.scalar_not(&[base]);
        let fetch = self.random.chance(50);
        let op = match self.random.below(9) {
            0 | 1 => AtomicOp::Add { fetch },
            2 => AtomicOp::Or { fetch },
            3 => AtomicOp::And { fetch },
            4 => AtomicOp::Xor { fetch },
            5 => AtomicOp::Xchg,
            6 => {
                if base == Reg::R0 {
                    return;
                }
                if !matches!(self.function.kind(Reg::R0), Kind::Scalar(_)) {
                    self.number(Reg::R0);
                }
                self.function.set(Reg::R0, Kind::Scalar(u64::MAX));
                AtomicOp::CmpXchg
            }
            7 => {
                let size = self.size();
                let dst = self.target_not(&[base]);
                self.assembler.emit(Insn::LoadAcquire { size, dst, src: base, off });
                self.function.set(dst, Kind::Scalar(most(size)));
                return;
            }
            _ => {
                let size = self.size();
                self.assembler.emit(Insn::StoreRelease { size, dst: base, off, src });
                return;
            }
        };
        self.assembler.emit(Insn::Atomic { size, op, dst: base, off, src });
        if matches!(self.function.kind(src), Kind::Scalar(_)) {
            self.function.set(src, Kind::Scalar(u64::MAX));
        }
    }

    /// A branch on an unknown number in which one of two numbers is set.
    pub(super) fn select(&mut self, reg: Reg, values: [i32; 2]) {
        let by = self.scalar_not(&[reg]);
        let behind = self.assembler.label();
        self.assembler.mov(reg, values[0]);
        self.assembler.branch(Width::W64, skep_spec::insn::Condition::SGt, by, 7, behind);
        self.assembler.mov(reg, values[1]);
        self.assembler.place(behind);
        let most = u64::from(values[0].max(values[1]).max(0).unsigned_abs());
        self.function.set(reg, Kind::Scalar(most));
    }
}

/// The largest number of a width.
pub(super) fn most(size: Size) -> u64 {
    u64::MAX >> (64 - size.bits())
}
