//! Values and keys of maps, and maps themselves.

use skep_spec::abi::MapType;
use skep_spec::abi::flags::map as flag;

use super::{Access, Transfer, bytes};
use crate::domain::Scalar;
use crate::environment::MapFacts;
use crate::explore::Walk;
use crate::maps::MapIdx;
use crate::rejection::{Accessor, Check, Direction, Reason, unsupported};
use crate::state::Register;

impl Walk<'_> {
    /// An access to a key, which a callback over a map's elements is given.
    pub(super) fn access_map_key(
        &mut self,
        map: MapIdx,
        access: &Access,
        transfer: Transfer,
    ) -> Check<Register> {
        if transfer.direction() == Direction::Write {
            return Err(Reason::MapKeyWrite(access.reg).into());
        }
        let limit = self.maps.facts(map).key_size;
        self.check_extent(access.reg, access.off, bytes(access.size), limit, false)?;
        Ok(Register::UNKNOWN)
    }

    /// An access to a value.
    ///
    /// Sound: values can change at any time, so that nothing is known of what is loaded, unless the
    /// map is frozen.
    pub(super) fn access_map_value(
        &mut self,
        map: MapIdx,
        access: &Access,
        transfer: Transfer,
    ) -> Check<Register> {
        let off = access.off;
        let size = bytes(access.size);
        self.check_map_access(
            map,
            access.reg,
            off,
            size,
            transfer.direction(),
            false,
            Accessor::Insn,
        )?;
        let pointer = *self.state.register(access.reg);
        let Transfer::Load { .. } = transfer else { return Ok(Register::UNKNOWN) };
        let frozen = self.maps.facts(map).frozen.as_deref();
        let (Some(contents), Some(variable)) = (frozen, pointer.value.as_constant()) else {
            return Ok(Register::UNKNOWN);
        };
        let at = variable.wrapping_add((i64::from(pointer.off) + i64::from(off)).cast_unsigned());
        let read = usize::try_from(at).ok().and_then(|at| {
            let bytes = contents.get(at..at.checked_add(access.size.bytes())?)?;
            let mut number = [0; 8];
            number[..bytes.len()].copy_from_slice(bytes);
            Some(u64::from_le_bytes(number))
        });
        Ok(read.map_or(Register::UNKNOWN, |number| Register::scalar(Scalar::constant(number))))
    }

    /// Whether `size` bytes of a value, at the pointer in `reg` plus `off`, may be accessed.
    #[expect(clippy::too_many_arguments, reason = "an access, and who makes it")]
    pub(crate) fn check_map_access(
        &mut self,
        map: MapIdx,
        reg: skep_spec::insn::Reg,
        off: i32,
        size: u32,
        direction: Direction,
        zero_ok: bool,
        accessor: Accessor,
    ) -> Check {
        let pointer = *self.state.register(reg);
        let facts = self.maps.facts(map);
        let value_size = facts.value_size;
        let forbidden = match direction {
            Direction::Read => flag::WRONLY_PROG,
            Direction::Write => flag::RDONLY_PROG,
        };
        if facts.flags & forbidden != 0 {
            let off = pointer.off.wrapping_add(off);
            return Err(Reason::MapProtected { direction, value_size, off, size }.into());
        }
        self.check_extent(reg, off, size, map_limit(self.maps.facts(map)), zero_ok)?;
        let begin = pointer.value.s64.min.saturating_add((pointer.off + off).into());
        let end =
            i128::from(pointer.value.u64.max) + i128::from(pointer.off + off) + i128::from(size);
        for field in &self.maps.facts(map).fields {
            let (first, past) =
                (i128::from(field.offset), i128::from(field.offset) + i128::from(field.bytes));
            if i128::from(begin) < past && first < end {
                if field.kind.is_kptr() {
                    return unsupported("pointers to kernel objects in maps");
                }
                return Err(Reason::SpecialField { kind: field.kind, accessor }.into());
            }
        }
        Ok(())
    }

    /// An access to a map itself, whose struct in the kernel programs may read.
    pub(super) fn access_map(
        &mut self,
        map: MapIdx,
        access: &Access,
        transfer: Transfer,
    ) -> Check<Register> {
        let name = match self.maps.facts(map).map_type {
            MapType::Array
            | MapType::PercpuArray
            | MapType::ProgArray
            | MapType::PerfEventArray
            | MapType::CgroupArray
            | MapType::ArrayOfMaps => "bpf_array",
            MapType::Hash
            | MapType::PercpuHash
            | MapType::LruHash
            | MapType::LruPercpuHash
            | MapType::HashOfMaps => "bpf_htab",
            _ => return unsupported("reading the kernel's struct of a map of this type"),
        };
        let pointer = *self.state.register(access.reg);
        let off = pointer.off.wrapping_add(access.off);
        if off < 0 {
            return Err(Reason::MapStructNegative { reg: access.reg, name, off }.into());
        }
        if transfer.direction() == Direction::Write {
            return Err(Reason::MapStructWrite { name }.into());
        }
        self.access_map_struct(name, off.unsigned_abs(), access)
    }
}

/// How many bytes of a value a pointer reaches.
fn map_limit(facts: &MapFacts) -> u32 {
    facts.value_size
}
