//! What a walk has with it.

use std::num::NonZeroU32;

use skep_spec::InsnIdx;
use skep_spec::insn::Reg;

use crate::cfg::Cfg;
use crate::environment::{Environment, Privileges};
use crate::facts::Facts;
use crate::input::{Input, Options};
use crate::limits;
use crate::log::Log;
use crate::maps::Maps;
use crate::outcome::Statistics;
use crate::rejection::{Check, Reason};
use crate::state::{Frame, Id, Kind, Register, State};

/// A walk over all paths of a program.
///
/// What belongs to the path that is followed is `state`, `at` and `previous`; all else is about the
/// program, or gathered over all paths.
pub(crate) struct Walk<'a> {
    /// The program.
    pub(crate) input: &'a Input<'a>,
    /// The world outside.
    pub(crate) environment: &'a dyn Environment,
    /// How to verify.
    #[expect(dead_code, reason = "the log and pruning read it")]
    pub(crate) options: Options,
    /// What the caller may do.
    pub(crate) privileges: Privileges,
    /// The shape of the program.
    pub(crate) cfg: Cfg,
    /// The maps it can reach.
    pub(crate) maps: Maps,
    /// What is known of the machine here.
    pub(crate) state: State,
    /// The instruction that is looked at.
    pub(crate) at: InsnIdx,
    /// The one before it on the path.
    pub(crate) previous: Option<InsnIdx>,
    /// The branches put off, the latest last.
    pub(crate) pending: Vec<Pending>,
    /// The last name given.
    ids: u32,
    /// What is known of each instruction.
    pub(crate) facts: Facts,
    /// What the walk took so far.
    pub(crate) statistics: Statistics,
    /// The log.
    pub(crate) log: Log,
}

/// A branch put off.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    /// What is known on it.
    pub(crate) state: State,
    /// Where it begins.
    pub(crate) at: InsnIdx,
    /// The instruction before.
    pub(crate) previous: Option<InsnIdx>,
}

/// How a path goes on after an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// With the instruction behind it.
    Following,
    /// With this one.
    Jump(InsnIdx),
    /// Not at all.
    End,
}

impl<'a> Walk<'a> {
    /// A walk that stands at the first instruction.
    pub(crate) fn new(
        input: &'a Input<'a>,
        environment: &'a dyn Environment,
        options: Options,
    ) -> Check<Walk<'a>> {
        if input.code.is_empty() || input.code.len() > limits::PROGRAM_SLOTS {
            return Err(Reason::ProgramSize.into());
        }
        let cfg = Cfg::new(input)?;
        let mut frame = Frame::new(0, 0, InsnIdx(0));
        frame.registers[Reg::R1.index()] = Register::pointer(Kind::Context);
        Ok(Walk {
            input,
            environment,
            options,
            privileges: environment.privileges(),
            cfg,
            maps: Maps::default(),
            state: State::new(frame),
            at: InsnIdx(0),
            previous: None,
            pending: Vec::new(),
            ids: 0,
            facts: Facts::new(input.code.slots().len()),
            statistics: Statistics::default(),
            log: Log::new(options.log),
        })
    }

    /// A name that was not given before.
    pub(crate) fn fresh_id(&mut self) -> Id {
        self.ids += 1;
        Id(NonZeroU32::new(self.ids).expect("ids: above zero"))
    }

    /// The last name given.
    pub(crate) fn last_id(&self) -> u32 {
        self.ids
    }

    /// Goes on with the branch put off last; `false` if there is none.
    pub(crate) fn resume(&mut self) -> bool {
        let Some(pending) = self.pending.pop() else { return false };
        self.state = pending.state;
        self.at = pending.at;
        self.previous = pending.previous;
        true
    }

    /// Puts a branch off that begins at `at` with what is known now, and gives what is known on it
    /// to be changed.
    pub(crate) fn put_off(&mut self, at: InsnIdx) -> Check<&mut State> {
        if self.pending.len() >= limits::PENDING_BRANCHES {
            return Err(Reason::TooManyJumps { pending: self.pending.len() }.into());
        }
        self.pending.push(Pending { state: self.state.clone(), at, previous: Some(self.at) });
        Ok(&mut self.pending.last_mut().expect("pending: one was pushed").state)
    }
}
