//! What may be made: the kernel's rules for the attributes of a new map.

use skep_command::Errno;
use skep_command::map::MapCreate;
use skep_spec::abi::MapType;

use super::error::MapError;
use super::flags::{
    ACCESS, BPF_F_INNER_MAP, BPF_F_MMAPABLE, BPF_F_NO_COMMON_LRU, BPF_F_NO_PREALLOC,
    BPF_F_NUMA_NODE, BPF_F_PRESERVE_ELEMS, BPF_F_RDONLY, BPF_F_RDONLY_PROG, BPF_F_WRONLY,
    BPF_F_WRONLY_PROG, BPF_F_ZERO_SEED,
};
use super::memory::{PAGE, pad};

/// The most bytes of a name.
const MAX_NAME: usize = 15;
/// The most bytes of a value per CPU (the kernel's `PCPU_MIN_UNIT_SIZE`).
const MAX_PERCPU_VALUE: usize = 32 << 10;
/// The bytes that key and value of a hash table stay below: what the kernel allocates at once, less
/// the head of its element.
const MAX_HASH_ELEMENT: u64 = (4 << 20) - 48;
/// The most bytes of the part of an LPM trie's key behind the prefix length.
const MAX_LPM_DATA: u32 = 256;
/// The bytes that an LPM trie's value stays within: what the kernel allocates at once, less the
/// longest key and the head of its node.
const MAX_LPM_VALUE: u32 = (4 << 20) - MAX_LPM_DATA - 24;

/// Checks attributes, one rule after the other.
struct Checker<'a, 'b> {
    map: &'a MapCreate<'b>,
}

impl Checker<'_, '_> {
    fn error(&self, errno: Errno, what: impl Into<String>) -> MapError {
        MapError::new(errno, self.map.map_type, what)
    }

    fn require(
        &self,
        holds: bool,
        errno: Errno,
        what: impl Fn() -> String,
    ) -> Result<(), MapError> {
        if holds { Ok(()) } else { Err(self.error(errno, what())) }
    }

    fn flags(&self, allowed: u32) -> Result<(), MapError> {
        let flags = self.map.flags;
        let unknown = flags & !allowed;
        self.require(unknown == 0, Errno::EINVAL, || format!("flags {unknown:#x} are not for it"))?;
        let both = |one, other| flags & one != 0 && flags & other != 0;
        self.require(!both(BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG), Errno::EINVAL, || {
            "BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG exclude each other".into()
        })
    }

    fn key_size(&self, size: u32) -> Result<(), MapError> {
        let found = self.map.key_size;
        self.require(found == size, Errno::EINVAL, || {
            format!("key_size is {found}, must be {size}")
        })
    }

    fn value_size(&self, sizes: &[u32]) -> Result<(), MapError> {
        let found = self.map.value_size;
        self.require(sizes.contains(&found), Errno::EINVAL, || {
            let sizes: Vec<_> = sizes.iter().map(u32::to_string).collect();
            format!("value_size is {found}, must be {}", sizes.join(" or "))
        })
    }

    fn nonzero(&self, found: u32, what: &str) -> Result<(), MapError> {
        self.require(found != 0, Errno::EINVAL, || format!("{what} is 0"))
    }

    fn percpu_value(&self) -> Result<(), MapError> {
        let found = self.map.value_size as usize;
        self.require(pad(found) <= MAX_PERCPU_VALUE, Errno::E2BIG, || {
            format!("value_size is {found}, at most {MAX_PERCPU_VALUE} for values per CPU")
        })
    }

    fn no_numa_node(&self) -> Result<(), MapError> {
        self.require(self.map.flags & BPF_F_NUMA_NODE == 0, Errno::EINVAL, || {
            "values per CPU are not on one NUMA node".into()
        })
    }

    fn array(&self, percpu: bool, more_flags: u32) -> Result<(), MapError> {
        self.nonzero(self.map.max_entries, "max_entries")?;
        self.key_size(4)?;
        self.nonzero(self.map.value_size, "value_size")?;
        self.flags(BPF_F_NUMA_NODE | ACCESS | more_flags)?;
        if percpu {
            self.no_numa_node()?;
        }
        let found = self.map.value_size;
        self.require(i32::try_from(found).is_ok(), Errno::E2BIG, || {
            format!("value_size is {found}, at most {}", i32::MAX)
        })?;
        if percpu { self.percpu_value() } else { Ok(()) }
    }

