//! The log, in the format of the kernel's.
//!
//! What people and tools have learned to read stays readable: instructions, what changes with each
//! ([`Level::Changes`] keeps those of the path that fails, [`Level::All`] those of all paths),
//! source lines, and the statistics. Where the kernel prints an address, the map is named instead,
//! and the lines about numbers that must be precise are left out.

mod register;
mod source;
mod state;
mod statistics;
mod text;
mod touched;
mod trace;

use std::rc::Rc;

use skep_spec::InsnIdx;

pub(crate) use self::register::{KindName, Names};
pub(crate) use self::state::{Part, StateText};
use self::statistics::StatisticsText;
use self::text::Text;
use crate::outcome::Statistics;
use crate::state::Stack;

/// How much goes to the log (`log_level` of the load command).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Level {
    /// Nothing.
    #[default]
    Silent,
    /// The path that fails, and what changes with each instruction (1).
    Changes,
    /// Every path, and the whole state where one begins (2).
    All,
    /// Statistics alone (4).
    Statistics,
}

impl Level {
    /// Whether instructions are printed.
    pub(crate) fn traces(self) -> bool {
        match self {
            Level::Changes | Level::All => true,
            Level::Silent | Level::Statistics => false,
        }
    }
}

/// The log under way.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    level: Level,
    text: Text,
    /// The text of each instruction, made when the first is printed.
    insns: Vec<String>,
    /// What the last instruction has to do with, and was not printed yet.
    touched: Part,
    /// Whether a path begins whose state is to be printed.
    begins: bool,
    /// The end of the last instruction's line, and how long that line is.
    insn: Option<(usize, usize)>,
    /// The source line printed last: its number in the program's list.
    source: Option<usize>,
    /// Where the text ended when each of the branches was put off that still wait.
    marks: Vec<usize>,
    /// How many frames there were before the last instruction.
    depth: usize,
    /// The frame that the last instruction leaves, if it does, and where it goes.
    callee: (InsnIdx, String),
    /// The stack before the last instruction.
    stack: Option<Rc<Stack>>,
}

impl Log {
    pub(crate) fn new(level: Level) -> Log {
        Log {
            level,
            text: Text::default(),
            insns: Vec::new(),
            touched: Part::ALL,
            begins: false,
            insn: None,
            source: None,
            marks: Vec::new(),
            depth: 0,
            callee: (InsnIdx(0), String::new()),
            stack: None,
        }
    }

    /// The text so far.
    pub(crate) fn into_text(self) -> String {
        self.text.into_string()
    }
}

/// The log of a program that is refused before any path is followed.
pub(crate) fn refused(level: Level, line: &str) -> String {
    if level == Level::Silent || line.is_empty() {
        return String::new();
    }
    let statistics = Statistics::default();
    format!("{line}\n{}", StatisticsText { statistics: &statistics, level })
}
