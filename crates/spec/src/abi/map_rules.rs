//! The rules of each map type: sizes, flags, who may do what.
//!
//! One row a type. [`MapRules::check`] decides over a new map as Linux 6.18 does, with the same
//! errno; [`compatible`] says which helpers take a map of which type.
use super::HelperId::{self, *};
use super::MapType::{self, *};
use super::flags::map as flag;

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

const ALL_COMMANDS: Commands =
    Commands { lookup: true, update: true, delete: true, next_key: true };
const NO_COMMANDS: Commands =
    Commands { lookup: false, update: false, delete: false, next_key: false };
const NO_DELETE: Commands = Commands { delete: false, ..ALL_COMMANDS };
const NO_LOOKUP: Commands = Commands { lookup: false, ..ALL_COMMANDS };
const NO_NEXT_KEY: Commands = Commands { next_key: false, ..ALL_COMMANDS };
const PEEK_AND_PUSH: Commands = Commands { delete: false, next_key: false, ..ALL_COMMANDS };

/// Who may read and write, on either side.
const ACCESS: u32 = USER_ACCESS | flag::RDONLY_PROG | flag::WRONLY_PROG;
const USER_ACCESS: u32 = flag::RDONLY | flag::WRONLY;
const HASH_FLAGS: u32 = flag::NO_PREALLOC | flag::NUMA_NODE | flag::ZERO_SEED | ACCESS;
const LRU_FLAGS: u32 = flag::NO_COMMON_LRU | flag::NUMA_NODE | flag::ZERO_SEED | ACCESS;
const DEVICE_FLAGS: u32 = flag::NUMA_NODE | USER_ACCESS;

/// A row with what most types have in common: an array of bytes.
const fn row(map_type: MapType, key: SizeRule, value: SizeRule) -> MapRules {
    MapRules {
        map_type,
        key,
        value,
        entries: EntriesRule::Some,
        flags: flag::NUMA_NODE | ACCESS,
        required_flags: 0,
        per_cpu: false,
        holds: Holds::Bytes,
        commands: ALL_COMMANDS,
        helpers: None,
        sleepable: false,
    }
}

impl MapRules {
    const fn flags(mut self, flags: u32) -> Self {
        self.flags = flags;
        self
    }

    const fn requires(mut self, flags: u32) -> Self {
        self.required_flags = flags;
        self
    }

    const fn entries(mut self, entries: EntriesRule) -> Self {
        self.entries = entries;
        self
    }

    const fn per_cpu(mut self) -> Self {
        self.per_cpu = true;
        self
    }

    const fn holds(mut self, holds: Holds) -> Self {
        self.holds = holds;
        self
    }

    const fn commands(mut self, commands: Commands) -> Self {
        self.commands = commands;
        self
    }

    const fn helpers(mut self, helpers: &'static [HelperId]) -> Self {
        self.helpers = Some(helpers);
        self
    }

    const fn sleepable(mut self) -> Self {
        self.sleepable = true;
        self
    }
}

/// A storage that hangs on kernel objects: one element an object.
const fn storage(map_type: MapType, helpers: &'static [HelperId]) -> MapRules {
    row(map_type, SizeRule::Exactly(4), SizeRule::Some)
        .entries(EntriesRule::Zero)
        .flags(flag::NO_PREALLOC | flag::CLONE)
        .requires(flag::NO_PREALLOC)
        .commands(NO_NEXT_KEY)
        .helpers(helpers)
        .sleepable()
}

/// A map of devices, sockets or programs, by a 4-byte index.
const fn by_index(map_type: MapType, value: SizeRule, holds: Holds) -> MapRules {
    row(map_type, SizeRule::Exactly(4), value).flags(DEVICE_FLAGS).holds(holds)
}

const FOUR: SizeRule = SizeRule::Exactly(4);
const EIGHT_MORE: SizeRule = SizeRule::Either(4, 8);

