//! The end of a function, and what may be returned.

use skep_spec::abi::verdict::{self, Allowed};
use skep_spec::abi::{AttachType, ProgType};
use skep_spec::insn::Reg;

use crate::explore::{Next, Walk};
use crate::rejection::{Check, Leaving, Reason, Returning};
use crate::state::{Kind, Register};

/// The largest number of an error (`MAX_ERRNO`).
const MAX_ERRNO: i32 = 4095;

/// What may be returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Range {
    allowed: (i32, i32),
    /// Whether the lower half alone counts.
    low_half: bool,
}

impl Walk<'_> {
    /// `exit`.
    pub(crate) fn check_exit(&mut self) -> Check<Next> {
        let outermost = self.state.depth() == 0;
        self.check_nothing_held(Leaving::Exit, outermost)?;
        if !outermost {
            return self.return_to_caller();
        }
        self.check_return_value()?;
        Ok(Next::End)
    }

    /// A function called by the program returns.
    ///
    /// Sound: the caller sees what its callee left in r0, and nothing else of it. No pointer to the
    /// stack that ends here is left: functions do not return stack pointers, and do not store
    /// pointers to their own stack elsewhere.
    pub(super) fn return_to_caller(&mut self) -> Check<Next> {
        self.note_return()?;
        let returned = *self.state.register(Reg::R0);
        if matches!(returned.kind, Kind::Stack { .. }) && !returned.nullable {
            return Err(Reason::ReturnsStackPointer.into());
        }
        let callback = self.state.frame().callback;
        if let Some(callback) = callback {
            if !returned.is_scalar() {
                return Err(Reason::CallbackReturn.into());
            }
            self.mark_precise(Reg::R0)?;
            let range = Range { allowed: callback.returns, low_half: false };
            check_range(Returning::Callback(callback.kind), returned, range)?;
        }
        let callee = self.state.frames.pop().expect("exit: there is a caller");
        if callback.is_some() {
            // The call is looked at again, which calls back once more, or not.
            self.widen_from_previous(callee.callsite);
            return Ok(Next::Jump(callee.callsite));
        }
        *self.state.register_mut(Reg::R0) = returned;
        let behind = callee.callsite.jump(0).expect("cfg: calls are followed by instructions");
        Ok(Next::Jump(behind))
    }

    /// Whether what is returned to whoever runs the program is in range.
    fn check_return_value(&mut self) -> Check {
        let outer = self.state.frame().subprogram;
        if outer == 0 && self.returns_nothing()? {
            return Ok(());
        }
        let returned = self.read(Reg::R0)?;
        if returned.is_pointer() && !self.privileges.perfmon {
            return Err(Reason::ReturnLeak(Reg::R0).into());
        }
        let (what, range) = if self.state.in_async_callback {
            let Allowed::Range(min, max) = verdict::ASYNC_CALLBACK else { return Ok(()) };
            (Returning::AsyncCallback, Range { allowed: (min, max), low_half: false })
        } else if outer != 0 {
            if returned.is_scalar() {
                return Ok(());
            }
            return Err(Reason::ReturnNotScalar { found: returned }.into());
        } else {
            match self.allowed_returns()? {
                None => return Ok(()),
                Some(range) => (Returning::Program, range),
            }
        };
        if !returned.is_scalar() {
            return Err(Reason::ReturnNotKnown { what, found: returned }.into());
        }
        self.mark_precise(Reg::R0)?;
        check_range(what, returned, range)
    }

    /// Whether r0 does not matter, as the hook's function returns nothing.
    fn returns_nothing(&self) -> Check<bool> {
        if self.input.prog_type != ProgType::Lsm
            || self.input.attach_type == Some(AttachType::LsmCgroup)
            || self.state.in_async_callback
        {
            return Ok(false);
        }
        Ok(self.target_function()?.is_void)
    }

    /// What the program may return; `None` if anything.
    fn allowed_returns(&self) -> Check<Option<Range>> {
        let prog_type = self.input.prog_type;
        let whole = |allowed| Ok(Some(Range { allowed, low_half: false }));
        match verdict::allowed(prog_type, self.input.attach_type) {
            Allowed::Any => {
                let known = prog_type != ProgType::Tracing
                    || matches!(
                        self.input.attach_type,
                        Some(AttachType::TraceRawTp | AttachType::ModifyReturn)
                    );
                if known { Ok(None) } else { Err(Reason::Load { text: "" }.into()) }
            }
            Allowed::Range(min, max) => whole((min, max)),
            Allowed::ByTarget => {
                let target = self.target_function()?;
                if self.input.attach_type == Some(AttachType::LsmCgroup) {
                    return whole(if target.is_void { (1, 1) } else { (0, 1) });
                }
                let allowed = if is_yes_or_no(&target.name) { (0, 1) } else { (-MAX_ERRNO, 0) };
                Ok(Some(Range { allowed, low_half: true }))
            }
        }
    }
}

/// Security hooks that answer a question; all others return zero or an error.
fn is_yes_or_no(hook: &str) -> bool {
    matches!(hook, "bpf_lsm_audit_rule_known" | "bpf_lsm_inode_xattr_skipcap")
}

/// Whether a number is in range, whatever it is.
fn check_range(what: Returning, returned: Register, range: Range) -> Check {
    let (min, max) = range.allowed;
    let found = returned.value;
    let within = if range.low_half {
        min <= found.s32.min && found.s32.max <= max
    } else {
        i64::from(min) <= found.s64.min && found.s64.max <= i64::from(max)
    };
    if within {
        Ok(())
    } else {
        Err(Reason::ReturnRange { what, found, allowed: range.allowed }.into())
    }
}
