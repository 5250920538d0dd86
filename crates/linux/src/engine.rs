//! The commands, one after the other.

mod errors;
mod load;

use std::ffi::CString;
use std::fs;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;

use skep_command::attr::{map, name_field, name_of, prog};
use skep_command::map::{EventSink, MapCreate, MapInfo};
use skep_command::prog::{ProgInfo, ProgLoad, ProgLoaded, Semantics, TestRun, TestRunReply};
use skep_command::{Engine, EngineKind, Errno, Handle, Result};
use skep_spec::abi::{MapType, ProgType, map_rules};

use crate::cpus;
use crate::objects::{Events, Object, Objects, OpenMap};
use crate::sys;
use crate::sys::ring::Ring;
use errors::{Attempt, refused};

/// The Linux kernel behind the door.
///
/// A [`Handle`] is the number of a descriptor of this process, so that instructions can refer to
/// maps by it. Dropping the engine closes them all.
///
/// A perf event array that is made here gets a perf event for each running CPU at once, so that
/// [`Engine::map_consume`] finds what programs write.
#[derive(Debug)]
pub struct LinuxEngine {
    objects: Objects,
    possible_cpus: u32,
}

impl LinuxEngine {
    /// An engine on the running kernel.
    ///
    /// # Errors
    ///
    /// Where the number of possible CPUs cannot be read from sysfs.
    pub fn new() -> Result<LinuxEngine> {
        let possible_cpus = cpus::possible().ok_or_else(|| {
            refused(Errno::ENOENT, "read the number of possible CPUs")
                .with_help("mount sysfs on /sys")
        })?;
        Ok(LinuxEngine { objects: Objects::default(), possible_cpus })
    }

    /// The object behind a handle.
    fn object(&self, handle: Handle, what: &str) -> Result<Arc<Object>> {
        let missing = || refused(Errno::EBADF, format!("{what}: handle {} is not open", handle.0));
        self.objects.get(handle).ok_or_else(missing)
    }

    /// Does something with the map behind a handle.
    fn with_map<T>(
        &self,
        handle: Handle,
        what: &str,
        act: impl FnOnce(&OpenMap) -> Result<T>,
    ) -> Result<T> {
        match &*self.object(handle, what)? {
            Object::Map(map) => act(map),
            other @ (Object::Prog(_) | Object::Btf(_) | Object::Link(_)) => {
                Err(wrong_kind(what, handle, other, "map"))
            }
        }
    }

    /// Does something with the program behind a handle.
    fn with_prog<T>(
        &self,
        handle: Handle,
        what: &str,
        act: impl FnOnce(&OwnedFd) -> Result<T>,
    ) -> Result<T> {
        match &*self.object(handle, what)? {
            Object::Prog(fd) => act(fd),
            other @ (Object::Map(_) | Object::Btf(_) | Object::Link(_)) => {
                Err(wrong_kind(what, handle, other, "program"))
            }
        }
    }

    /// The descriptor behind a handle, as a number for another command.
    fn descriptor(&self, handle: Handle, what: &str) -> Result<u32> {
        let object = self.object(handle, what)?;
        // Descriptors of open files are not negative.
        Ok(u32::try_from(object.as_fd().as_raw_fd()).unwrap_or(u32::MAX))
    }
}

fn wrong_kind(what: &str, handle: Handle, found: &Object, wanted: &str) -> skep_command::Error {
    let found = found.kind();
    refused(Errno::EINVAL, format!("{what}: handle {} is a {found}, not a {wanted}", handle.0))
}

/// The name as the kernel takes it.
fn checked_name(name: &str, what: &str) -> Result<[u8; skep_command::attr::NAME_BYTES]> {
    name_field(name).ok_or_else(|| {
        refused(Errno::EINVAL, format!("{what}: the name is no name for the kernel"))
            .with_help("use at most 15 letters, digits, underscores and dots")
    })
}

impl Engine for LinuxEngine {
    fn kind(&self) -> EngineKind {
        EngineKind::Linux
    }

    fn possible_cpus(&self) -> u32 {
        self.possible_cpus
    }

