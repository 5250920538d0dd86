//! The commands, against the running kernel. Without privileges, counted skips.

mod common;

use std::process::Command;

use common::{code, kernel, map, prog};
use skep_command::map::{Event, MapCreate};
use skep_command::prog::{ProgLoad, Semantics, TestRun};
use skep_command::{Engine, Errno, Handle};
use skep_spec::abi::flags::update;
use skep_spec::abi::{MapType, ProgType};

/// A run of a program on a packet.
fn run(data: &[u8]) -> TestRun<'_> {
    TestRun {
        data,
        data_out_capacity: 4096,
        ctx: &[],
        repeat: 1,
        flags: 0,
        cpu: 0,
        semantics: Semantics::TestRun,
    }
}

#[test]
fn elements_come_and_go() {
    let Some(engine) = kernel("elements_come_and_go") else { return };
    let hash = engine.map_create(&map(MapType::Hash, 4, 8, 2)).unwrap();
    let (one, two) = (1_u32.to_ne_bytes(), 2_u32.to_ne_bytes());
    engine.map_update(hash, &one, &[7; 8], update::NOEXIST).unwrap();
    let again = engine.map_update(hash, &one, &[8; 8], update::NOEXIST).unwrap_err();
    assert_eq!(again.errno, Errno::EEXIST);
    assert_eq!(again.to_string(), "update element: EEXIST, exists already (linux engine)");
    assert_eq!(engine.map_lookup(hash, &one, 0).unwrap(), [7; 8]);
    assert_eq!(engine.map_lookup(hash, &two, 0).unwrap_err().errno, Errno::ENOENT);

    assert_eq!(engine.map_next_key(hash, None).unwrap(), Some(one.to_vec()));
    assert_eq!(engine.map_next_key(hash, Some(&one)).unwrap(), None);
    engine.map_delete(hash, &one).unwrap();
    assert_eq!(engine.map_next_key(hash, None).unwrap(), None);
}

#[test]
fn sizes_are_checked_before_the_kernel_reads() {
    let Some(engine) = kernel("sizes_are_checked_before_the_kernel_reads") else { return };
    let array = engine.map_create(&map(MapType::Array, 4, 8, 1)).unwrap();
    let error = engine.map_lookup(array, &[0; 3], 0).unwrap_err();
    assert_eq!(error.errno, Errno::EINVAL);
    assert_eq!(error.what, "look up element: the key has 3 bytes, the map's have 4");
    let error = engine.map_update(array, &[0; 4], &[0; 9], 0).unwrap_err();
    assert_eq!(error.what, "update element: the value has 9 bytes, the map's have 8");
}

#[test]
fn per_cpu_values_are_those_of_all_cpus() {
    let Some(engine) = kernel("per_cpu_values_are_those_of_all_cpus") else { return };
    let array = engine.map_create(&map(MapType::PercpuArray, 4, 4, 1)).unwrap();
    let cpus = engine.possible_cpus() as usize;
    let mut values = vec![0; 8 * cpus];
    for (cpu, value) in values.chunks_mut(8).enumerate() {
        value[0] = u8::try_from(cpu + 1).unwrap();
    }
    engine.map_update(array, &[0; 4], &values, 0).unwrap();
    assert_eq!(engine.map_lookup(array, &[0; 4], 0).unwrap(), values);
}

#[test]
fn a_shape_that_is_refused_is_explained() {
    let Some(engine) = kernel("a_shape_that_is_refused_is_explained") else { return };
    let error = engine.map_create(&map(MapType::Array, 8, 4, 1)).unwrap_err();
    assert_eq!(error.errno, Errno::EINVAL);
    assert_eq!(error.what, "create map \"\" of type array: key_size is 8, array takes 4");
    let named = MapCreate { name: "a name with spaces", ..map(MapType::Array, 4, 4, 1) };
    assert!(engine.map_create(&named).unwrap_err().help.unwrap().contains("15 letters"));
}

#[test]
fn what_a_map_is() {
    let Some(engine) = kernel("what_a_map_is") else { return };
    let named = MapCreate { name: "flows.v4", ..map(MapType::LruHash, 16, 32, 64) };
    let handle = engine.map_create(&named).unwrap();
    let info = engine.map_info(handle).unwrap();
    assert_eq!((info.name.as_str(), info.map_type), ("flows.v4", MapType::LruHash));
    assert_eq!((info.key_size, info.value_size, info.max_entries), (16, 32, 64));
    assert!(!info.frozen);
    engine.map_freeze(handle).unwrap();
    assert!(engine.map_info(handle).unwrap().frozen);
    let error = engine.map_update(handle, &[0; 16], &[0; 32], 0).unwrap_err();
    assert_eq!(error.errno, Errno::EPERM);
}

