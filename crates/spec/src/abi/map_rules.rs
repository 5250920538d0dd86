//! The rules of each map type: sizes, flags, who may do what.
//!
//! One row a type. [`MapRules::check`] decides over a new map as Linux 6.18 does, with the same
//! errno; [`compatible`] says which helpers take a map of which type.
mod rows;
#[cfg(test)]
mod tests;

use super::flags::map as flag;
use super::{HelperId, MapType};
use rows::{BY_HELPER, ROWS, USER_ACCESS};

/// What a size of key or value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeRule {
    /// There is none: zero.
    None,
    /// Any but zero.
    Some,
    /// Exactly this many bytes.
    Exactly(u32),
    /// One of two.
    Either(u32, u32),
    /// From the first to the second.
    Between(u32, u32),
    /// A multiple, at least once.
    Multiple(u32),
}

impl SizeRule {
    /// Whether `bytes` conform.
    #[must_use]
    pub fn admits(self, bytes: u32) -> bool {
        match self {
            Self::None => bytes == 0,
            Self::Some => bytes != 0,
            Self::Exactly(size) => bytes == size,
            Self::Either(one, other) => bytes == one || bytes == other,
            Self::Between(least, most) => least <= bytes && bytes <= most,
            Self::Multiple(of) => bytes != 0 && bytes.is_multiple_of(of),
        }
    }
}

/// What the number of entries may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntriesRule {
    /// Zero: the elements hang on other objects.
    Zero,
    /// Any but zero.
    Some,
    /// Exactly one.
    One,
    /// A number of bytes: a power of two, and a multiple of the page size.
    RingBytes,
}

/// Which commands work on the elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commands {
    /// `BPF_MAP_LOOKUP_ELEM`.
    pub lookup: bool,
    /// `BPF_MAP_UPDATE_ELEM`.
    pub update: bool,
    /// `BPF_MAP_DELETE_ELEM`.
    pub delete: bool,
    /// `BPF_MAP_GET_NEXT_KEY`.
    pub next_key: bool,
}

/// What the values are, to commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Bytes.
    Bytes,
    /// Programs: written as a handle, read as an id.
    Programs,
    /// Maps: written as a handle, read as an id.
    Maps,
    /// Perf events: written as a handle.
    PerfEvents,
    /// Cgroups: written as a handle.
    Cgroups,
    /// Devices or CPUs, and a program for each.
    Devices,
    /// Sockets: written as a handle, read as a cookie.
    Sockets,
    /// Records in a ring, read through memory.
    Records,
    /// Pages, used through memory.
    Pages,
}

/// The rules of a map type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapRules {
    /// The type.
    pub map_type: MapType,
    /// The size of keys.
    pub key: SizeRule,
    /// The size of values.
    pub value: SizeRule,
    /// The number of entries.
    pub entries: EntriesRule,
    /// The flags that may be set.
    pub flags: u32,
    /// The flags that must be set.
    pub required_flags: u32,
    /// Whether each CPU has values of its own: commands see one for each possible CPU, each padded
    /// to eight bytes.
    pub per_cpu: bool,
    /// What the values are.
    pub holds: Holds,
    /// Which commands work on the elements.
    pub commands: Commands,
    /// The helpers that programs may pass such a map to; `None` for the general ones, see
    /// [`compatible`].
    pub helpers: Option<&'static [HelperId]>,
    /// Whether sleepable programs may use it.
    pub sleepable: bool,
}

/// The rules of `map_type`.
#[must_use]
pub fn of(map_type: MapType) -> &'static MapRules {
    // Numbers count from one without a gap, which a test checks.
    &ROWS[map_type.number() as usize - 1]
}

