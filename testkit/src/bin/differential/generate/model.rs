//! What the generator believes of the function that it writes: enough to make most steps valid.

use skep_spec::insn::Reg;

/// What the generator believes of a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Nothing that may be read.
    Unreadable,
    /// A number, at most this.
    Scalar(u64),
    /// The context.
    Context,
    /// An address in the function's own stack, this far from its top, with no variable part.
    Stack(i16),
    /// Memory that may be read and perhaps written, so many bytes from there on.
    Memory {
        /// Bytes from the pointer on.
        room: u32,
        /// Whether it may be written.
        writable: bool,
        /// Whether it is in the packet, so that some helpers take it away.
        packet: bool,
    },
}

/// The bytes of a stack frame.
pub(crate) const STACK: usize = 512;

/// What the generator believes of a function at a place.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    regs: [Kind; 11],
    /// Which bytes of the stack hold numbers, by distance from its top less one.
    stack: Vec<bool>,
    /// Eight-byte slots that hold something, by offset.
    spills: Vec<(i16, Kind)>,
    /// How many bytes of stack the function may use.
    pub(crate) depth: i16,
    /// Registers whose kind must stay as it is: in the body of a loop.
    pub(crate) pinned: Vec<Reg>,
}

impl Function {
    /// A function at its beginning, with what is in r1 to r5.
    pub(crate) fn new(args: &[Kind], depth: i16) -> Function {
        let mut regs = [Kind::Unreadable; 11];
        regs[10] = Kind::Stack(0);
        regs[1..=args.len()].copy_from_slice(args);
        Function { regs, stack: vec![false; STACK], spills: Vec::new(), depth, pinned: Vec::new() }
    }

    /// What is in a register.
    pub(crate) fn kind(&self, reg: Reg) -> Kind {
        self.regs[reg.index()]
    }

    /// Says what is in a register.
    pub(crate) fn set(&mut self, reg: Reg, kind: Kind) {
        self.regs[reg.index()] = kind;
    }

    /// Registers of which something holds.
    pub(crate) fn regs(&self, holds: impl Fn(Kind) -> bool) -> Vec<Reg> {
        Reg::ALL.into_iter().filter(|reg| holds(self.kind(*reg))).collect()
    }

    /// After a call: r0 holds this, r1 to r5 nothing.
    pub(crate) fn called(&mut self, result: Kind) {
        self.regs[1..=5].fill(Kind::Unreadable);
        self.regs[0] = result;
    }

    /// The packet has moved: no pointer into it is left.
    pub(crate) fn packet_moved(&mut self) {
        for kind in self.regs.iter_mut().chain(self.spills.iter_mut().map(|(_, kind)| kind)) {
            if matches!(kind, Kind::Memory { packet: true, .. }) {
                *kind = Kind::Unreadable;
            }
        }
    }

    fn bytes(off: i16, bytes: usize) -> Option<std::ops::Range<usize>> {
        let below = usize::try_from(-i32::from(off)).ok()?;
        (bytes <= below && below <= STACK).then(|| STACK - below..STACK - below + bytes)
    }

    /// A number of bytes of the stack was written.
    pub(crate) fn written(&mut self, off: i16, bytes: usize) {
        self.forget(off, bytes);
        if let Some(range) = Self::bytes(off, bytes) {
            self.stack[range].fill(true);
        }
    }

    /// A slot was filled with a register.
    pub(crate) fn spilled(&mut self, off: i16, kind: Kind) {
        self.forget(off, 8);
        if let Some(range) = Self::bytes(off, 8) {
            self.stack[range].fill(matches!(kind, Kind::Scalar(_)));
        }
        self.spills.push((off, kind));
    }

    fn forget(&mut self, off: i16, bytes: usize) {
        let (first, end) = (i32::from(off), i32::from(off) + i32::try_from(bytes).unwrap_or(0));
        let apart = |slot: i16| i32::from(slot) + 8 <= first || end <= i32::from(slot);
        let hidden: Vec<i16> = self.spills.iter().map(|spill| spill.0).collect();
        for slot in hidden.into_iter().filter(|slot| !apart(*slot)) {
            let number =
                self.spills.iter().any(|(at, kind)| *at == slot && matches!(kind, Kind::Scalar(_)));
            if let (false, Some(range)) = (number, Self::bytes(slot, 8)) {
                self.stack[range].fill(false);
            }
        }
        self.spills.retain(|(slot, _)| apart(*slot));
    }

    /// No slot is known to hold a register any more.
    pub(crate) fn forget_spills(&mut self) {
        self.spills.clear();
    }

    /// Whether bytes of the stack all hold numbers.
    pub(crate) fn readable(&self, off: i16, bytes: usize) -> bool {
        Self::bytes(off, bytes).is_some_and(|range| self.stack[range].iter().all(|byte| *byte))
    }

    /// The slots that hold something.
    pub(crate) fn spills(&self) -> &[(i16, Kind)] {
        &self.spills
    }

    /// What holds on either of two ways that lead to one place.
    pub(crate) fn meet(mut self, other: &Function) -> Function {
        for (mine, theirs) in self.regs.iter_mut().zip(other.regs) {
            *mine = match (*mine, theirs) {
                (one, two) if one == two => one,
                (Kind::Scalar(one), Kind::Scalar(two)) => Kind::Scalar(one.max(two)),
                _ => Kind::Unreadable,
            };
        }
        for (mine, theirs) in self.stack.iter_mut().zip(&other.stack) {
            *mine &= theirs;
        }
        self.spills.retain(|spill| other.spills.contains(spill));
        self
    }
}