    fn map_create(&self, create: &MapCreate<'_>) -> Result<Handle> {
        let what = format!("create map \"{}\" of type {}", create.name, create.map_type);
        let descriptor =
            |handle: Option<Handle>| handle.map_or(Ok(0), |handle| self.descriptor(handle, &what));
        let attr = map::Create {
            map_type: create.map_type.number(),
            key_size: create.key_size,
            value_size: create.value_size,
            max_entries: create.max_entries,
            map_flags: create.flags,
            inner_map_fd: descriptor(create.inner)?,
            numa_node: create.numa_node.unwrap_or(0),
            map_name: checked_name(create.name, &what)?,
            btf_fd: descriptor(create.btf.map(|btf| btf.btf))?,
            btf_key_type_id: create.btf.map_or(0, |btf| btf.key_type_id),
            btf_value_type_id: create.btf.map_or(0, |btf| btf.value_type_id),
            map_extra: create.extra,
            ..Default::default()
        };
        let fd = sys::map::create(attr).map_err(|errno| {
            // The kernel gives no reason; the rules of the type have one, mostly.
            let MapCreate { key_size, value_size, max_entries, flags, .. } = *create;
            let shape =
                map_rules::of(create.map_type).check(key_size, value_size, max_entries, flags);
            match shape {
                Err(reason) => refused(errno, format!("{what}: {reason}")),
                Ok(()) => refused(errno, what.as_str()),
            }
        })?;
        let open = OpenMap::new(fd, self.possible_cpus).attempt(|| what.clone())?;
        if open.map_type == MapType::PerfEventArray {
            open.open_perf_rings().attempt(|| format!("{what}: open its perf events"))?;
        }
        Ok(self.objects.add(Object::Map(open)))
    }

    fn map_lookup(&self, map: Handle, key: &[u8], flags: u64) -> Result<Vec<u8>> {
        self.with_map(map, "look up element", |open| {
            open.map.lookup(key, flags).attempt(|| sized("look up element", open, key, None))
        })
    }

    fn map_update(&self, map: Handle, key: &[u8], value: &[u8], flags: u64) -> Result<()> {
        self.with_map(map, "update element", |open| {
            let what = || sized("update element", open, key, Some(value));
            open.map.update(key, value, flags).attempt(what)
        })
    }

    fn map_delete(&self, map: Handle, key: &[u8]) -> Result<()> {
        self.with_map(map, "delete element", |open| {
            open.map.delete(key).attempt(|| sized("delete element", open, key, None))
        })
    }

    fn map_next_key(&self, map: Handle, key: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        let what = "find next key";
        self.with_map(map, what, |open| match open.map.next_key(key) {
            Ok(next) => Ok(Some(next)),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(refused(errno, sized(what, open, key.unwrap_or_default(), None))),
        })
    }

    fn map_freeze(&self, map: Handle) -> Result<()> {
        self.with_map(map, "freeze map", |open| {
            open.map.freeze().attempt(|| "freeze map".to_owned())
        })
    }

    fn map_info(&self, map: Handle) -> Result<MapInfo> {
        self.with_map(map, "ask about map", |open| {
            let info = open.map.info().attempt(|| "ask about map".to_owned())?;
            Ok(MapInfo {
                id: info.id,
                name: name_of(&info.name),
                map_type: open.map_type,
                key_size: info.key_size,
                value_size: info.value_size,
                max_entries: info.max_entries,
                flags: info.map_flags,
                frozen: is_frozen(open),
            })
        })
    }

    fn map_consume(&self, map: Handle, sink: &mut EventSink<'_>) -> Result<usize> {
        let what = "read events";
        self.with_map(map, what, |open| {
            let mut events = open.events();
            if matches!(*events, Events::None) && open.map_type == MapType::Ringbuf {
                let ring = Ring::new(open.map.fd().as_fd(), open.max_entries);
                *events = Events::Ring(ring.attempt(|| format!("{what}: map the ring buffer"))?);
            }
            match &mut *events {
                Events::Ring(ring) => Ok(ring.consume(sink)),
                Events::Perf(rings) => Ok(rings.iter_mut().map(|ring| ring.consume(sink)).sum()),
                Events::None => {
                    let reason = format!("{what}: this {} has none to read here", open.map_type);
                    Err(refused(Errno::EOPNOTSUPP, reason))
                }
            }
        })
    }

    fn btf_load(&self, btf: &[u8]) -> Result<Handle> {
        let fd = load::btf(btf)?;
        Ok(self.objects.add(Object::Btf(fd)))
    }

    fn prog_load(&self, prog: &ProgLoad<'_>) -> Result<ProgLoaded> {
        let what = format!("load program \"{}\" of type {}", prog.name, prog.prog_type);
        let descriptor =
            |handle: Option<Handle>| handle.map_or(Ok(0), |handle| self.descriptor(handle, &what));
        let attr = prog::Load {
            prog_type: prog.prog_type.number(),
            log_level: prog.log_level,
            kern_version: prog.kern_version,
            prog_flags: prog.flags,
            prog_name: checked_name(prog.name, &what)?,
            prog_ifindex: prog.ifindex,
            expected_attach_type: prog.expected_attach_type.map_or(0, |attach| attach.number()),
            prog_btf_fd: descriptor(prog.btf.map(|btf| btf.btf))?,
            attach_btf_id: prog.attach_btf_id,
            attach_prog_fd: descriptor(prog.attach_to)?,
            ..Default::default()
        };
        let (fd, log) = load::prog(&what, attr, prog)?;
        Ok(ProgLoaded { handle: self.objects.add(Object::Prog(fd)), log })
    }

