//! Maps of the kernel, by bpf(2).

use std::ffi::c_long;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use skep_command::Errno;
use skep_command::attr::{Cmd, Wire, map};
use skep_command::map::MapCreate;

/// A map of the kernel.
pub(crate) struct KernelMap {
    fd: OwnedFd,
    key_size: usize,
    value_size: usize,
}

/// Makes the system call. The memory behind the addresses in `attr` is the callers' below.
fn bpf(cmd: Cmd, mut attr: Vec<u8>) -> Result<c_long, Errno> {
    // SAFETY: `attr` is live and of the length given; the addresses in it are those of keys and
    // values of the sizes that the map was made with, or null, as the functions below see to.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, cmd.number(), attr.as_mut_ptr(), attr.len()) };
    if result >= 0 {
        return Ok(result);
    }
    Err(Errno(std::io::Error::last_os_error().raw_os_error().expect("from the system")))
}

/// Whether this process may make maps of every type; if not, says so as a counted skip.
pub(crate) fn available() -> bool {
    let attributes = super::attributes(skep_spec::abi::MapType::Devmap, 4, 4, 1);
    match KernelMap::create(&attributes, 1) {
        Ok(_) => true,
        Err(errno) => {
            testkit::skip(&format!("maps against the kernel: bpf(2) says {errno}"));
            false
        }
    }
}

/// The number of possible CPUs.
pub(crate) fn possible_cpus() -> u32 {
    let list = std::fs::read_to_string("/sys/devices/system/cpu/possible").expect("sysfs");
    let last = list.trim().rsplit(['-', ',']).next().expect("a split has a part");
    last.parse::<u32>().expect("a number") + 1
}

impl KernelMap {
    /// Makes a map whose values have `copies` copies in commands, or one if that is 1.
    pub(crate) fn create(create: &MapCreate<'_>, copies: u32) -> Result<KernelMap, Errno> {
        let mut map_name = [0; 16];
        for (to, from) in map_name.iter_mut().zip(create.name.bytes()) {
            *to = from;
        }
        let attr = map::Create {
            map_type: create.map_type.number(),
            key_size: create.key_size,
            value_size: create.value_size,
            max_entries: create.max_entries,
            map_flags: create.flags,
            numa_node: create.numa_node.unwrap_or(0),
            map_name,
            map_extra: create.extra,
            ..Default::default()
        };
        let fd = i32::try_from(bpf(Cmd::MapCreate, attr.encode())?).expect("a descriptor");
        // SAFETY: the command succeeded, so `fd` is a new descriptor that nobody else owns.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let value_size = create.value_size as usize;
        let value_size = match copies {
            1 => value_size,
            copies => value_size.next_multiple_of(8) * copies as usize,
        };
        Ok(KernelMap { fd, key_size: create.key_size as usize, value_size })
    }

    fn element(&self, key: Option<&[u8]>, value: u64, flags: u64) -> map::Element {
        let key = key.filter(|key| !key.is_empty());
        if let Some(key) = key {
            assert_eq!(key.len(), self.key_size);
        }
        map::Element {
            map_fd: u32::try_from(self.fd.as_raw_fd()).expect("a descriptor"),
            key: key.map_or(0, |key| key.as_ptr().expose_provenance() as u64),
            value,
            flags,
        }
    }

    pub(crate) fn lookup(&self, key: &[u8], flags: u64) -> Result<Vec<u8>, Errno> {
        let mut value = vec![0; self.value_size];
        let address = value.as_mut_ptr().expose_provenance() as u64;
        bpf(Cmd::MapLookupElem, self.element(Some(key), address, flags).encode())?;
        Ok(value)
    }

    pub(crate) fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        assert_eq!(value.len(), self.value_size);
        let address = value.as_ptr().expose_provenance() as u64;
        bpf(Cmd::MapUpdateElem, self.element(Some(key), address, flags).encode()).map(drop)
    }

    pub(crate) fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        bpf(Cmd::MapDeleteElem, self.element(Some(key), 0, 0).encode()).map(drop)
    }

    pub(crate) fn next_key(&self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>, Errno> {
        let mut next = vec![0; self.key_size.max(1)];
        let address = next.as_mut_ptr().expose_provenance() as u64;
        match bpf(Cmd::MapGetNextKey, self.element(key, address, 0).encode()) {
            Ok(_) => Ok(Some(next)),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    pub(crate) fn freeze(&self) -> Result<(), Errno> {
        bpf(Cmd::MapFreeze, self.element(None, 0, 0).encode()).map(drop)
    }
}
