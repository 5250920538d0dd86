//! Calls, and what a helper makes of the state.
//!
//! A call of a helper is checked in the kernel's order: whether the program may call it, its
//! arguments (`arg`), what it does with them, its result (`ret`), the map.

use skep_spec::abi::proto::{self, Needs, Proto};
use skep_spec::abi::{AttachType, HelperId, MapType, ProgType};
use skep_spec::insn::{Callee, Insn, Reg, Size};

use super::arg::Arguments;
use super::memory::{Access, Transfer};
use crate::explore::{Next, Walk};
use crate::facts::InsnFacts;
use crate::rejection::{Check, Leaving, Reason, Stop, unsupported};
use crate::state::Register;

/// The opcode of calls through registers, which Linux does not know.
const CALL_REGISTER: u8 = 0x8d;

impl Walk<'_> {
    /// A call.
    pub(crate) fn check_call(&mut self, callee: Callee) -> Check<Next> {
        self.check_call_in_lock(callee)?;
        match callee {
            Callee::Local(distance) => self.check_local_call(distance),
            Callee::Helper(number) => self.check_helper_call(number),
            // Loaders leave this where the kernel has no such function; see
            // `check_missing_kfuncs`.
            Callee::Kfunc { btf_id: 0, .. } => Ok(Next::Following),
            Callee::Kfunc { .. } => unsupported("kernel functions"),
            Callee::Reg(_) => Err(Reason::UnknownOpcode { opcode: CALL_REGISTER }.into()),
        }
    }

    /// Whether all calls of functions that the kernel does not have are dead code: programs ask
    /// first whether it has them.
    pub(crate) fn check_missing_kfuncs(&self) -> Check {
        let mut calls = self.input.code.iter().filter(|(at, insn)| {
            matches!(insn, Insn::Call(Callee::Kfunc { btf_id: 0, .. })) && self.facts.at(*at).seen
        });
        match calls.next() {
            Some((at, _)) => Err(Box::new(Stop::RejectedAt(at, Reason::KfuncMissing))),
            None => Ok(()),
        }
    }

    /// A call of a helper.
    fn check_helper_call(&mut self, number: i32) -> Check<Next> {
        let helper = u32::try_from(number).ok().and_then(HelperId::from_u32);
        let Some(helper) = helper else { return Err(Reason::NoHelper { number }.into()) };
        let proto = self.check_may_call(helper)?;
        let arguments = self.check_helper_arguments(proto)?;
        self.check_map_use(helper, &arguments)?;
        if let Some((reg, size)) = arguments.fill {
            self.fill_stack(reg, size)?;
        }
        if let Some(reg) = arguments.released {
            self.release_argument(helper, reg, &arguments)?;
        }
        self.check_special(helper)?;
        if let Some((kind, subprogram)) = proto.callback().zip(arguments.callback) {
            self.call_back(kind, subprogram, arguments.map.map(|(map, _)| map))?;
        }
        self.clear_scratch();
        let returned = self.returned(proto, &arguments)?;
        *self.state.register_mut(Reg::R0) = returned;
        if let Some((map, _)) = arguments.map {
            self.check_map_helper(map, helper)?;
        }
        if helper == HelperId::GetFuncIp {
            self.check_func_ip()?;
        }
        if helper == HelperId::TailCall {
            return self.tail_call();
        }
        if proto.changes_packet {
            self.forget_packet();
        }
        Ok(Next::Following)
    }

    /// Whether the program may call a helper; gives the prototype that it sees.
    fn check_may_call(&self, helper: HelperId) -> Check<&'static Proto> {
        if self.input.prog_type == ProgType::Ext {
            return unsupported("programs that replace functions of other programs");
        }
        let (prog_type, attach_type) = self.offered_as(helper)?;
        let found = proto::proto(helper, prog_type, attach_type)
            .filter(|_| self.environment.offers(helper));
        let permitted = |proto: &&Proto| match proto.needs {
            Needs::Nothing => true,
            Needs::Bpf => self.privileges.bpf,
            Needs::Perfmon => self.privileges.perfmon,
        };
        let Some(proto) = found.filter(permitted) else {
            return Err(Reason::HelperProgramType(helper).into());
        };
        if proto.gpl_only && !self.input.gpl {
            return Err(Reason::HelperLicence(helper).into());
        }
        if !self.is_allowed_in_probe(helper)? {
            return Err(Reason::HelperInProbe(helper).into());
        }
        if proto.might_sleep && !self.in_sleepable() {
            return Err(Reason::HelperSleeps(helper).into());
        }
        Ok(proto)
    }

    /// As what the program is offered a helper: iterators over some sockets set their options as
    /// hooks of cgroups do.
    fn offered_as(&self, helper: HelperId) -> Check<(ProgType, Option<AttachType>)> {
        let options = matches!(helper, HelperId::Setsockopt | HelperId::Getsockopt);
        if options && self.input.attach_type == Some(AttachType::TraceIter) {
            let target = self.target_function()?;
            if matches!(target.name.as_str(), "bpf_iter_tcp" | "bpf_iter_unix") {
                return Ok((ProgType::Lsm, Some(AttachType::LsmCgroup)));
            }
        }
        Ok((self.input.prog_type, self.input.attach_type))
    }

    /// What is left to be checked of the map, and of the index of a tail call.
    fn check_map_use(&mut self, helper: HelperId, arguments: &Arguments) -> Check {
        let Some((map, _)) = arguments.map else { return Ok(()) };
        self.note_call(|facts| facts.map.note(Some(map)));
        self.check_map_writable(map, helper)?;
        if helper == HelperId::TailCall {
            let facts = self.maps.facts(map);
            if facts.map_type != MapType::ProgArray {
                return Err(Reason::TailCallMap.into());
            }
            let index = self.state.register(Reg::R3).as_constant();
            let index = index.and_then(|index| u32::try_from(index).ok());
            let index = index.filter(|index| *index < facts.max_entries);
            self.note_call(|facts| facts.tail_index.note(index));
            if index.is_some() {
                self.mark_precise(Reg::R3)?;
            }
        }
        Ok(())
    }

    /// Notes something of the call at hand.
    fn note_call(&mut self, note: impl FnOnce(&mut InsnFacts)) {
        if let Some(facts) = self.facts.at_mut(self.at) {
            note(facts);
        }
    }

    /// Stack that a helper has filled in.
    ///
    /// Sound: of what it wrote nothing is known.
    fn fill_stack(&mut self, reg: Reg, size: u32) -> Check {
        for byte in 0..size {
            let Ok(off) = i32::try_from(byte) else { break };
            let access = Access { reg, off, size: Size::B, aligned: false };
            self.access(access, Transfer::Fill)?;
        }
        Ok(())
    }

    fn release_argument(&mut self, helper: HelperId, reg: Reg, arguments: &Arguments) -> Check {
        match arguments.reference {
            Some(id) => self.release(id, helper),
            None if self.state.register(reg).is_null() => Ok(()),
            None => Err(Reason::ReleaseUnknown(helper).into()),
        }
    }

    /// What the kernel checks of single helpers.
    fn check_special(&mut self, helper: HelperId) -> Check {
        match helper {
            HelperId::TailCall => self.check_nothing_held(Leaving::TailCall, true),
            HelperId::GetLocalStorage if !self.state.register(Reg::R2).is_null() => {
                Err(Reason::LocalStorageFlags.into())
            }
            HelperId::Snprintf => self.check_format(Reg::R3, Reg::R5),
            HelperId::SetRetval
                if self.input.prog_type == ProgType::Lsm
                    && self.input.attach_type == Some(AttachType::LsmCgroup)
                    && self.target_function()?.is_void =>
            {
                Err(Reason::LsmCgroupVoid.into())
            }
            _ => Ok(()),
        }
    }

    /// A tail call that may fail: then the program goes on behind it. In a function, it may also
    /// come back to the caller, from another program.
    ///
    /// Sound: that program may have moved the packet and returned any number.
    fn tail_call(&mut self) -> Check<Next> {
        if self.state.depth() == 0 {
            return Ok(Next::Following);
        }
        let behind = self.at.jump(0).ok_or(Reason::LastInsn)?;
        self.put_off(behind)?;
        self.forget_packet();
        *self.state.register_mut(Reg::R0) = Register::UNKNOWN;
        self.return_to_caller()
    }

    /// Whether the address of the traced function is known.
    fn check_func_ip(&self) -> Check {
        let helper = HelperId::GetFuncIp;
        match self.input.prog_type {
            ProgType::Tracing => match self.input.attach_type {
                Some(
                    AttachType::TraceFentry | AttachType::TraceFexit | AttachType::ModifyReturn,
                ) => Ok(()),
                Some(_) | None => Err(Reason::HelperTrampoline(helper).into()),
            },
            ProgType::Kprobe => Ok(()),
            _ => Err(Reason::HelperNotForType(helper).into()),
        }
    }

    /// Whether what runs here may sleep, apart from what is held.
    fn in_sleepable(&self) -> bool {
        self.input.flags.sleepable && !self.state.in_async_callback
    }

    /// Whether a helper is allowed in what the program attaches to: some must not be called back
    /// by what they do themselves.
    fn is_allowed_in_probe(&self, helper: HelperId) -> Check<bool> {
        let attach_type = self.input.attach_type;
        let iterator = attach_type == Some(AttachType::TraceIter);
        match (helper, self.input.prog_type) {
            (HelperId::DPath, ProgType::Lsm) => unsupported("paths of files in security hooks"),
            (HelperId::DPath, ProgType::Tracing) => {
                Ok(iterator || resolves_paths(&self.target_function()?.name))
            }
            (HelperId::DPath, _) => Ok(false),
            (HelperId::SkStorageGet | HelperId::SkStorageDelete, ProgType::Tracing)
                if matches!(
                    attach_type,
                    Some(AttachType::TraceFentry | AttachType::TraceFexit)
                ) =>
            {
                Ok(!self.target_function()?.name.starts_with("bpf_sk_storage"))
            }
            (
                HelperId::SkStorageGet | HelperId::SkStorageDelete,
                ProgType::Tracing | ProgType::Syscall,
            ) => Ok(iterator || attach_type == Some(AttachType::TraceRawTp)),
            _ => Ok(true),
        }
    }
}

/// Whether a function holds nothing that looking up the path of a file takes.
fn resolves_paths(function: &str) -> bool {
    matches!(
        function,
        "security_file_permission"
            | "security_inode_getattr"
            | "security_file_open"
            | "security_path_truncate"
            | "vfs_truncate"
            | "vfs_fallocate"
            | "dentry_open"
            | "vfs_getattr"
            | "filp_close"
    )
}
