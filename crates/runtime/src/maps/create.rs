//! What may be made: the kernel's rules for the attributes of a new map.
//!
//! Sizes, flags and entries of each type are a table of [`skep_spec::abi::map_rules`]; here is what
//! an engine adds to it: the limits of memory, the rules about several attributes, and the types that
//! the user engine has.

use skep_command::Errno;
use skep_command::map::MapCreate;
use skep_spec::abi::{MapType, flags, map_rules};

use super::error::MapError;
use super::memory::pad;

/// The most bytes of a name.
const MAX_NAME: usize = 15;
/// The most bytes of a value per CPU (the kernel's `PCPU_MIN_UNIT_SIZE`).
const MAX_PERCPU_VALUE: usize = 32 << 10;
/// The bytes that key and value of a hash table stay below: what the kernel allocates at once, less
/// the head of its element.
const MAX_HASH_ELEMENT: u64 = (4 << 20) - 48;
/// The bytes that an LPM trie's value stays within: what the kernel allocates at once, less the
/// longest key's data and the head of its node.
const MAX_LPM_VALUE: u32 = (4 << 20) - 256 - 24;
/// The most entries of a hash table of devices: its number of buckets fits 32 bits.
const MAX_DEVMAP_HASH: u32 = 1 << 31;

/// Checks the attributes of a new map.
pub(crate) fn check(map: &MapCreate<'_>) -> Result<(), MapError> {
    let checker = Checker { map };
    checker.common()?;
    match map.map_type {
        MapType::Array | MapType::ProgArray | MapType::PerfEventArray => {
            checker.shape()?;
            checker.array()
        }
        MapType::PercpuArray => {
            checker.shape()?;
            checker.array()?;
            checker.percpu_value()
        }
        MapType::Hash => {
            checker.shape()?;
            checker.hash()
        }
        MapType::PercpuHash => {
            checker.shape()?;
            checker.hash()?;
            checker.percpu_value()
        }
        MapType::LruHash => {
            checker.lru()?;
            checker.shape()?;
            checker.hash()
        }
        MapType::LruPercpuHash => {
            checker.lru()?;
            checker.shape()?;
            checker.hash()?;
            checker.percpu_value()
        }
        MapType::LpmTrie => {
            checker.shape()?;
            checker.most("value_size", map.value_size, MAX_LPM_VALUE, Errno::EINVAL)
        }
        MapType::Ringbuf | MapType::Devmap => checker.shape(),
        MapType::DevmapHash => {
            checker.shape()?;
            checker.most("max_entries", map.max_entries, MAX_DEVMAP_HASH, Errno::EINVAL)
        }
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

    fn most(&self, what: &str, found: u32, most: u32, errno: Errno) -> Result<(), MapError> {
        self.require(found <= most, errno, || format!("{what} is {found}, at most {most}"))
    }

    fn has(&self, flag: u32) -> bool {
        self.map.flags & flag != 0
    }

    fn common(&self) -> Result<(), MapError> {
        let map = self.map;
        if let Some(btf) = map.btf {
            let missing = btf.key_type_id != 0 && btf.value_type_id == 0;
            self.require(!missing, Errno::EINVAL, || "a key type without a value type".into())?;
        }
        let takes_extra = matches!(map.map_type, MapType::BloomFilter | MapType::Arena);
        self.require(map.extra == 0 || takes_extra, Errno::EINVAL, || {
            format!("map_extra is {:#x}, must be 0", map.extra)
        })
    }

    fn shape(&self) -> Result<(), MapError> {
        let map = self.map;
        let rules = map_rules::of(map.map_type);
        rules
            .check(map.key_size, map.value_size, map.max_entries, map.flags)
            .map_err(|bad| self.error(Errno::EINVAL, bad.to_string()))
    }

    fn array(&self) -> Result<(), MapError> {
        self.most("value_size", self.map.value_size, i32::MAX.unsigned_abs(), Errno::E2BIG)
    }

    fn hash(&self) -> Result<(), MapError> {
        let size = u64::from(self.map.key_size) + u64::from(self.map.value_size);
        self.require(size < MAX_HASH_ELEMENT, Errno::E2BIG, || {
            format!("key and value have {size} bytes, must be below {MAX_HASH_ELEMENT}")
        })
    }

    fn percpu_value(&self) -> Result<(), MapError> {
        let found = self.map.value_size as usize;
        self.require(pad(found) <= MAX_PERCPU_VALUE, Errno::E2BIG, || {
            format!("value_size is {found}, at most {MAX_PERCPU_VALUE} for values per CPU")
        })
    }

    /// An LRU map is preallocated: the one flag that has an error of its own, unless others are wrong
    /// too.
    fn lru(&self) -> Result<(), MapError> {
        let known = map_rules::of(MapType::LruHash).flags | flags::map::NO_PREALLOC;
        let both = flags::map::RDONLY_PROG | flags::map::WRONLY_PROG;
        let user = flags::map::RDONLY | flags::map::WRONLY;
        let wrong =
            self.has(!known) || self.map.flags & both == both || self.map.flags & user == user;
        self.require(wrong || !self.has(flags::map::NO_PREALLOC), Errno::ENOTSUPP, || {
            "an LRU map cannot have BPF_F_NO_PREALLOC".into()
        })?;
        let own_lists = self.has(flags::map::NO_COMMON_LRU);
        self.require(!own_lists || !self.has(flags::map::NUMA_NODE), Errno::EINVAL, || {
            "an LRU map with lists for each CPU is not on one NUMA node".into()
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
