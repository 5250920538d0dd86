//! Strings that are known when the program is loaded.

use skep_spec::abi::{MapType, flags, format};
use skep_spec::insn::Reg;

use crate::explore::Walk;
use crate::rejection::{Accessor, Check, Direction, Reason};
use crate::state::Kind;

impl Walk<'_> {
    /// Whether `reg` points to a string that ends within a map that can no longer change.
    pub(super) fn check_constant_string(&mut self, reg: Reg) -> Check {
        let pointer = *self.state.register(reg);
        let Kind::MapValue { map, .. } = pointer.kind else { return Ok(()) };
        let wrong = |text: String| Err(Reason::ConstantString { text }.into());
        let facts = self.maps.facts(map);
        let number = reg.index();
        if facts.flags & flags::map::RDONLY_PROG == 0 || facts.frozen.is_none() {
            return wrong(format!("R{number} does not point to a readonly map'"));
        }
        if pointer.value.as_constant().is_none() {
            return wrong(format!("R{number} is not a constant address'"));
        }
        if facts.map_type != MapType::Array {
            return wrong("no direct value access support for this map type".into());
        }
        let (value_size, elements) = (facts.value_size, facts.max_entries);
        let size = value_size.wrapping_sub(pointer.off.cast_unsigned());
        self.check_map_access(map, reg, 0, size, Direction::Read, false, Accessor::Helper)?;
        if elements != 1 {
            return wrong("direct value access on string failed".into());
        }
        if self.string_at(reg).is_none() {
            return wrong("string is not zero-terminated".into());
        }
        Ok(())
    }

    /// The string that `reg` points to, without the zero at its end.
    fn string_at(&self, reg: Reg) -> Option<&[u8]> {
        let pointer = self.state.register(reg);
        let Kind::MapValue { map, .. } = pointer.kind else { return None };
        let off = i64::from(pointer.off).checked_add_unsigned(pointer.value.as_constant()?)?;
        let contents = self.maps.facts(map).frozen.as_deref()?;
        let text = contents.get(usize::try_from(off).ok()?..)?;
        text.split(|byte| *byte == 0).next().filter(|string| string.len() < text.len())
    }

    /// Whether the arguments of `bpf_snprintf` fit its format.
    pub(super) fn check_format(&self, format: Reg, data_len: Reg) -> Check {
        let len = self.state.register(data_len).value.tnum.value;
        if !len.is_multiple_of(8) {
            return Err(Reason::Load { text: "" }.into());
        }
        let Some(string) = self.string_at(format) else {
            return Err(Reason::FormatString.into());
        };
        if format::is_valid(string, len / 8) { Ok(()) } else { Err(Reason::FormatString.into()) }
    }
}
