//! The rows of map types, and the lines of helpers that take certain maps.
use super::{Commands, EntriesRule, Holds, MapRules, SizeRule};
use crate::abi::HelperId::{self, *};
use crate::abi::MapType::{self, *};
use crate::abi::flags::map as flag;

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
pub(super) const USER_ACCESS: u32 = flag::RDONLY | flag::WRONLY;
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
pub(super) const ROWS: &[MapRules] = &[
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

/// Helpers that take maps of certain types only.
pub(super) const BY_HELPER: &[(HelperId, &[MapType])] = &[
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