/// The rows, by number.
const ROWS: &[MapRules] = &[
    row(Hash, SizeRule::Some, SizeRule::Some).flags(HASH_FLAGS).sleepable(),
    row(Array, FOUR, SizeRule::Some)
        .flags(flag::NUMA_NODE | flag::MMAPABLE | flag::INNER_MAP | ACCESS)
        .commands(NO_DELETE)
        .sleepable(),
    by_index(ProgArray, FOUR, Holds::Programs).helpers(&[TailCall]),
    by_index(PerfEventArray, FOUR, Holds::PerfEvents)
        .flags(DEVICE_FLAGS | flag::PRESERVE_ELEMS)
        .commands(NO_LOOKUP)
        .helpers(&[PerfEventRead, PerfEventOutput, SkbOutput, PerfEventReadValue, XdpOutput]),
    row(PercpuHash, SizeRule::Some, SizeRule::Some)
        .flags(HASH_FLAGS & !flag::NUMA_NODE)
        .per_cpu()
        .sleepable(),
    row(PercpuArray, FOUR, SizeRule::Some).flags(ACCESS).per_cpu().commands(NO_DELETE).sleepable(),
    row(StackTrace, FOUR, SizeRule::Multiple(8))
        .flags(flag::NUMA_NODE | flag::STACK_BUILD_ID | USER_ACCESS)
        .commands(Commands { update: false, ..ALL_COMMANDS })
        .helpers(&[GetStackid]),
    by_index(CgroupArray, FOUR, Holds::Cgroups)
        .commands(NO_LOOKUP)
        .helpers(&[SkbUnderCgroup, CurrentTaskUnderCgroup]),
    row(LruHash, SizeRule::Some, SizeRule::Some).flags(LRU_FLAGS).sleepable(),
    row(LruPercpuHash, SizeRule::Some, SizeRule::Some)
        .flags(LRU_FLAGS & !flag::NUMA_NODE)
        .per_cpu()
        .sleepable(),
    // A prefix length, and one to 256 bytes of data.
    row(LpmTrie, SizeRule::Between(5, 260), SizeRule::Some)
        .flags(flag::NO_PREALLOC | flag::NUMA_NODE | ACCESS)
        .requires(flag::NO_PREALLOC),
    by_index(ArrayOfMaps, FOUR, Holds::Maps).helpers(&[MapLookupElem]).sleepable(),
    row(HashOfMaps, SizeRule::Some, FOUR)
        .flags(HASH_FLAGS & !flag::RDONLY_PROG & !flag::WRONLY_PROG)
        .holds(Holds::Maps)
        .helpers(&[MapLookupElem])
        .sleepable(),
    by_index(Devmap, EIGHT_MORE, Holds::Devices).helpers(&[RedirectMap, MapLookupElem]),
    by_index(Sockmap, EIGHT_MORE, Holds::Sockets).helpers(&[
        SkRedirectMap,
        SockMapUpdate,
        MsgRedirectMap,
        SkSelectReuseport,
        MapLookupElem,
        MapUpdateElem,
        MapDeleteElem,
    ]),
    by_index(Cpumap, EIGHT_MORE, Holds::Devices).flags(flag::NUMA_NODE).helpers(&[RedirectMap]),
    by_index(Xskmap, FOUR, Holds::Sockets)
        .commands(NO_LOOKUP)
        .helpers(&[RedirectMap, MapLookupElem]),
    row(Sockhash, SizeRule::Between(1, 512), EIGHT_MORE)
        .flags(DEVICE_FLAGS)
        .holds(Holds::Sockets)
        .helpers(&[
            SkRedirectHash,
            SockHashUpdate,
            MsgRedirectHash,
            SkSelectReuseport,
            MapLookupElem,
            MapUpdateElem,
            MapDeleteElem,
        ]),
    // The key is a cgroup, or a cgroup and an attach type.
    row(CgroupStorage, SizeRule::Either(8, 16), SizeRule::Some)
        .entries(EntriesRule::Zero)
        .commands(NO_DELETE)
        .helpers(&[GetLocalStorage]),
    by_index(ReuseportSockarray, EIGHT_MORE, Holds::Sockets)
        .flags(flag::NUMA_NODE | ACCESS)
        .helpers(&[SkSelectReuseport]),
    row(PercpuCgroupStorage, SizeRule::Either(8, 16), SizeRule::Some)
        .entries(EntriesRule::Zero)
        .per_cpu()
        .commands(NO_DELETE)
        .helpers(&[GetLocalStorage]),
    row(Queue, SizeRule::None, SizeRule::Some)
        .commands(PEEK_AND_PUSH)
        .helpers(&[MapPeekElem, MapPopElem, MapPushElem])
        .sleepable(),
    row(Stack, SizeRule::None, SizeRule::Some)
        .commands(PEEK_AND_PUSH)
        .helpers(&[MapPeekElem, MapPopElem, MapPushElem])
        .sleepable(),
    storage(SkStorage, &[SkStorageGet, SkStorageDelete, KptrXchg]),
    by_index(DevmapHash, EIGHT_MORE, Holds::Devices).helpers(&[RedirectMap, MapLookupElem]),
    row(StructOps, FOUR, SizeRule::Some)
        .entries(EntriesRule::One)
        .flags(flag::LINK | flag::VTYPE_BTF_OBJ_FD)
        .helpers(&[]),
    row(Ringbuf, SizeRule::None, SizeRule::None)
        .entries(EntriesRule::RingBytes)
        .flags(flag::NUMA_NODE)
        .holds(Holds::Records)
        .commands(NO_COMMANDS)
        .helpers(&[
            RingbufOutput,
            RingbufReserve,
            RingbufQuery,
            RingbufReserveDynptr,
            RingbufSubmitDynptr,
            RingbufDiscardDynptr,
        ])
        .sleepable(),
    storage(InodeStorage, &[InodeStorageGet, InodeStorageDelete, KptrXchg]),
    storage(TaskStorage, &[TaskStorageGet, TaskStorageDelete, KptrXchg]),
    row(BloomFilter, SizeRule::None, SizeRule::Some)
        .flags(flag::NUMA_NODE | flag::ZERO_SEED | ACCESS)
        .commands(PEEK_AND_PUSH)
        .helpers(&[MapPeekElem, MapPushElem]),
    row(UserRingbuf, SizeRule::None, SizeRule::None)
        .entries(EntriesRule::RingBytes)
        .flags(flag::NUMA_NODE)
        .holds(Holds::Records)
        .commands(NO_COMMANDS)
        .helpers(&[UserRingbufDrain])
        .sleepable(),
    storage(CgrpStorage, &[CgrpStorageGet, CgrpStorageDelete, KptrXchg]),
    row(Arena, SizeRule::None, SizeRule::None)
        .flags(flag::MMAPABLE | flag::SEGV_ON_FAULT | flag::NO_USER_CONV)
        .requires(flag::MMAPABLE)
        .holds(Holds::Pages)
        .commands(NO_COMMANDS)
        .sleepable(),
];

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