#[test]
fn closed_and_wrong_handles() {
    let Some(engine) = kernel("closed_and_wrong_handles") else { return };
    let array = engine.map_create(&map(MapType::Array, 4, 4, 1)).unwrap();
    engine.close(array);
    engine.close(array);
    assert_eq!(engine.map_info(array).unwrap_err().errno, Errno::EBADF);
    let accept = code("r0 = 2\nexit");
    let program = engine.prog_load(&prog(&accept, ProgType::Xdp, None)).unwrap().handle;
    let error = engine.map_info(program).unwrap_err();
    assert!(error.what.ends_with("is a program, not a map"), "{}", error.what);
}

#[test]
fn a_program_runs() {
    let Some(engine) = kernel("a_program_runs") else { return };
    let array = engine.map_create(&map(MapType::Array, 4, 8, 1)).unwrap();
    let source = format!(
        "r6 = r1
        *(u32 *)(r10 -4) = 0
        r2 = r10
        r2 += -4
        r1 = map[fd:{}]
        call bpf_map_lookup_elem#1
        if r0 == 0x0 goto out
        r1 = 1
        lock *(u64 *)(r0 +0) += r1
        r1 = r6
        r2 = 4
        call bpf_xdp_adjust_head#44
        out:
        r0 = 2
        exit",
        array.0
    );
    let counter = code(&source);
    let load = ProgLoad { name: "counter", ..prog(&counter, ProgType::Xdp, None) };
    let loaded = engine.prog_load(&load).unwrap();
    assert_eq!(loaded.log, "");

    let packet: Vec<u8> = (0..64).collect();
    let reply = engine.prog_test_run(loaded.handle, &run(&packet)).unwrap();
    assert_eq!(reply.retval, 2);
    assert_eq!(reply.data, packet[4..]);
    engine.prog_test_run(loaded.handle, &TestRun { repeat: 9, ..run(&packet) }).unwrap();
    assert_eq!(engine.map_lookup(array, &[0; 4], 0).unwrap(), 10_u64.to_ne_bytes());

    let info = engine.prog_info(loaded.handle).unwrap();
    assert_eq!((info.name.as_str(), info.prog_type), ("counter", ProgType::Xdp));
    assert_eq!(info.map_ids, [engine.map_info(array).unwrap().id]);

    let short = engine.prog_test_run(loaded.handle, &run(&packet[..13])).unwrap_err();
    assert_eq!(short.errno, Errno::EINVAL);
    let device = TestRun { semantics: Semantics::Device, ..run(&packet) };
    let device = engine.prog_test_run(loaded.handle, &device).unwrap_err();
    assert_eq!(device.errno, Errno::EOPNOTSUPP);
}

#[test]
fn the_context_goes_in_and_comes_out() {
    let Some(engine) = kernel("the_context_goes_in_and_comes_out") else { return };
    let marker = code("r0 = *(u32 *)(r1 +48)\nr0 += 1\n*(u32 *)(r1 +48) = r0\nr0 = 0\nexit");
    let program = engine.prog_load(&prog(&marker, ProgType::SchedCls, None)).unwrap().handle;
    let mut ctx = [0; 192];
    ctx[48] = 41;
    let reply = engine.prog_test_run(program, &TestRun { ctx: &ctx, ..run(&[0; 64]) }).unwrap();
    assert_eq!(reply.ctx[48], 42);
}

#[test]
fn a_rejection_comes_with_the_log() {
    let Some(engine) = kernel("a_rejection_comes_with_the_log") else { return };
    let empty = code("exit");
    let error = engine.prog_load(&prog(&empty, ProgType::SocketFilter, None)).unwrap_err();
    assert!(error.errno == Errno::EACCES || error.errno == Errno::EINVAL);
    assert!(error.log.unwrap().contains("R0 !read_ok"));
}

#[test]
fn a_log_is_as_long_as_it_is() {
    let Some(engine) = kernel("a_log_is_as_long_as_it_is") else { return };
    // Each instruction takes a line of the log, which is more than the first room for it.
    let long = code(&format!("r0 = 0\n{}exit", "r0 += 1\n".repeat(4000)));
    let load = ProgLoad { log_level: 2, ..prog(&long, ProgType::SocketFilter, None) };
    let log = engine.prog_load(&load).unwrap().log;
    assert!(log.len() > 100_000, "{}", log.len());
    assert!(log.trim_end().lines().last().unwrap().starts_with("processed 4002 insns"));
}

