//! What is known of the machine at one point of one path.

pub mod frame;
pub mod idmap;
pub mod reference;
pub mod register;
pub mod stack;

use skep_spec::insn::Reg;

pub use self::frame::{Callback, Frame};
pub use self::reference::{Lock, Reference};
pub use self::register::{Id, Kind, Register};
pub use self::stack::{Byte, Slot, Stack};

/// What is known of the machine at one point of one path.
#[derive(Clone, Debug)]
pub struct State {
    /// The functions that are active, the main function first; never empty.
    pub frames: Vec<Frame>,
    /// What the program holds and has to give back.
    pub references: Vec<Reference>,
    /// The spin lock that it holds.
    pub lock: Option<Lock>,
    /// How often callbacks have been entered anew on this path.
    pub callback_depth: u32,
    /// Whether the path runs in a callback that is called later, when the program is over.
    pub in_async_callback: bool,
}

impl State {
    /// A state with one frame.
    pub(crate) fn new(frame: Frame) -> State {
        State {
            frames: vec![frame],
            references: Vec::new(),
            lock: None,
            callback_depth: 0,
            in_async_callback: false,
        }
    }

    /// Memory for a state.
    pub(crate) const EMPTY: State = State {
        frames: Vec::new(),
        references: Vec::new(),
        lock: None,
        callback_depth: 0,
        in_async_callback: false,
    };

    /// Becomes memory for a state, which shares nothing with others.
    pub(crate) fn clear(&mut self) {
        self.frames.clear();
        self.references.clear();
    }

    /// Becomes a copy, in the memory that is there.
    pub(crate) fn copy_from(&mut self, other: &State) {
        self.frames.clone_from(&other.frames);
        self.references.clone_from(&other.references);
        self.lock = other.lock;
        self.callback_depth = other.callback_depth;
        self.in_async_callback = other.in_async_callback;
    }

    /// The function that runs.
    #[inline]
    pub fn frame(&self) -> &Frame {
        self.frames.last().expect("state: there is a frame")
    }

    /// The function that runs, to be changed.
    #[inline]
    pub(crate) fn frame_mut(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("state: there is a frame")
    }

    /// The number of the frame that runs, from 0.
    #[inline]
    pub fn depth(&self) -> usize {
        self.frames.len() - 1
    }

    /// A register of the function that runs.
    #[inline]
    pub fn register(&self, reg: Reg) -> &Register {
        self.frame().register(reg)
    }

    /// A register of the function that runs, to be changed.
    #[inline]
    pub(crate) fn register_mut(&mut self, reg: Reg) -> &mut Register {
        &mut self.frame_mut().registers[reg.index()]
    }

    /// Changes every register, and every register spilled, of every frame.
    pub(crate) fn for_each_register(&mut self, mut change: impl FnMut(&mut Register)) {
        for frame in &mut self.frames {
            for register in &mut frame.registers {
                change(register);
            }
            frame.for_each_spilled(&mut change);
        }
    }
}