/// What is wrong with the shape of a new map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadShape {
    /// The key's size.
    #[error("key_size is {found}, {map_type} takes {required}")]
    Key {
        /// The map type.
        map_type: MapType,
        /// What was given.
        found: u32,
        /// What is required.
        required: SizeRule,
    },
    /// The value's size.
    #[error("value_size is {found}, {map_type} takes {required}")]
    Value {
        /// The map type.
        map_type: MapType,
        /// What was given.
        found: u32,
        /// What is required.
        required: SizeRule,
    },
    /// The number of entries.
    #[error("max_entries is {found}, {map_type} takes {required}")]
    Entries {
        /// The map type.
        map_type: MapType,
        /// What was given.
        found: u32,
        /// What is required.
        required: EntriesRule,
    },
    /// A flag that the type does not know.
    #[error("{map_type} does not take the flags {}", super::flags::names(flag::NAMES, *.flags))]
    Flags {
        /// The map type.
        map_type: MapType,
        /// The flags in question.
        flags: u32,
    },
    /// A flag that the type cannot do without.
    #[error("{map_type} needs the flags {}", super::flags::names(flag::NAMES, *.flags))]
    Missing {
        /// The map type.
        map_type: MapType,
        /// The flags in question.
        flags: u32,
    },
}

impl core::fmt::Display for SizeRule {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::None => write!(f, "0"),
            Self::Some => write!(f, "1 or more"),
            Self::Exactly(size) => write!(f, "{size}"),
            Self::Either(one, other) => write!(f, "{one} or {other}"),
            Self::Between(least, most) => write!(f, "{least} to {most}"),
            Self::Multiple(of) => write!(f, "a multiple of {of}"),
        }
    }
}

impl core::fmt::Display for EntriesRule {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Zero => "0",
            Self::Some => "1 or more",
            Self::One => "1",
            Self::RingBytes => "a power of two that is a multiple of the page size",
        })
    }
}

/// The size of a page, which ring buffers are a multiple of.
const PAGE_BYTES: u32 = 4096;

impl MapRules {
    /// Checks sizes, entries and flags of a new map. All failures are `EINVAL` of the kernel.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn check(&self, key: u32, value: u32, entries: u32, flags: u32) -> Result<(), BadShape> {
        let map_type = self.map_type;
        let unknown = flags & !self.flags;
        if unknown != 0 {
            return Err(BadShape::Flags { map_type, flags: unknown });
        }
        let missing = self.required_flags & !flags;
        if missing != 0 {
            return Err(BadShape::Missing { map_type, flags: missing });
        }
        for both in
            [USER_ACCESS, flag::RDONLY_PROG | flag::WRONLY_PROG].map(|both| (both, flags & both))
        {
            if both.0 == both.1 {
                return Err(BadShape::Flags { map_type, flags: both.1 });
            }
        }
        if !self.key.admits(key) {
            return Err(BadShape::Key { map_type, found: key, required: self.key });
        }
        let required = self.value_rule(flags);
        if !required.admits(value) {
            return Err(BadShape::Value { map_type, found: value, required });
        }
        let right = match self.entries {
            EntriesRule::Zero => entries == 0,
            EntriesRule::Some => entries != 0,
            EntriesRule::One => entries == 1,
            EntriesRule::RingBytes => {
                entries.is_power_of_two() && entries.is_multiple_of(PAGE_BYTES)
            }
        };
        if !right {
            return Err(BadShape::Entries { map_type, found: entries, required: self.entries });
        }
        Ok(())
    }

    /// The size of values, given the flags: a stack by build ids takes 32 bytes a frame.
    const fn value_rule(&self, flags: u32) -> SizeRule {
        if flags & self.flags & flag::STACK_BUILD_ID != 0 {
            SizeRule::Multiple(32)
        } else {
            self.value
        }
    }

    /// The size of a value as commands see it, on a machine with `cpus` possible CPUs.
    #[must_use]
    pub fn command_value_size(&self, value: u32, cpus: u32) -> usize {
        if self.per_cpu {
            (value as usize).next_multiple_of(8).saturating_mul(cpus as usize)
        } else {
            value as usize
        }
    }
}

/// Whether a program may pass a map of `map_type` to `helper`.
///
/// Updates of socket maps by program are further limited to some program types, which is the
/// verifier's affair.
#[must_use]
pub fn compatible(map_type: MapType, helper: HelperId) -> bool {
    let map_takes = of(map_type).helpers.is_none_or(|helpers| helpers.contains(&helper));
    let helper_takes = BY_HELPER
        .iter()
        .find(|(of, _)| *of == helper)
        .is_none_or(|(_, types)| types.contains(&map_type));
    map_takes && helper_takes
}
