//! What a walk has with it.

use std::num::NonZeroU32;

use skep_spec::InsnIdx;
use skep_spec::abi::ProgType;
use skep_spec::insn::Reg;

use super::checkpoint::{CheckpointIdx, Checkpoints, Trail};
use super::component::Visit;
use super::meeting::Meetings;
use super::observer::Observer;
use super::references::References;
use crate::cfg::stack::LiveStack;
use crate::cfg::{Cfg, Layout};
use crate::check::subprog::Functions;
use crate::environment::{Environment, Privileges};
use crate::facts::Facts;
use crate::input::{Input, Options};
use crate::limits;
use crate::log::Log;
use crate::maps::Maps;
use crate::outcome::Statistics;
use crate::rejection::{Check, Reason, unsupported};
use crate::state::idmap::IdMap;
use crate::state::{Frame, Id, Kind, Register, State};

/// How many branches are held for their memory.
const SPARE: usize = 64;

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
    pub(crate) options: Options,
    /// What the caller may do.
    pub(crate) privileges: Privileges,
    /// The shape of the program.
    pub(crate) cfg: Cfg,
    /// The maps it can reach.
    pub(crate) maps: Maps,
    /// The map of each instruction that names one.
    pub(crate) references: References,
    /// What is known of the program's functions by their BTF.
    pub(crate) functions: Functions,
    /// What is known of the machine here.
    pub(crate) state: State,
    /// The instruction that is looked at.
    pub(crate) at: InsnIdx,
    /// The one before it on the path.
    pub(crate) previous: Option<InsnIdx>,
    /// The way here from the last checkpoint.
    pub(crate) trail: Trail,
    /// Whether the trail's last step is about this instruction.
    pub(super) noted: bool,
    /// The checkpoints.
    pub(super) checkpoints: Checkpoints,
    /// Where they wait for paths that come by.
    pub(super) meetings: Meetings,
    /// Those that are no longer compared with, but still needed to walk back; some may have been
    /// dropped since.
    pub(super) given_up: Vec<CheckpointIdx>,
    /// The loops that paths have come into.
    pub(super) visits: Vec<Visit>,
    /// Which stack slots are read where.
    pub(super) live: LiveStack,
    /// Memory for comparing states.
    pub(super) id_map: IdMap,
    /// What decides when checkpoints are made.
    pub(crate) counters: Counters,
    /// The branches put off, the latest last.
    pub(crate) pending: Vec<Pending>,
    /// Branches that are over, whose memory is used for others.
    spare: Vec<Pending>,
    /// The last name given.
    ids: u32,
    /// What is known of each instruction.
    pub(crate) facts: Facts,
    /// What the walk took so far.
    pub(crate) statistics: Statistics,
    /// The log.
    pub(crate) log: Log,
    /// Who looks on.
    pub(super) observer: Option<&'a mut dyn Observer>,
}

/// What decides when checkpoints are made, and what is held.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    /// Jumps, calls and ends looked at.
    pub(crate) jumps: u32,
    /// The same when the last checkpoint was made.
    pub(super) jumps_before: u32,
    /// Instructions looked at when the last checkpoint was made.
    pub(super) processed_before: u32,
    /// Checkpoints that are compared with.
    pub(super) checkpoints: u32,
    /// Checkpoints that are only held for walking back.
    pub(super) given_up: u32,
    /// Paths that have ended in loops under way.
    pub(super) backedges: u32,
}

/// A branch put off.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    /// What is known on it.
    pub(crate) state: State,
    /// The way there from the last checkpoint.
    pub(super) trail: Trail,
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
        let privileges = environment.privileges();
        if !privileges.bpf || !privileges.perfmon {
            return unsupported("callers without CAP_BPF and CAP_PERFMON");
        }
        if input.prog_type == ProgType::StructOps {
            return unsupported("struct_ops programs");
        }
        let layout = Layout::new(input, privileges)?;
        let mut maps = Maps::default();
        let references = References::resolve(input, environment, &mut maps)?;
        let cfg = Cfg::new(input, &layout, environment, privileges)?;
        let subprograms = cfg.subprograms().len();
        let mut frame = Frame::new(0, 0, InsnIdx(0));
        frame.registers[Reg::R1.index()] = Register::pointer(Kind::Context);
        Ok(Walk {
            input,
            environment,
            options,
            privileges,
            cfg,
            maps,
            references,
            functions: Functions::default(),
            state: State::new(frame),
            at: InsnIdx(0),
            previous: None,
            trail: Trail::default(),
            noted: false,
            checkpoints: Checkpoints::default(),
            meetings: Meetings::new(input.code.slots().len()),
            given_up: Vec::new(),
            visits: Vec::new(),
            live: LiveStack::default(),
            id_map: IdMap::default(),
            counters: Counters::default(),
            pending: Vec::new(),
            spare: Vec::new(),
            ids: 0,
            facts: Facts::new(input.code.slots().len(), subprograms),
            statistics: Statistics { stack_depth: vec![0; subprograms], ..Statistics::default() },
            log: Log::new(options.log),
            observer: None,
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
        let Some(mut pending) = self.pending.pop() else { return false };
        std::mem::swap(&mut self.state, &mut pending.state);
        std::mem::swap(&mut self.trail, &mut pending.trail);
        self.at = pending.at;
        self.previous = pending.previous;
        if self.spare.len() < SPARE {
            pending.state.clear();
            self.spare.push(pending);
        }
        true
    }

    /// Puts a path off that begins at `at` with a state of its own.
    pub(crate) fn put_off_apart(&mut self, at: InsnIdx, state: State) -> Check {
        self.check_pending()?;
        let trail = Trail { first: at, ..Trail::default() };
        self.pending.push(Pending { state, trail, at, previous: Some(self.at) });
        Ok(())
    }

    /// Puts a branch off that begins at `at` with what is known now, and gives what is known on it
    /// to be changed.
    pub(crate) fn put_off(&mut self, at: InsnIdx) -> Check<&mut State> {
        self.check_pending()?;
        if let Some(parent) = self.trail.parent {
            self.checkpoints.get_mut(parent).branches += 1;
        }
        let previous = Some(self.at);
        let pending = match self.spare.pop() {
            Some(mut spare) => {
                spare.state.copy_from(&self.state);
                spare.trail.copy_from(&self.trail);
                Pending { at, previous, ..spare }
            }
            None => Pending { state: self.state.clone(), trail: self.trail.clone(), at, previous },
        };
        self.pending.push(pending);
        Ok(&mut self.pending.last_mut().expect("pending: one was pushed").state)
    }

    /// Whether there is room for one more branch.
    fn check_pending(&self) -> Check {
        let pending = self.pending.len() + 1;
        if pending > limits::PENDING_BRANCHES {
            return Err(Reason::TooManyJumps { pending }.into());
        }
        Ok(())
    }
}