    /// Arrays whose values are numbers of objects: programs cannot touch them.
    fn object_array(&self, more_flags: u32) -> Result<(), MapError> {
        self.value_size(&[4])?;
        self.require(
            self.map.flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG) == 0,
            Errno::EINVAL,
            || "programs neither read nor write its values".into(),
        )?;
        self.array(false, more_flags)
    }

    fn hash(&self, percpu: bool, lru: bool) -> Result<(), MapError> {
        let map = self.map;
        let own_lists = map.flags & BPF_F_NO_COMMON_LRU != 0;
        let hash = BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE | BPF_F_ZERO_SEED;
        self.flags(hash | ACCESS)?;
        self.require(lru || !own_lists, Errno::EINVAL, || {
            "BPF_F_NO_COMMON_LRU is for LRU maps".into()
        })?;
        self.require(!lru || map.flags & BPF_F_NO_PREALLOC == 0, Errno::ENOTSUPP, || {
            "an LRU map cannot have BPF_F_NO_PREALLOC".into()
        })?;
        if percpu || own_lists {
            self.no_numa_node()?;
        }
        self.nonzero(map.max_entries, "max_entries")?;
        self.nonzero(map.key_size, "key_size")?;
        self.nonzero(map.value_size, "value_size")?;
        let size = u64::from(map.key_size) + u64::from(map.value_size);
        self.require(size < MAX_HASH_ELEMENT, Errno::E2BIG, || {
            format!("key and value have {size} bytes, must be below {MAX_HASH_ELEMENT}")
        })?;
        if percpu { self.percpu_value() } else { Ok(()) }
    }

    fn lpm_trie(&self) -> Result<(), MapError> {
        let map = self.map;
        self.nonzero(map.max_entries, "max_entries")?;
        self.require(map.flags & BPF_F_NO_PREALLOC != 0, Errno::EINVAL, || {
            "BPF_F_NO_PREALLOC is required".into()
        })?;
        self.flags(BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | ACCESS)?;
        self.require((5..=4 + MAX_LPM_DATA).contains(&map.key_size), Errno::EINVAL, || {
            format!("key_size is {}, must be 5 to {}", map.key_size, 4 + MAX_LPM_DATA)
        })?;
        self.require((1..=MAX_LPM_VALUE).contains(&map.value_size), Errno::EINVAL, || {
            format!("value_size is {}, must be 1 to {MAX_LPM_VALUE}", map.value_size)
        })
    }

    fn ringbuf(&self) -> Result<(), MapError> {
        let map = self.map;
        self.flags(BPF_F_NUMA_NODE)?;
        self.key_size(0)?;
        self.value_size(&[0])?;
        let size = map.max_entries;
        let fits = size.is_power_of_two() && (size as usize).is_multiple_of(PAGE);
        self.require(fits, Errno::EINVAL, || {
            format!("max_entries is {size}, must be a power of two and a multiple of {PAGE}")
        })
    }

    fn devmap(&self) -> Result<(), MapError> {
        self.nonzero(self.map.max_entries, "max_entries")?;
        self.key_size(4)?;
        self.value_size(&[4, 8])?;
        self.flags(BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY)?;
        let hash = self.map.map_type == MapType::DevmapHash;
        self.require(!hash || self.map.max_entries <= 1 << 31, Errno::EINVAL, || {
            "max_entries is above 2147483648".into()
        })
    }

    fn name(&self) -> Result<(), MapError> {
        let name = self.map.name;
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        self.require(name.len() <= MAX_NAME, Errno::EINVAL, || {
            format!("the name {name:?} has {} bytes, at most {MAX_NAME}", name.len())
        })?;
        self.require(name.chars().all(good), Errno::EINVAL, || {
            format!("the name {name:?} has other characters than letters, digits, _ and .")
        })
    }
}

/// Checks the attributes of a new map.
pub(crate) fn check(map: &MapCreate<'_>) -> Result<(), MapError> {
    let checker = Checker { map };
    if let Some(btf) = map.btf {
        let missing = btf.key_type_id != 0 && btf.value_type_id == 0;
        checker.require(!missing, Errno::EINVAL, || "a key type without a value type".into())?;
    }
    checker.require(
        map.extra == 0 || matches!(map.map_type, MapType::BloomFilter | MapType::Arena),
        Errno::EINVAL,
        || format!("map_extra is {:#x}, must be 0", map.extra),
    )?;
    checker.require(
        map.flags & BPF_F_RDONLY == 0 || map.flags & BPF_F_WRONLY == 0,
        Errno::EINVAL,
        || "BPF_F_RDONLY and BPF_F_WRONLY exclude each other".into(),
    )?;
    match map.map_type {
        MapType::Array => checker.array(false, BPF_F_MMAPABLE | BPF_F_INNER_MAP),
        MapType::PercpuArray => checker.array(true, 0),
        MapType::Hash => checker.hash(false, false),
        MapType::PercpuHash => checker.hash(true, false),
        MapType::LruHash => checker.hash(false, true),
        MapType::LruPercpuHash => checker.hash(true, true),
        MapType::LpmTrie => checker.lpm_trie(),
        MapType::ProgArray => checker.object_array(0),
        MapType::PerfEventArray => checker.object_array(BPF_F_PRESERVE_ELEMS),
        MapType::Ringbuf => checker.ringbuf(),
        MapType::Devmap | MapType::DevmapHash => checker.devmap(),
        MapType::StackTrace
        | MapType::CgroupArray
        | MapType::ArrayOfMaps
        | MapType::HashOfMaps
        | MapType::Sockmap
        | MapType::Cpumap
        | MapType::Xskmap
        | MapType::Sockhash
        | MapType::CgroupStorage
        | MapType::ReuseportSockarray
        | MapType::PercpuCgroupStorage
        | MapType::Queue
        | MapType::Stack
        | MapType::SkStorage
        | MapType::StructOps
        | MapType::InodeStorage
        | MapType::TaskStorage
        | MapType::BloomFilter
        | MapType::UserRingbuf
        | MapType::CgrpStorage
        | MapType::Arena => {
            Err(checker.error(Errno::EOPNOTSUPP, "the user engine does not have this type"))
        }
    }?;
    checker.name()
}
