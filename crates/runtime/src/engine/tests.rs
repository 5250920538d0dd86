//! Commands on objects: what they give, and the errnos of their nearest misuse.

use std::sync::Arc;

use skep_command::map::MapCreate;
use skep_command::prog::{ProgLoad, Semantics, TestRun};
use skep_command::{Engine, Errno, Handle, Result};
use skep_spec::abi::{MapType, ProgType};
use skep_spec::asm::assemble;

use super::{Options, UserEngine};
use crate::world::FixedWorld;

fn engine() -> UserEngine {
    UserEngine::new(Arc::new(FixedWorld::new(0, 1)))
}

/// An engine that takes what the verifier does not.
fn trusting() -> UserEngine {
    let options = Options { unverified: true, ..Options::default() };
    UserEngine::with_options(Arc::new(FixedWorld::new(0, 1)), options)
}

fn create(engine: &UserEngine, map_type: MapType, value_size: u32, max_entries: u32) -> Handle {
    let create = MapCreate {
        name: "map",
        map_type,
        key_size: 4,
        value_size,
        max_entries,
        flags: 0,
        extra: 0,
        inner: None,
        numa_node: None,
        btf: None,
    };
    engine.map_create(&create).unwrap()
}

fn load(engine: &UserEngine, prog_type: ProgType, name: &str, text: &str) -> Result<Handle> {
    let code = assemble(text).unwrap();
    let load = ProgLoad::new(name, prog_type, &code);
    engine.prog_load(&load).map(|loaded| loaded.handle)
}

fn run(engine: &UserEngine, prog: Handle) -> Result<u32> {
    let run = TestRun {
        data: &[0; 64],
        data_out_capacity: 0,
        ctx: &[],
        repeat: 1,
        flags: 0,
        cpu: 0,
        semantics: Semantics::TestRun,
    };
    engine.prog_test_run(prog, &run).map(|reply| reply.retval)
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, errno: Errno, message: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.errno, errno, "{error}");
    assert!(error.to_string().contains(message), "{error}");
}

/// `u32` as the bytes of a key or value.
fn bytes(number: u32) -> [u8; 4] {
    number.to_ne_bytes()
}

fn fd(handle: Handle) -> [u8; 4] {
    handle.0.to_ne_bytes()
}

#[test]
fn handles() {
    let engine = engine();
    let first = create(&engine, MapType::Array, 4, 1);
    let second = create(&engine, MapType::Array, 4, 1);
    assert_eq!((first, second), (Handle(3), Handle(4)));
    engine.close(first);
    refused(engine.map_info(first), Errno::EBADF, "handle 3 is not open");
    assert_eq!(create(&engine, MapType::Array, 4, 1), first);
    assert_eq!(create(&engine, MapType::Array, 4, 1), Handle(5));
    refused(engine.prog_info(first), Errno::EINVAL, "handle 3 is a map, a program is needed");
    engine.close(Handle(99));
}

#[test]
fn pins() {
    let engine = engine();
    let map = create(&engine, MapType::Array, 4, 1);
    engine.map_update(map, &bytes(0), &bytes(7), 0).unwrap();
    engine.obj_pin(map, "/run/map").unwrap();
    refused(engine.obj_pin(map, "/run/map"), Errno::EEXIST, "something is pinned");
    engine.close(map);
    let again = engine.obj_get("/run/map").unwrap();
    assert_eq!(engine.map_lookup(again, &bytes(0), 0).unwrap(), bytes(7));
    refused(engine.obj_get("/run/other"), Errno::ENOENT, "nothing is pinned");
    refused(engine.obj_pin(Handle(77), "/run/x"), Errno::EBADF, "not open");
}

#[test]
fn loading() {
    let engine = engine();
    let refuse = |name, text, errno, message| {
        refused(load(&engine, ProgType::Xdp, name, text), errno, message);
    };
    refuse("sixteen_letters_", "r0 = 0\nexit", Errno::EINVAL, "16 bytes, more than 15");
    refuse("a b", "r0 = 0\nexit", Errno::EINVAL, "the name has a ' '");
    refuse(
        "map",
        "r0 = map[fd:3]\nexit",
        Errno::EBADF,
        "load program \"map\": handle 3 is not open",
    );
    refuse("jump", "goto pc+1\nexit", Errno::EINVAL, "jump out of range from insn 0 to 2");
    refuse("helper", "call 4711\nexit", Errno::EINVAL, "invalid func unknown#4711");
    refuse("cast", "r1 = addr_space_cast(r1, 0, 1)\nexit", Errno::EOPNOTSUPP, "arenas");

    let map = create(&engine, MapType::Array, 8, 1);
    assert_eq!(map, Handle(3));
    let prog = load(&engine, ProgType::Xdp, "ok.1", "r0 = map[fd:3]\nr0 = 2\nexit").unwrap();
    let info = engine.prog_info(prog).unwrap();
    assert_eq!((info.name.as_str(), info.map_ids.len()), ("ok.1", 1));
    refuse(
        "off",
        "r0 = map[fd:3][0]+8\nexit",
        Errno::EINVAL,
        "invalid access to map value pointer, value_size=8 off=8",
    );
    load(&engine, ProgType::Xdp, "off", "r0 = map[fd:3][0]+7\nr0 = 0\nexit").unwrap();
}