    fn prog_info(&self, prog: Handle) -> Result<ProgInfo> {
        let what = "ask about program";
        self.with_prog(prog, what, |fd| {
            let (info, map_ids) = sys::prog::info(fd.as_fd()).attempt(|| what.to_owned())?;
            let prog_type = ProgType::from_u32(info.prog_type).ok_or_else(|| {
                refused(Errno::EINVAL, format!("{what}: unknown type {}", info.prog_type))
            })?;
            Ok(ProgInfo { id: info.id, name: name_of(&info.name), prog_type, map_ids })
        })
    }

    fn prog_test_run(&self, prog: Handle, run: &TestRun<'_>) -> Result<TestRunReply> {
        let what = "test run";
        let others = match run.semantics {
            Semantics::TestRun => None,
            Semantics::Device => Some("as on a device"),
            Semantics::Capture(_) => Some("as in a capture"),
        };
        if let Some(others) = others {
            return Err(refused(Errno::EOPNOTSUPP, format!("{what} {others}"))
                .with_help("the kernel has its own semantics of test runs only"));
        }
        self.with_prog(prog, what, |fd| {
            let mut data = vec![0; run.data_out_capacity];
            let mut ctx = vec![0; run.ctx.len()];
            let ask = prog::TestRun {
                repeat: run.repeat,
                flags: run.flags,
                cpu: run.cpu,
                ..Default::default()
            };
            let buffers = sys::prog::Buffers {
                data_in: run.data,
                data_out: &mut data,
                ctx_in: run.ctx,
                ctx_out: &mut ctx,
            };
            let reply = sys::prog::test_run(fd.as_fd(), &ask, buffers)
                .attempt(|| format!("{what} on {} bytes", run.data.len()))?;
            data.truncate(reply.data_size_out as usize);
            ctx.truncate(reply.ctx_size_out as usize);
            Ok(TestRunReply { retval: reply.retval, duration_ns: reply.duration, data, ctx })
        })
    }

    fn obj_pin(&self, object: Handle, path: &str) -> Result<()> {
        let what = || format!("pin {path}");
        let name = c_path(path, &what())?;
        let object = self.object(object, &what())?;
        sys::pin::pin(object.as_fd(), &name).attempt(what)
    }

    fn obj_get(&self, path: &str) -> Result<Handle> {
        let what = || format!("open {path}");
        let fd = sys::pin::get(&c_path(path, &what())?).attempt(what)?;
        let object = match link_text(&fd).as_deref() {
            Some("anon_inode:bpf-map") => {
                Object::Map(OpenMap::new(fd, self.possible_cpus).attempt(what)?)
            }
            Some("anon_inode:bpf-prog") => Object::Prog(fd),
            Some("anon_inode:bpf_link" | "anon_inode:bpf-link") => Object::Link(fd),
            other => {
                let found = other.unwrap_or("nothing").to_owned();
                return Err(refused(Errno::EINVAL, format!("{}: it is {found}", what())));
            }
        };
        Ok(self.objects.add(object))
    }

    fn close(&self, handle: Handle) {
        self.objects.remove(handle);
    }
}

/// A path as a C string.
fn c_path(path: &str, what: &str) -> Result<CString> {
    CString::new(path).map_err(|_| refused(Errno::EINVAL, format!("{what}: zero byte in the path")))
}

/// What was attempted on an element, with the sizes where these do not fit.
fn sized(what: &str, open: &OpenMap, key: &[u8], value: Option<&[u8]>) -> String {
    let (key_bytes, value_bytes) = open.map.sizes();
    if key.len() != key_bytes {
        return format!("{what}: the key has {} bytes, the map's have {key_bytes}", key.len());
    }
    match value {
        Some(value) if value.len() != value_bytes => {
            format!("{what}: the value has {} bytes, the map's have {value_bytes}", value.len())
        }
        Some(_) | None => what.to_owned(),
    }
}

/// What procfs says that a descriptor is.
fn link_text(fd: &OwnedFd) -> Option<String> {
    let target = fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).ok()?;
    Some(target.to_string_lossy().into_owned())
}

/// Whether procfs says that a map is frozen, which its info does not.
fn is_frozen(open: &OpenMap) -> bool {
    let path = format!("/proc/self/fdinfo/{}", open.map.fd().as_raw_fd());
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| line.strip_prefix("frozen:")).any(|value| value.trim() == "1")
}
