//! What a program has acquired and has to give back: sockets, records of ring buffers.
//!
//! Each acquisition gets a name, which the pointer to it and all its copies carry. When it is given
//! back, every register with the name ends to be a pointer.

use skep_spec::abi::HelperId;

use crate::explore::Walk;
use crate::rejection::{Check, Leaving, Reason};
use crate::state::{Id, Reference, Register};

impl Walk<'_> {
    /// Takes a reference that this instruction acquires.
    pub(super) fn acquire(&mut self) -> Id {
        let id = self.fresh_id();
        self.state.references.push(Reference { id, at: self.at });
        id
    }

    /// Gives a reference back.
    ///
    /// Sound: what is given back may be gone at once, so that no pointer to it is left. Numbers are
    /// left in their place, of which nothing is known.
    pub(super) fn release(&mut self, id: Id, helper: HelperId) -> Check {
        let held = self.state.references.iter().position(|reference| reference.id == id);
        let Some(held) = held else { return Err(Reason::ReleaseUnknown(helper).into()) };
        self.state.references.remove(held);
        self.forget_pointers(|register| register.reference == Some(id));
        Ok(())
    }

    /// The packet may have been moved or cut.
    ///
    /// Sound: no pointer to it is left, nor to where it ended.
    pub(super) fn forget_packet(&mut self) {
        use crate::state::Kind;
        self.forget_pointers(|register| {
            register.kind.is_packet() || register.kind == Kind::PacketEnd
        });
    }

    /// Makes all those pointers of the path something that nothing is known of.
    fn forget_pointers(&mut self, which: impl Fn(&Register) -> bool) {
        let left = if self.privileges.perfmon { Register::UNKNOWN } else { Register::UNINIT };
        self.state.for_each_register(|register| {
            if which(register) {
                *register = left;
            }
        });
    }

    /// Whether the path can come to `at`, which ends what it holds: neither a lock, if
    /// `locks_end`, nor a reference may be left.
    ///
    /// References are left to callers: a function may return while its caller holds one.
    pub(crate) fn check_nothing_held(&self, at: Leaving, locks_end: bool) -> Check {
        if locks_end && self.state.lock.is_some() {
            return Err(Reason::LockHeld { at }.into());
        }
        match self.state.references.last() {
            Some(held) if self.state.depth() == 0 => {
                let id = held.id.0.get();
                Err(Reason::ReferenceLeak { id, acquired: held.at, at }.into())
            }
            Some(_) | None => Ok(()),
        }
    }
}
