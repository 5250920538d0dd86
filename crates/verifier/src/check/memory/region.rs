//! Memory that a helper is given.

use skep_spec::abi::ProgType;
use skep_spec::abi::context::{self, Context};
use skep_spec::insn::{Reg, Size};

use super::{Access, Transfer};
use crate::explore::Walk;
use crate::rejection::{Accessor, Check, Direction, Reason};
use crate::state::register::MemoryKind;
use crate::state::{Kind, Register};

/// What remains to be done when memory was checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Region {
    /// Nothing.
    Done,
    /// It is stack that the helper fills in: once all arguments are checked, its bytes are written.
    Fill {
        /// The register with the pointer.
        reg: Reg,
        /// How many bytes.
        size: u32,
    },
}

impl Walk<'_> {
    /// Whether a helper may access `size` bytes at the pointer in `reg`. `uninit` says that it
    /// writes them without reading them.
    pub(crate) fn check_region(
        &mut self,
        reg: Reg,
        size: u32,
        direction: Direction,
        zero_ok: bool,
        uninit: bool,
    ) -> Check<Region> {
        let found = *self.state.register(reg);
        let protected = || Err(Reason::WriteProtected { reg, found }.into());
        let writes = direction == Direction::Write;
        match found.kind {
            Kind::Packet { .. } | Kind::PacketMeta { .. } => {
                self.check_packet(reg, 0, size, zero_ok)?;
            }
            Kind::MapKey { map } => {
                if writes {
                    return protected();
                }
                let limit = self.maps.facts(map).key_size;
                self.check_extent(reg, 0, size, limit, false)?;
            }
            Kind::MapValue { map, .. } => {
                self.check_map_access(map, reg, 0, size, direction, zero_ok, Accessor::Helper)?;
            }
            Kind::Memory { size: limit, access } => {
                let read_only = matches!(access, MemoryKind::ReadOnly | MemoryKind::Untrusted);
                if writes && read_only {
                    return protected();
                }
                self.check_extent(reg, 0, size, limit, zero_ok)?;
            }
            Kind::Buffer { read_only } => {
                if writes && read_only {
                    return protected();
                }
                self.check_buffer(reg, 0, size)?;
            }
            Kind::Stack { frame } => {
                return self.check_stack_region(frame, reg, size, direction, zero_ok, uninit);
            }
            Kind::Context if !is_converted(self.input.prog_type) => {
                self.check_context_region(reg, size, direction, zero_ok)?;
            }
            Kind::Scalar if size == 0 && zero_ok && found.is_null() => {}
            Kind::Kernel { .. } => self.check_kernel_region(reg, 0, size, Transfer::Probe)?,
            Kind::Context
            | Kind::Scalar
            | Kind::Uninit
            | Kind::Map { .. }
            | Kind::PacketEnd
            | Kind::Object(_)
            | Kind::FlowKeys
            | Kind::TracepointBuffer
            | Kind::Function { .. } => return self.refuse_region(reg, found),
        }
        Ok(Region::Done)
    }

    /// A context that is plain memory, whose last byte decides.
    fn check_context_region(
        &mut self,
        reg: Reg,
        size: u32,
        direction: Direction,
        zero_ok: bool,
    ) -> Check {
        if size == 0 && zero_ok {
            return Ok(());
        }
        let off = i32::try_from(size).map_or(i32::MAX, |size| size - 1);
        let access = Access { reg, off, size: Size::B, aligned: false };
        let transfer = match direction {
            Direction::Read => Transfer::Probe,
            Direction::Write => Transfer::Fill,
        };
        self.access(access, transfer)?;
        Ok(())
    }

    fn refuse_region(&self, reg: Reg, found: Register) -> Check<Region> {
        let expected = "fp".to_owned();
        Err(Reason::ArgumentKind { reg, found, expected }.into())
    }

    fn check_stack_region(
        &mut self,
        frame: u8,
        reg: Reg,
        size: u32,
        direction: Direction,
        zero_ok: bool,
        uninit: bool,
    ) -> Check<Region> {
        if size == 0 && !zero_ok {
            return Err(Reason::RegionZero.into());
        }
        let range = self.check_stack_range(reg, 0, size, direction)?;
        if uninit && range.fixed {
            return Ok(Region::Fill { reg, size });
        }
        self.read_stack(frame, range, direction == Direction::Write);
        Ok(Region::Done)
    }
}

/// Whether accesses to the context of programs of a type are rewritten, so that there is no memory
/// that a helper could be given.
fn is_converted(prog_type: ProgType) -> bool {
    let rewritten = matches!(context::of(prog_type), Context::Struct(_));
    rewritten
        && !matches!(
            prog_type,
            ProgType::Kprobe
                | ProgType::RawTracepoint
                | ProgType::RawTracepointWritable
                | ProgType::Netfilter
        )
}