#[test]
fn ring_buffer_records() {
    let Some(engine) = kernel("ring_buffer_records") else { return };
    let ring = engine.map_create(&map(MapType::Ringbuf, 0, 0, 4096)).unwrap();
    let source = format!(
        "r1 = 0x1122334455667788 ll
        *(u64 *)(r10 -8) = r1
        r1 = map[fd:{}]
        r2 = r10
        r2 += -8
        r3 = 5
        r4 = 0
        call bpf_ringbuf_output#130
        r0 = 2
        exit",
        ring.0
    );
    let code = code(&source);
    let program = engine.prog_load(&prog(&code, ProgType::Xdp, None)).unwrap().handle;
    // More than the ring holds in all, so that records wrap around.
    for _ in 0..10 {
        engine.prog_test_run(program, &TestRun { repeat: 100, ..run(&[0; 64]) }).unwrap();
        assert_eq!(records(&engine, ring), vec![vec![0x88, 0x77, 0x66, 0x55, 0x44]; 100]);
    }
    assert!(records(&engine, ring).is_empty());
}

#[test]
fn perf_events() {
    let Some(engine) = kernel("perf_events") else { return };
    let cpus = engine.possible_cpus();
    let array = match engine.map_create(&map(MapType::PerfEventArray, 4, 4, cpus)) {
        Ok(array) => array,
        Err(error) if error.errno == Errno::EACCES => {
            return testkit::skip(&format!("perf_events: {error}"));
        }
        Err(error) => panic!("{error}"),
    };
    let source = format!(
        "*(u64 *)(r10 -8) = 7
        r2 = map[fd:{}]
        r3 = 0xffffffff ll
        r4 = r10
        r4 += -8
        r5 = 8
        call bpf_perf_event_output#25
        r0 = 2
        exit",
        array.0
    );
    let code = code(&source);
    let program = engine.prog_load(&prog(&code, ProgType::Xdp, None)).unwrap().handle;
    engine.prog_test_run(program, &TestRun { repeat: 3, ..run(&[0; 64]) }).unwrap();
    let found = records(&engine, array);
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|data| data.starts_with(&7_u64.to_ne_bytes())), "{found:?}");
}

/// The records that wait in a map.
fn records(engine: &impl Engine, map: Handle) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let count = engine.map_consume(map, &mut |event| match event {
        Event::Record { data, .. } => found.push(data.to_vec()),
        Event::Lost { count, .. } => panic!("{count} records lost"),
    });
    assert_eq!(count, Ok(found.len()));
    found
}

#[test]
fn pins_outlive_handles() {
    let Some(engine) = kernel("pins_outlive_handles") else { return };
    let dir = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount").args(["-t", "bpf", "bpf"]).arg(dir.path()).status();
    if !mounted.is_ok_and(|status| status.success()) {
        return testkit::skip("pins_outlive_handles: cannot mount bpffs");
    }
    let path = dir.path().join("map");
    let path = path.to_str().unwrap();
    let array = engine.map_create(&map(MapType::Array, 4, 4, 1)).unwrap();
    engine.map_update(array, &[0; 4], &[9; 4], 0).unwrap();
    let pinned = engine.obj_pin(array, path);
    engine.close(array);
    let again = engine.obj_get(path);
    let value = again.as_ref().map(|again| engine.map_lookup(*again, &[0; 4], 0));
    let missing = engine.obj_get(dir.path().join("none").to_str().unwrap());
    let unmounted = Command::new("umount").arg(dir.path()).status();

    pinned.unwrap();
    assert_eq!(value.unwrap().unwrap(), [9; 4]);
    assert_eq!(missing.unwrap_err().errno, Errno::ENOENT);
    assert!(unmounted.unwrap().success());
}

#[test]
fn broken_btf_is_refused_with_the_log() {
    let Some(engine) = kernel("broken_btf_is_refused_with_the_log") else { return };
    let error = engine.btf_load(&[0x9f, 0xeb, 1, 0, 24, 0, 0, 0]).unwrap_err();
    assert_eq!(error.errno, Errno::EINVAL);
    assert!(error.log.is_some_and(|log| !log.is_empty()));
}
