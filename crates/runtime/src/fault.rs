//! Faults: a program did what no verified program does.
//!
//! A fault ends the run. It says where it happened and what was attempted, and explains itself to a
//! person who debugs the program.

use std::fmt;

use skep_spec::InsnIdx;

use crate::memory::{Access, Region, RegionKind};

/// Why a run ended before its program did.
///
/// It is one pointer wide, so that `Result<u64, Fault>` travels in registers.
#[derive(Clone, PartialEq, Eq)]
pub struct Fault(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    program: Option<String>,
    at: Option<InsnIdx>,
    kind: FaultKind,
}

/// What went wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// Memory was touched that is not the program's, or not in this way.
    Memory {
        /// What was attempted.
        access: Access,
        /// The address.
        addr: u64,
        /// How many bytes.
        size: usize,
        /// What the run could touch, nearest first.
        near: Vec<Region>,
    },
    /// An atomic operation at an address that its size does not divide.
    Misaligned {
        /// The address.
        addr: u64,
        /// How many bytes.
        size: usize,
    },
    /// The context has no such field, or not of this size, or it cannot be written.
    Context {
        /// What was attempted.
        access: Access,
        /// Offset into the context as the UAPI lays it out.
        off: u32,
        /// How many bytes.
        size: usize,
        /// The context's name in the UAPI.
        name: &'static str,
    },
    /// The limit of executed instructions was reached.
    InstructionLimit(u64),
    /// Calls nest deeper than the frames that there are.
    CallDepth(usize),
    /// A call through a value that is no function of the program.
    NoFunction(u64),
    /// A value where one of the program's maps was needed.
    NoMap(u64),
    /// A value where the context was needed.
    NoContext(u64),
    /// A helper was called in a way that the verifier does not let pass.
    Helper(String),
    /// The run ended with a ring buffer record neither submitted nor discarded.
    RecordKept(u64),
}

impl Fault {
    /// A fault whose place is not known yet; the interpreter adds it.
    #[cold]
    pub fn new(kind: FaultKind) -> Fault {
        Fault(Box::new(Inner { program: None, at: None, kind }))
    }

    /// A helper's complaint about its caller.
    #[cold]
    pub fn helper(what: impl Into<String>) -> Fault {
        Fault::new(FaultKind::Helper(what.into()))
    }

    /// The same with its place, unless it has one.
    #[cold]
    #[must_use]
    pub fn located(mut self, program: &str, at: InsnIdx) -> Fault {
        if self.0.at.is_none() {
            self.0.program = Some(program.to_owned());
            self.0.at = Some(at);
        }
        self
    }

    /// The slot of the instruction that failed.
    pub fn at(&self) -> Option<InsnIdx> {
        self.0.at
    }

    /// The program that the slot is in.
    pub fn program(&self) -> Option<&str> {
        self.0.program.as_deref()
    }

    /// What went wrong.
    pub fn kind(&self) -> &FaultKind {
        &self.0.kind
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("program", &self.0.program)
            .field("at", &self.0.at)
            .field("kind", &self.0.kind)
            .finish()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.program, self.0.at) {
            (Some(program), Some(at)) => write!(f, "{program}, instruction {at}: {}", self.0.kind),
            (None | Some(_), None | Some(_)) => self.0.kind.fmt(f),
        }
    }
}

impl std::error::Error for Fault {}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultKind::Memory { access, addr, size, near } => {
                let verb = verb(*access);
                write!(f, "{verb} of {} at {addr:#x}: ", Count(*size as u64))?;
                explain_address(f, *addr, *size, *access, near)
            }
            FaultKind::Misaligned { addr, size } => {
                let size = Count(*size as u64);
                write!(f, "atomic operation on {size} at {addr:#x}, which is not aligned to them")
            }
            FaultKind::Context { access, off, size, name } => {
                let verb = verb(*access);
                let size = Count(*size as u64);
                write!(f, "{verb} of {size} at offset {off} of {name}: no field allows that")
            }
            FaultKind::InstructionLimit(limit) => {
                write!(f, "the limit of {limit} executed instructions was reached")
            }
            FaultKind::CallDepth(limit) => write!(f, "calls nest deeper than {limit} frames"),
            FaultKind::NoFunction(value) => {
                write!(f, "call of {value:#x}, which is no function of this program")
            }
            FaultKind::NoMap(value) => {
                write!(f, "{value:#x} is passed as a map, but is none of this program's maps")
            }
            FaultKind::NoContext(value) => {
                write!(f, "{value:#x} is passed as the context, but is not the context")
            }
            FaultKind::Helper(what) => f.write_str(what),
            FaultKind::RecordKept(addr) => {
                write!(f, "the record at {addr:#x} was neither submitted nor discarded")
            }
        }
    }
}

const fn verb(access: Access) -> &'static str {
    match access {
        Access::Read => "read",
        Access::Write => "write",
        Access::ReadWrite => "update",
    }
}

/// Says how an address lies to the nearest region.
fn explain_address(
    f: &mut fmt::Formatter<'_>,
    addr: u64,
    size: usize,
    access: Access,
    near: &[Region],
) -> fmt::Result {
    /// Addresses below this are null plus an offset: no region ever lies there.
    const NULL_PAGE: u64 = 4096;
    if addr < NULL_PAGE {
        return f.write_str("a null pointer, perhaps a lookup's result that was not checked");
    }
    /// Farther away than any offset in an instruction, a region explains nothing.
    const NEAR: u64 = 1 << 16;
    let is_near = |region: &&Region| region.distance(addr) <= NEAR;
    let Some(region) = near.first().filter(is_near) else {
        return f.write_str("the program has no memory there");
    };
    let (end, region_end) = (addr.saturating_add(size as u64), region.start + region.len);
    let all = Count(region.len);
    if addr < region.start {
        return write!(f, "{} before {region} ({all})", Count(region.start - addr));
    }
    if end <= region_end {
        let missing = if access.writes() { "read-only" } else { "write-only" };
        return write!(f, "{region} is {missing}");
    }
    write!(f, "{} past the end of {region} ({all})", Count(end - region_end))?;
    match addr.checked_sub(region_end) {
        Some(_) => Ok(()),
        None => write!(f, ", from offset {}", addr - region.start),
    }
}

/// A number of bytes, in words.
struct Count(u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 byte"),
            bytes => write!(f, "{bytes} bytes"),
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            RegionKind::Stack(0) => f.write_str("the stack frame of the main function"),
            RegionKind::Stack(depth) => write!(f, "the stack frame at call depth {depth}"),
            RegionKind::Packet => f.write_str("the packet"),
            RegionKind::Map(index) => match &self.map {
                Some(name) => write!(f, "a value of map {name:?}"),
                None => write!(f, "a value of the program's map {index}"),
            },
            RegionKind::Record => f.write_str("a ring buffer record"),
            RegionKind::Lent => f.write_str("the memory passed to the program"),
        }
    }
}
