//! Functions of the program that a helper calls back.
//!
//! A helper that calls back at once may do so any number of times, so that the call is looked at
//! as a loop: the callback is one path, which comes back to the call; going on behind the call is
//! the other. It ends when coming back tells nothing new. A callback that is called later begins
//! on an empty stack, when the program is over.

use skep_spec::InsnIdx;
use skep_spec::abi::proto::Callback;
use skep_spec::insn::{Imm64, Insn, Reg};

use super::subprog::{ARGUMENTS, new_frame};
use super::{kernel_type, map_compat};
use crate::explore::Walk;
use crate::facts::Agreed;
use crate::maps::MapIdx;
use crate::rejection::{Check, Reason, Stop, unsupported};
use crate::state::frame;
use crate::state::register::Trust;
use crate::state::{Frame, Kind, Register, State};

/// What a callback that runs at once may return: whether to stop.
const STOP_OR_GO_ON: (i32, i32) = (0, 1);

/// What a callback that runs later may return.
const NOTHING: (i32, i32) = (0, 0);

impl Walk<'_> {
    /// A helper calls a function back, which it has as an argument.
    pub(super) fn call_back(
        &mut self,
        kind: Callback,
        subprogram: u16,
        map: Option<MapIdx>,
    ) -> Check {
        match kind {
            Callback::Loop => self.call_back_in_loop(subprogram),
            Callback::MapElem => {
                let iterates =
                    |map: &MapIdx| map_compat::can_iterate(self.maps.facts(*map).map_type);
                let Some(map) = map.filter(iterates) else {
                    return Err(Reason::CallbackMap.into());
                };
                let [key, value] = element(map);
                let passed =
                    [*self.state.register(Reg::R1), key, value, *self.state.register(Reg::R3)];
                self.call_back_now(kind, subprogram, &passed)
            }
            Callback::Vma => {
                let vma = Kind::Kernel {
                    type_id: kernel_type::find(self.environment, "vm_area_struct")?,
                    trust: Trust::Plain,
                    percpu: false,
                };
                let task = *self.state.register(Reg::R1);
                let passed = [task, Register::pointer(vma), *self.state.register(Reg::R4)];
                self.call_back_now(kind, subprogram, &passed)
            }
            Callback::Timer => {
                let Kind::MapValue { map, .. } = self.state.register(Reg::R1).kind else {
                    return unsupported("timers outside of maps");
                };
                self.call_back_later(subprogram, map)
            }
            Callback::UserRingbuf => unsupported("dynptrs"),
        }
    }

    /// `bpf_loop`: the callback is entered once more, unless it was as often as the loop goes
    /// round at most.
    fn call_back_in_loop(&mut self, subprogram: u16) -> Check {
        self.note_loop(subprogram)?;
        if !self.state.register(Reg::R1).is_scalar() {
            return Err(Reason::LoopCount.into());
        }
        self.mark_precise(Reg::R1)?;
        let rounds = self.state.register(Reg::R1).value.u64.max;
        if u64::from(self.state.frame().callback_depth) >= rounds {
            self.state.frame_mut().callback_depth = 0;
            return Ok(());
        }
        let passed = [Register::UNKNOWN, *self.state.register(Reg::R3)];
        self.call_back_now(Callback::Loop, subprogram, &passed)
    }

    /// Whether the loop can be made one of the program itself depends on its flags being zero,
    /// which then must not be forgotten.
    fn note_loop(&mut self, subprogram: u16) -> Check {
        let at = self.at;
        let flags_are_zero = self.state.register(Reg::R4).is_null();
        let Some(facts) = self.facts.at_mut(at) else { return Ok(()) };
        if matches!(facts.inlined_loop, Agreed::Not(_)) {
            return Ok(());
        }
        facts.inlined_loop.note(flags_are_zero.then_some(subprogram));
        if flags_are_zero {
            self.mark_precise(Reg::R4)?;
        }
        Ok(())
    }

    /// Whether the address of each function that is taken is one of a function still when dead code
    /// is dropped. A callback that no path calls is dead code itself; Linux then takes the address
    /// for that of what has moved there, and stumbles if no function begins there. It does not look
    /// where one function is left (`jit_subprogs`).
    pub(crate) fn check_functions_kept(&self) -> Check {
        let kept = (self.cfg.subprograms().iter())
            .filter(|subprogram| self.facts.at(subprogram.start).seen)
            .count();
        if kept <= 1 {
            return Ok(());
        }
        for (at, insn) in self.input.code.iter().filter(|(at, _)| self.facts.at(*at).seen) {
            let Insn::LoadImm64 { imm: Imm64::Func(distance), .. } = insn else { continue };
            let Some(function) = at.jump(*distance) else { continue };
            if !self.facts.at(function).seen && !self.is_replaced(function) {
                return Err(Box::new(Stop::RejectedAt(at, Reason::FunctionDropped { at })));
            }
        }
        Ok(())
    }

    /// Whether another function begins where a dead one does, once the dead code around it is gone.
    fn is_replaced(&self, function: InsnIdx) -> bool {
        let code = self.input.code;
        let is_dead = |slot: &u32| {
            let dead = |slot| code.get(InsnIdx(slot)).map(|_| !self.facts.at(InsnIdx(slot)).seen);
            dead(*slot).or_else(|| dead(slot.checked_sub(1)?)).unwrap_or(false)
        };
        let before = (0..function.0).rev().take_while(is_dead).count();
        let behind = (function.0..code.len()).find(|slot| !is_dead(slot)).unwrap_or(code.len());
        let moved_to = u32::try_from(before).ok().and_then(|before| behind.checked_add(before));
        moved_to.is_some_and(|slot| self.cfg.subprogram_at(InsnIdx(slot)).is_some())
    }

    /// Puts the path off that leads into a callback, which comes back to the call.
    ///
    /// Sound: the helper is known to pass these arguments; r0 and r6 to r9 hold nothing that the
    /// callback might read.
    fn call_back_now(&mut self, kind: Callback, subprogram: u16, passed: &[Register]) -> Check {
        let start = self.cfg.subprograms()[usize::from(subprogram)].start;
        let callee = {
            let mut callee = new_frame(&self.state, subprogram, self.at)?;
            pass(&mut callee, passed);
            callee.callback = Some(frame::Callback { kind, returns: STOP_OR_GO_ON });
            callee
        };
        let entered = self.put_off(start)?;
        entered.callback_depth += 1;
        entered.frame_mut().callback_depth += 1;
        entered.frames.push(callee);
        self.state.frame_mut().callback_depth = 0;
        Ok(())
    }

    /// Puts the path off that is a callback of its own.
    ///
    /// Sound: it runs when nothing of the program is left, so that its state is as at the
    /// beginning of a program; the map and an element of it are all that it is told of.
    fn call_back_later(&mut self, subprogram: u16, map: MapIdx) -> Check {
        let start = self.cfg.subprograms()[usize::from(subprogram)].start;
        let async_entry = self.state.frame().async_entry + 1;
        self.functions.note_called_later(subprogram);
        let mut frame = Frame::new(0, subprogram, InsnIdx(0));
        let [key, value] = element(map);
        pass(&mut frame, &[Register::pointer(Kind::Map { map, uid: None }), key, value]);
        frame.callback = Some(frame::Callback { kind: Callback::Timer, returns: NOTHING });
        frame.async_entry = async_entry;
        let state = State { in_async_callback: true, ..State::new(frame) };
        self.put_off_apart(start, state)
    }
}

/// A key and a value of a map.
fn element(map: MapIdx) -> [Register; 2] {
    [Register::pointer(Kind::MapKey { map }), Register::pointer(Kind::MapValue { map, uid: None })]
}

/// Passes arguments; the other argument registers hold nothing.
fn pass(callee: &mut Frame, passed: &[Register]) {
    for (reg, register) in ARGUMENTS.iter().zip(passed) {
        callee.registers[reg.index()] = *register;
    }
}
