//! Calls of the program's own functions.
//!
//! A static function is walked through each time it is called, with what its caller knows. A global
//! one is walked through once, alone, for any arguments that its BTF admits (`signature`); its
//! callers only have to pass such.

use skep_btf::{FuncLinkage, Type};
use skep_spec::InsnIdx;
use skep_spec::insn::Reg;

use super::signature::{self, Parameter, Signature};
use crate::explore::{Next, Walk};
use crate::limits::FRAMES;
use crate::rejection::{Check, Reason, unsupported};
use crate::state::register::{MemoryKind, Trust};
use crate::state::{Frame, Kind, Register, State};

/// The registers of arguments.
pub(super) const ARGUMENTS: [Reg; 5] = [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5];

/// What is known of the program's functions by their BTF.
#[derive(Debug, Default)]
pub(crate) struct Functions {
    globals: Vec<Option<Global>>,
    /// The one that was walked through last.
    latest: usize,
    /// Those that are called back later.
    called_later: Vec<u16>,
}

/// A global function.
#[derive(Debug)]
struct Global {
    name: String,
    signature: Option<Signature>,
    called: bool,
    walked: bool,
}

impl Functions {
    fn global(&mut self, subprogram: u16) -> Option<&mut Global> {
        self.globals.get_mut(usize::from(subprogram))?.as_mut()
    }

    /// A function is called back later.
    pub(super) fn note_called_later(&mut self, subprogram: u16) {
        if !self.called_later.contains(&subprogram) {
            self.called_later.push(subprogram);
        }
    }

    /// Whether a function is called back later, on a stack of its own.
    pub(crate) fn is_called_later(&self, subprogram: u16) -> bool {
        self.called_later.contains(&subprogram)
    }

    /// The next global function that was called and is not walked through yet: upwards from the
    /// latest, then from the first on.
    fn next(&mut self) -> Option<u16> {
        let wanted = |number: &usize| {
            let global = self.globals.get(*number).and_then(Option::as_ref);
            global.is_some_and(|global| global.called && !global.walked)
        };
        let (from, end) = (self.latest + 1, self.globals.len());
        let number = (from..end).chain(1..from).find(wanted)?;
        self.latest = number;
        let subprogram = u16::try_from(number).ok()?;
        self.global(subprogram)?.walked = true;
        Some(subprogram)
    }
}