/// Helpers that take maps of certain types only.
const BY_HELPER: &[(HelperId, &[MapType])] = &[
    (TailCall, &[ProgArray]),
    (PerfEventRead, &[PerfEventArray]),
    (PerfEventOutput, &[PerfEventArray]),
    (PerfEventReadValue, &[PerfEventArray]),
    (SkbOutput, &[PerfEventArray]),
    (XdpOutput, &[PerfEventArray]),
    (RingbufOutput, &[Ringbuf]),
    (RingbufReserve, &[Ringbuf]),
    (RingbufQuery, &[Ringbuf]),
    (RingbufReserveDynptr, &[Ringbuf]),
    (UserRingbufDrain, &[UserRingbuf]),
    (GetStackid, &[StackTrace]),
    (CurrentTaskUnderCgroup, &[CgroupArray]),
    (SkbUnderCgroup, &[CgroupArray]),
    (RedirectMap, &[Devmap, DevmapHash, Cpumap, Xskmap]),
    (SkRedirectMap, &[Sockmap]),
    (MsgRedirectMap, &[Sockmap]),
    (SockMapUpdate, &[Sockmap]),
    (SkRedirectHash, &[Sockhash]),
    (MsgRedirectHash, &[Sockhash]),
    (SockHashUpdate, &[Sockhash]),
    (GetLocalStorage, &[CgroupStorage, PercpuCgroupStorage]),
    (SkSelectReuseport, &[ReuseportSockarray, Sockmap, Sockhash]),
    (MapPopElem, &[Queue, Stack]),
    (MapPeekElem, &[Queue, Stack, BloomFilter]),
    (MapPushElem, &[Queue, Stack, BloomFilter]),
    (MapLookupPercpuElem, &[PercpuArray, PercpuHash, LruPercpuHash]),
    (SkStorageGet, &[SkStorage]),
    (SkStorageDelete, &[SkStorage]),
    (InodeStorageGet, &[InodeStorage]),
    (InodeStorageDelete, &[InodeStorage]),
    (TaskStorageGet, &[TaskStorage]),
    (TaskStorageDelete, &[TaskStorage]),
    (CgrpStorageGet, &[CgrpStorage]),
    (CgrpStorageDelete, &[CgrpStorage]),
    (ForEachMapElem, &[Array, PercpuArray, Hash, PercpuHash, LruHash, LruPercpuHash]),
];

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

#[cfg(test)]
mod tests;
