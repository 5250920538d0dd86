//! Spin locks.
//!
//! A program holds one at most, takes and releases it in the same function or below, and calls
//! nothing meanwhile, so that no two programs ever wait for each other.

use skep_spec::abi::HelperId;
use skep_spec::insn::{Callee, Reg};

use crate::environment::FieldKind;
use crate::explore::Walk;
use crate::maps::MapIdx;
use crate::rejection::{Check, Reason, unsupported};
use crate::state::{Kind, Lock};

impl Walk<'_> {
    /// `bpf_spin_lock` and `bpf_spin_unlock`, of the lock that `reg` points to.
    ///
    /// Which lock it is, the name of the map value says: two lookups give two names, even if they
    /// find the same value.
    pub(super) fn check_spin_lock(&mut self, reg: Reg, helper: HelperId) -> Check {
        let map = self.check_field(reg, FieldKind::SpinLock)?;
        let id = self.state.register(reg).id;
        let lock = Lock { id, map, at: self.at };
        if helper == HelperId::SpinLock {
            if self.state.lock.is_some() {
                return Err(Reason::LockTwice.into());
            }
            self.state.lock = Some(lock);
            return Ok(());
        }
        match self.state.lock {
            None => Err(Reason::UnlockWithoutLock.into()),
            Some(held) if held.id == id && held.map == map => {
                self.state.lock = None;
                Ok(())
            }
            Some(_) => Err(Reason::UnlockOther.into()),
        }
    }

    /// Whether a call may be made while a lock is held: that which releases it, and functions of
    /// the program.
    pub(super) fn check_call_in_lock(&self, callee: Callee) -> Check {
        let allowed = match callee {
            Callee::Helper(number) => {
                u32::try_from(number).ok().and_then(HelperId::from_u32)
                    == Some(HelperId::SpinUnlock)
            }
            Callee::Local(_) | Callee::Kfunc { .. } | Callee::Reg(_) => true,
        };
        if self.state.lock.is_some() && !allowed {
            return Err(Reason::CallInLock.into());
        }
        Ok(())
    }

    /// Whether `reg` points to a field of a map value, of this kind; gives the map.
    pub(super) fn check_field(&self, reg: Reg, kind: FieldKind) -> Check<MapIdx> {
        let pointer = self.state.register(reg);
        let Kind::MapValue { map, .. } = pointer.kind else {
            return unsupported("special fields of objects that programs allocate");
        };
        let Some(variable) = pointer.value.as_constant() else {
            return Err(Reason::FieldVariable { reg, kind }.into());
        };
        let facts = self.maps.facts(map);
        if facts.btf.is_none() {
            return Err(Reason::FieldWithoutBtf { map: facts.name.clone(), kind }.into());
        }
        let Some(field) = facts.field(kind) else {
            return Err(Reason::FieldMissing { map: facts.name.clone(), kind }.into());
        };
        let found = variable.cast_signed().wrapping_add(pointer.off.into());
        if found != i64::from(field.offset) {
            return Err(Reason::FieldOffset { kind, found, required: field.offset }.into());
        }
        Ok(map)
    }
}
