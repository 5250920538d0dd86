//! Programs on packets: return values, packets as they are left, and maps.

use std::sync::Arc;

use skep::command::map::Event;
use skep::command::prog::{Semantics, TestRun, TestRunReply};
use skep::command::{Engine, Errno};
use skep::load::{self, Loaded};
use skep::map::Map;
use skep::object::core::CoreTarget;
use skep::program::Program;
use skep::runtime::{FixedWorld, UserEngine};
use skep::spec::abi::MapType;

use crate::frames::{Captured, frames};

/// Runs a program of one of our objects over all frames, in the kernel and in the user engine.
#[track_caller]
fn check(object_name: &str, program_name: &str) {
    check_with_clock(object_name, program_name, |_| None);
}

/// The same for a program whose result depends on the time: `clock` finds out from its maps what
/// the kernel's clock showed in the last run.
#[track_caller]
fn check_with_clock(object_name: &str, program_name: &str, clock: fn(&Loaded) -> Option<u64>) {
    let Some(kernel_engine) = crate::kernel() else { return };
    // Per-CPU maps are compared value by value: the user engine's fixed world is on CPU 0.
    skep_linux::pin_thread(0).unwrap();
    let world = Arc::new(FixedWorld::new(0, 1));
    let user_engine: Arc<dyn Engine> = Arc::new(UserEngine::new(world.clone()));

    let object = crate::object(object_name);
    let types = skep::btf::Btf::parse(&crate::read("/sys/kernel/btf/vmlinux".as_ref())).unwrap();
    let target = CoreTarget::new(&types);
    let options = load::Options { target: Some(&target), ..load::Options::default() };
    let kernel = load::load(&kernel_engine, &object, &options).unwrap();
    let user = load::load(&user_engine, &object, &options).unwrap();

    let (mut kernel_events, mut user_events) = (Vec::new(), Vec::new());
    for (number, frame) in frames().iter().enumerate() {
        let kernel_reply = run(kernel.program(program_name).unwrap(), frame);
        world.set_time_ns(clock(&kernel).unwrap_or(frame.timestamp_ns));
        let user_reply = run(user.program(program_name).unwrap(), frame);
        assert_eq!(kernel_reply, user_reply, "frame {number}, {:02x?}", frame.data);
        kernel_events.extend(events(&kernel));
        user_events.extend(events(&user));
    }
    assert_eq!(kernel_events, user_events, "records of rings");
    for (kernel_map, user_map) in kernel.maps.iter().zip(&user.maps) {
        assert_eq!(contents(kernel_map), contents(user_map), "map {}", kernel_map.name());
    }
}

/// The return value and the packet that is left; the reason, if the engine does not run the program
/// on such a frame.
fn run(program: &Program, frame: &Captured) -> Result<(u32, Vec<u8>), Errno> {
    let run = TestRun {
        data: &frame.data,
        data_out_capacity: frame.data.len() + 4096,
        ctx: &[],
        repeat: 1,
        flags: 0,
        cpu: 0,
        semantics: Semantics::TestRun,
    };
    match program.test_run(&run) {
        Ok(TestRunReply { retval, data, .. }) => Ok((retval, data)),
        Err(skep::Error::Command(error)) if error.errno == Errno::EINVAL => Err(error.errno),
        Err(error) => panic!("{error}: {:02x?}", frame.data),
    }
}

/// The records that wait in the rings, with the rings' names.
fn events(loaded: &Loaded) -> Vec<(String, Vec<u8>)> {
    let mut events = Vec::new();
    for map in loaded.maps.iter().filter(|map| map.is_event_ring()) {
        map.consume(&mut |event| match event {
            Event::Record { cpu: _, data } => events.push((map.name().to_owned(), data.to_vec())),
            Event::Lost { cpu, count } => panic!("CPU {cpu} lost {count} records"),
        })
        .unwrap();
    }
    events
}

/// The entries of a map, by key: engines are free in their order.
fn contents(map: &Map) -> Vec<(Vec<u8>, Vec<Vec<u8>>)> {
    // What is in a program array are ids of each engine's own.
    let is_comparable = map.def().map_type != MapType::ProgArray;
    let entries = map.entries().unwrap().into_iter();
    let mut entries: Vec<_> = entries
        .map(|entry| (entry.key, if is_comparable { entry.values } else { Vec::new() }))
        .collect();
    entries.sort();
    entries
}

#[test]
fn counters() {
    check("counters", "counters");
}

#[test]
fn firewall() {
    check("firewall", "firewall");
}

#[test]
fn layout() {
    check("layout", "report_layout");
}

#[test]
fn parser() {
    check("parser", "parser");
}

#[test]
fn balancer() {
    check("balancer", "balancer");
}

#[test]
fn dns() {
    check("dns", "dns");
}

#[test]
fn tunnel() {
    check("tunnel", "tunnel");
}

#[test]
fn spin() {
    check("spin", "spin");
}

#[test]
fn tail_calls() {
    check("tailcall", "dispatch");
}

/// Its buckets hold the time at which each was filled up last; the latest is the run's.
#[test]
fn ratelimit() {
    check_with_clock("ratelimit", "ratelimit", |loaded| {
        let entries = loaded.map("buckets").unwrap().entries().unwrap();
        let refilled_ns = |value: &Vec<u8>| u64::from_ne_bytes(value[..8].try_into().unwrap());
        entries.iter().flat_map(|entry| &entry.values).map(refilled_ns).max()
    });
}