#[test]
fn verification() {
    let refuse = |text: &str, errno, message: &str| {
        let engine = engine();
        create(&engine, MapType::Array, 8, 1);
        refused(load(&engine, ProgType::Xdp, "refused", text), errno, message);
        let error = load(&engine, ProgType::Xdp, "refused", text).unwrap_err();
        assert!(error.log.is_some_and(|log| log.contains("processed ")), "{text}");
    };
    refuse("exit", Errno::EACCES, "load program \"refused\": rejected: R0 !read_ok");
    refuse("r0 = *(u64 *)(r1 +3)\nexit", Errno::EACCES, "rejected: invalid bpf_context access");
    refuse("r0 = 1\nr0 /= 0\nexit", Errno::EINVAL, "rejected: div by zero");
    let past = "r1 = map[fd:3][0]+4\nr0 = *(u64 *)(r1 +0)\nexit";
    refuse(past, Errno::EACCES, "rejected: R1 min value is outside of the allowed memory range");
    refuse("may_goto +0\nr0 = 0\nexit", Errno::EOPNOTSUPP, "not verified: it uses may_goto");
    let engine = trusting();
    load(&engine, ProgType::Xdp, "trusted", "r0 /= 0\nexit").unwrap();
}

#[test]
fn map_values() {
    let engine = trusting();
    let map = create(&engine, MapType::Array, 8, 1);
    let text = "r1 = map[fd:3][0]+4\nr2 = 5\n*(u32 *)(r1 +0) = r2\nr0 = *(u32 *)(r1 -4)\nexit";
    let prog = load(&engine, ProgType::Xdp, "value", text).unwrap();
    engine.map_update(map, &bytes(0), &9u64.to_ne_bytes(), 0).unwrap();
    assert_eq!(run(&engine, prog).unwrap(), 9);
    assert_eq!(engine.map_lookup(map, &bytes(0), 0).unwrap(), (9 | 5u64 << 32).to_ne_bytes());
    let text = "r1 = map[fd:3][0]+4\nr0 = *(u32 *)(r1 +4)\nexit";
    let prog = load(&engine, ProgType::Xdp, "past", text).unwrap();
    let message = "past, instruction 2: read of 4 bytes at";
    refused(run(&engine, prog), Errno::EFAULT, message);
    refused(run(&engine, prog), Errno::EFAULT, "4 bytes past the end of a value of map \"map\"");
}

#[test]
fn tail_calls() {
    let engine = trusting();
    let array = create(&engine, MapType::ProgArray, 4, 4);
    let counter = create(&engine, MapType::Array, 8, 1);
    assert_eq!((array, counter), (Handle(3), Handle(4)));
    // Counts, calls slot 0, and says 77 if that did not work.
    let text = "r6 = r1\nr2 = map[fd:4][0]+0\nr3 = 1\nlock *(u64 *)(r2 +0) += r3\n\
                r2 = map[fd:3]\nr3 = 0\ncall bpf_tail_call\nr0 = 77\nexit";
    let endless = load(&engine, ProgType::Xdp, "endless", text).unwrap();
    assert_eq!(run(&engine, endless).unwrap(), 77);
    engine.map_update(array, &bytes(0), &fd(endless), 0).unwrap();
    engine.map_update(counter, &bytes(0), &0u64.to_ne_bytes(), 0).unwrap();
    assert_eq!(run(&engine, endless).unwrap(), 77);
    // Thirty-three tail calls after the first run of it.
    assert_eq!(engine.map_lookup(counter, &bytes(0), 0).unwrap(), 34u64.to_ne_bytes());

    // From a function: only its frame is given up, the caller goes on in its own program.
    let leaf = load(&engine, ProgType::Xdp, "leaf", "r0 = 5\nexit").unwrap();
    engine.map_update(array, &bytes(1), &fd(leaf), 0).unwrap();
    let text = "r6 = 10\ncall f\nr0 += r6\nexit\n\
                f:\nr6 = 1\nr2 = map[fd:3]\nr3 = 1\ncall bpf_tail_call\nr0 = 100\nexit";
    let caller = load(&engine, ProgType::Xdp, "caller", text).unwrap();
    assert_eq!(run(&engine, caller).unwrap(), 15);
    engine.map_delete(array, &bytes(1)).unwrap();
    assert_eq!(run(&engine, caller).unwrap(), 110);
    refused(engine.map_delete(array, &bytes(1)), Errno::ENOENT, "delete from");

    // An array is for one type of programs, and takes programs alone.
    let other = load(&engine, ProgType::SchedCls, "other", "r0 = 0\nexit").unwrap();
    refused(engine.map_update(array, &bytes(1), &fd(other), 0), Errno::EINVAL, "update");
    refused(engine.map_update(array, &bytes(1), &fd(array), 0), Errno::EINVAL, "update");
    refused(engine.map_update(array, &bytes(4), &fd(leaf), 0), Errno::E2BIG, "update");
    let text = "r2 = map[fd:3]\nr3 = 0\ncall bpf_tail_call\nr0 = 0\nexit";
    let tc = load(&engine, ProgType::SchedCls, "tc", text);
    refused(tc, Errno::EINVAL, "is not for programs of type sched_cls");

    // It empties with its last handle, although programs use it.
    engine.close(array);
    assert_eq!(run(&engine, endless).unwrap(), 77);
    assert_eq!(engine.map_lookup(counter, &bytes(0), 0).unwrap(), 35u64.to_ne_bytes());
}
