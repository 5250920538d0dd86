//! A function that is active.

use std::rc::Rc;

use skep_spec::InsnIdx;
use skep_spec::insn::Reg;

use super::register::{Kind, Register};
use super::stack::Stack;

/// A function that is active: its registers and stack.
#[derive(Clone, Debug)]
pub struct Frame {
    /// r0 to r10.
    pub registers: [Register; 11],
    /// The stack, shared with other states until it is changed.
    pub stack: Rc<Stack>,
    /// Which function.
    pub subprogram: u16,
    /// The call instruction in the frame below; of the main function, 0.
    pub callsite: InsnIdx,
    /// The helper that called it back, if one did.
    pub callback: Option<Callback>,
    /// How often the callbacks that it hands out were entered on this path.
    pub callback_depth: u32,
    /// Which entry into a callback that is called later it is; 0 if none.
    pub async_entry: u32,
}

/// What calls a function back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Callback {
    /// By whom.
    pub kind: skep_spec::abi::proto::Callback,
    /// The smallest and the largest number that it may return.
    pub returns: (i32, i32),
}

impl Frame {
    /// A function at its beginning, with nothing in its registers but the frame pointer.
    #[must_use]
    pub fn new(number: usize, subprogram: u16, callsite: InsnIdx) -> Frame {
        let mut registers = [Register::UNINIT; 11];
        let frame = u8::try_from(number).expect("frames: at most eight");
        registers[Reg::FP.index()] = Register::pointer(Kind::Stack { frame });
        Frame {
            registers,
            stack: Rc::default(),
            subprogram,
            callsite,
            callback: None,
            callback_depth: 0,
            async_entry: 0,
        }
    }

    /// A register.
    #[inline]
    #[must_use]
    pub fn register(&self, reg: Reg) -> &Register {
        &self.registers[reg.index()]
    }

    /// The stack, to be changed.
    #[inline]
    pub(crate) fn stack_mut(&mut self) -> &mut Stack {
        Rc::make_mut(&mut self.stack)
    }

    /// Changes every register that is spilled.
    pub(crate) fn for_each_spilled(&mut self, mut change: impl FnMut(&mut Register)) {
        if self.stack.slots.iter().any(super::Slot::is_spilled) {
            for slot in &mut self.stack_mut().slots {
                if slot.is_spilled() {
                    change(&mut slot.spilled);
                }
            }
        }
    }
}