impl Walk<'_> {
    /// Finds the global functions.
    pub(crate) fn find_functions(&mut self) {
        let Some(btf) = self.input.btf else { return };
        let find = |start: InsnIdx| {
            let info = self.input.func_info.iter().find(|info| info.at == start)?;
            match btf.ty(info.type_id) {
                Ok(Type::Func(func)) if func.linkage == FuncLinkage::Global => Some(Global {
                    name: func.name.into(),
                    signature: None,
                    called: false,
                    walked: false,
                }),
                Ok(_) | Err(_) => None,
            }
        };
        let globals =
            self.cfg.subprograms().iter().map(|subprogram| find(subprogram.start)).collect();
        self.functions = Functions { globals, ..Functions::default() };
    }

    /// Whether a function is seen outside of the object.
    pub(crate) fn is_global(&self, subprogram: u16) -> bool {
        matches!(self.functions.globals.get(usize::from(subprogram)), Some(Some(_)))
    }

    /// A call of a function of the program, at a distance.
    pub(super) fn check_local_call(&mut self, distance: i32) -> Check<Next> {
        let target = self.at.jump(distance).ok_or(Reason::CallDestination)?;
        let subprogram = self.cfg.subprogram_at(target).ok_or(Reason::CallDestination)?;
        if self.is_global(subprogram) {
            self.check_global_call(subprogram)?;
            return Ok(Next::Following);
        }
        let caller = self.state.frame();
        let mut callee = new_frame(&self.state, subprogram, self.at)?;
        for reg in ARGUMENTS {
            callee.registers[reg.index()] = *caller.register(reg);
        }
        self.clear_scratch();
        self.state.frames.push(callee);
        Ok(Next::Jump(target))
    }

    /// A call of a global function.
    ///
    /// Sound: the function is safe for all arguments that its BTF admits, which is checked on its
    /// own; so it is for these. Whatever it does, the caller's registers r6 to r9 and stack are its
    /// own, save for what it passes a pointer to, which is memory that the function may change: of
    /// the stack, nothing is known afterwards. What it returns is some number.
    fn check_global_call(&mut self, subprogram: u16) -> Check {
        let arguments = self.check_arguments(subprogram);
        if self.state.lock.is_some() {
            return Err(Reason::GlobalCallInLock.into());
        }
        let function = &self.cfg.subprograms()[usize::from(subprogram)];
        let (sleeps, changes_packet) = (function.might_sleep, function.changes_packet);
        if sleeps && !self.may_sleep() {
            return Err(Reason::GlobalSleeps.into());
        }
        let Some(global) = self.functions.global(subprogram) else { return Ok(()) };
        if !arguments? {
            let name = global.name.clone();
            return Err(Reason::GlobalArguments { subprogram, name }.into());
        }
        global.called = true;
        if changes_packet {
            self.forget_packet();
        }
        self.clear_scratch();
        *self.state.register_mut(Reg::R0) = Register::UNKNOWN;
        Ok(())
    }

    /// The signature of a global function; `None` if it has none that could be verified.
    fn signature_of(&mut self, subprogram: u16) -> Check<Option<Signature>> {
        if let Some(global) = self.functions.global(subprogram)
            && let Some(known) = &global.signature
        {
            return Ok(Some(known.clone()));
        }
        let start = self.cfg.subprograms()[usize::from(subprogram)].start;
        let info = self.input.func_info.iter().find(|info| info.at == start);
        let Some((btf, info)) = self.input.btf.zip(info) else { return Ok(None) };
        let found = signature::read(self.input, self.environment, btf, info.type_id)?;
        if let Some(global) = self.functions.global(subprogram) {
            global.signature.clone_from(&found);
        }
        Ok(found)
    }

    /// Whether a global function is passed what its signature asks for.
    fn check_arguments(&mut self, subprogram: u16) -> Check<bool> {
        let Some(signature) = self.signature_of(subprogram)? else { return Ok(false) };
        for (reg, parameter) in ARGUMENTS.into_iter().zip(signature) {
            match self.check_argument(reg, parameter) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(stop) => return stop.as_refusal(),
            }
        }
        Ok(true)
    }

    fn check_argument(&mut self, reg: Reg, parameter: Parameter) -> Check<bool> {
        let passed = *self.state.register(reg);
        match parameter {
            Parameter::Number => Ok(passed.is_scalar()),
            Parameter::Untrusted { .. } => Ok(true),
            Parameter::Context => {
                self.check_argument_offset(reg, false)?;
                Ok(passed.kind == Kind::Context && !passed.nullable)
            }
            Parameter::Memory { size, nullable } => {
                self.check_argument_offset(reg, false)?;
                if !passed.is_null() {
                    self.check_memory_argument(reg, size)?;
                }
                Ok(nullable || !passed.nullable)
            }
            Parameter::Kernel { type_id, nullable } => {
                if nullable && passed.is_null() {
                    return Ok(true);
                }
                self.check_kernel_argument(reg, type_id, nullable)?;
                self.check_argument_offset(reg, false)?;
                Ok(true)
            }
        }
    }

    /// Memory that a global function reads and writes; null, if it may be, is not looked at.
    fn check_memory_argument(&mut self, reg: Reg, size: u32) -> Check {
        use crate::rejection::Direction::{Read, Write};
        let passed = *self.state.register(reg);
        self.state.register_mut(reg).nullable = false;
        let checked = self
            .check_region(reg, size, Read, true, false)
            .and_then(|_| self.check_region(reg, size, Write, true, false));
        *self.state.register_mut(reg) = passed;
        checked.map(|_| ())
    }

    /// Nothing is known of r0 to r5 after a call.
    pub(super) fn clear_scratch(&mut self) {
        *self.state.register_mut(Reg::R0) = Register::UNINIT;
        for reg in ARGUMENTS {
            *self.state.register_mut(reg) = Register::UNINIT;
        }
    }

    /// Whether what runs here may sleep.
    pub(super) fn may_sleep(&self) -> bool {
        self.input.flags.sleepable && !self.state.in_async_callback && self.state.lock.is_none()
    }

    /// Goes on with a global function that was called and not walked through yet; `false` if there
    /// is none.
    pub(crate) fn begin_global(&mut self) -> Check<bool> {
        let Some(subprogram) = self.functions.next() else { return Ok(false) };
        let start = self.cfg.subprograms()[usize::from(subprogram)].start;
        let mut frame = Frame::new(0, subprogram, InsnIdx(0));
        let Some(signature) = self.signature_of(subprogram)? else {
            return unsupported("a global function without a signature");
        };
        for (reg, parameter) in ARGUMENTS.into_iter().zip(signature) {
            frame.registers[reg.index()] = self.any(parameter);
        }
        self.state = State::new(frame);
        self.at = start;
        self.previous = None;
        Ok(true)
    }

    /// All that can be passed for a parameter.
    fn any(&mut self, parameter: Parameter) -> Register {
        let named = |walk: &mut Self, nullable: bool, register: Register| {
            let id = nullable.then(|| walk.fresh_id());
            Register { nullable, id, ..register }
        };
        match parameter {
            Parameter::Number => Register::UNKNOWN,
            Parameter::Context => Register::pointer(Kind::Context),
            Parameter::Memory { size, nullable } => {
                let memory = Kind::Memory { size, access: MemoryKind::Plain };
                named(self, nullable, Register::pointer(memory))
            }
            Parameter::Untrusted { type_id: None } => {
                Register::pointer(Kind::Memory { size: 0, access: MemoryKind::Untrusted })
            }
            Parameter::Untrusted { type_id: Some(type_id) } => {
                let kind = Kind::Kernel { type_id, trust: Trust::Untrusted, percpu: false };
                Register { id: Some(self.fresh_id()), ..Register::pointer(kind) }
            }
            Parameter::Kernel { type_id, nullable } => {
                let kind = Kind::Kernel { type_id, trust: Trust::Trusted, percpu: false };
                Register { nullable, id: Some(self.fresh_id()), ..Register::pointer(kind) }
            }
        }
    }
}

/// The frame of a function that is entered.
pub(super) fn new_frame(state: &State, subprogram: u16, callsite: InsnIdx) -> Check<Frame> {
    let frames = state.frames.len() + 1;
    if frames > FRAMES {
        return Err(Reason::CallDepth { frames }.into());
    }
    Ok(Frame::new(state.frames.len(), subprogram, callsite))
}
