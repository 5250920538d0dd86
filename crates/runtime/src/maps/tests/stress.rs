//! Several threads at once, for a bounded number of steps.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use skep_command::Errno;
use skep_command::map::{Event, MapCreate};
use skep_spec::abi::MapType;

use super::{CPUS, attributes, key, keys, load, value};
use crate::maps::{Map, pin};
use crate::world::Cpu;

const THREADS: u32 = 4;
const STEPS: u32 = 20_000;

fn on_threads(work: impl Fn(u32) + Sync) {
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let work = &work;
            scope.spawn(move || work(thread));
        }
    });
}

fn random(state: &mut u64) -> u32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    u32::try_from(*state >> 33).unwrap()
}

/// Each thread owns some keys and sees of them exactly what it did, whatever others do to theirs in
/// the same buckets; afterwards no element is lost.
#[test]
fn hash_tables_keep_their_promises() {
    const OWN: u32 = 8;
    for (map_type, flags) in [(MapType::Hash, 0), (MapType::Hash, 1), (MapType::PercpuHash, 0)] {
        let size = THREADS * OWN;
        let map = Map::create(1, &MapCreate { flags, ..attributes(map_type, size) }, CPUS).unwrap();
        on_threads(|thread| {
            let cpu = Cpu(thread % CPUS);
            let mut state = u64::from(thread);
            let mut own: [Option<u64>; OWN as usize] = [None; OWN as usize];
            for step in 0..STEPS {
                let n = random(&mut state) % OWN;
                let key = key(thread * OWN + n);
                let own = &mut own[n as usize];
                match random(&mut state) % 8 {
                    0..3 => {
                        let new = u64::from(step);
                        assert_eq!(map.update(cpu, &key, &value(new), 0), Ok(()));
                        *own = Some(new);
                    }
                    3..5 => {
                        let expected = own.take().map(drop).ok_or(Errno::ENOENT);
                        assert_eq!(map.delete(cpu, &key), expected);
                    }
                    _ => {
                        let _held = pin();
                        let found = map.lookup(cpu, &key).map(|address| load(&map, address));
                        assert_eq!(found, *own);
                    }
                }
            }
            for n in 0..OWN {
                let _ = map.delete(cpu, &key(thread * OWN + n));
            }
        });
        assert_eq!(keys(&map), Vec::<Vec<u8>>::new());
        for n in 0..size {
            assert_eq!(map.update(Cpu(0), &key(n), &value(1), 0), Ok(()));
        }
        assert_eq!(map.update(Cpu(0), &key(size), &value(1), 0), Err(Errno::E2BIG));
    }
}

/// Threads that use the same keys: each value that is found is one that was written under its key.
#[test]
fn values_belong_to_their_keys() {
    let lpm = |n: u32| [32u32.to_ne_bytes(), n.to_be_bytes()].concat();
    let plain = |n: u32| key(n).to_vec();
    type MakeKey<'a> = &'a (dyn Fn(u32) -> Vec<u8> + Sync);
    let cases: [(MapType, u32, MakeKey<'_>); 2] =
        [(MapType::Hash, 4, &plain), (MapType::LpmTrie, 8, &lpm)];
    for (map_type, key_size, make_key) in cases {
        let create = MapCreate { flags: 1, key_size, ..attributes(map_type, 64) };
        let map = Map::create(1, &create, CPUS).unwrap();
        on_threads(|thread| {
            let cpu = Cpu(thread % CPUS);
            let mut state = u64::from(thread);
            for step in 0..STEPS {
                let n = random(&mut state) % 48;
                let key = make_key(n);
                let new = u64::from(n) << 32 | u64::from(step);
                match random(&mut state) % 4 {
                    0 => match map.update(cpu, &key, &value(new), 0) {
                        // Removed elements wait for other threads' pins, who may be asleep.
                        Ok(()) | Err(Errno::ENOMEM) => {}
                        Err(errno) => panic!("{errno}"),
                    },
                    1 => drop(map.delete(cpu, &key)),
                    _ => {
                        let _held = pin();
                        let Some(address) = map.lookup(cpu, &key) else { continue };
                        for _ in 0..20 {
                            assert_eq!(load(&map, address) >> 32, u64::from(n));
                        }
                    }
                }
            }
        });
    }
}

#[test]
fn lru_inserts_always_succeed() {
    let map = super::make(MapType::LruHash, 64);
    on_threads(|thread| {
        let cpu = Cpu(thread % CPUS);
        let mut state = u64::from(thread);
        for _ in 0..STEPS {
            let n = random(&mut state) % 256;
            assert_eq!(map.update(cpu, &key(n), &value(n.into()), 0), Ok(()));
            if random(&mut state).is_multiple_of(16) {
                let _ = map.delete(cpu, &key(n));
            }
            map.lookup(cpu, &key(random(&mut state) % 256));
        }
    });
    let left = keys(&map);
    assert!(left.len() <= 64);
    for n in 1000..1064 {
        assert_eq!(map.update(Cpu(0), &key(n), &value(0), 1), Ok(()));
    }
    assert_eq!(keys(&map).len(), 64);
}

/// Each record arrives whole and in its writer's order, or is counted as lost.
#[test]
fn ring_buffers_lose_only_what_they_count() {
    let create = MapCreate { key_size: 0, value_size: 0, ..attributes(MapType::Ringbuf, 4096) };
    let map = Map::create(1, &create, CPUS).unwrap();
    let done = AtomicBool::new(false);
    let mut next = [0u32; THREADS as usize];
    let mut received = 0;
    thread::scope(|scope| {
        let writers = scope.spawn(|| {
            on_threads(|thread| write_records(&map, thread));
            done.store(true, Relaxed);
        });
        let mut read = |map: &Map| {
            map.consume(&mut |event| {
                let Event::Record { cpu: 0, data } = event else { panic!("{event:?}") };
                let words: Vec<_> =
                    data.chunks(4).map(|w| u32::from_ne_bytes(w.try_into().unwrap())).collect();
                let (thread, number) = (words[0], words[1]);
                assert_eq!(words.len(), 2 + number as usize % 40);
                assert!(words[2..].iter().all(|word| *word == number));
                assert!(number >= next[thread as usize]);
                next[thread as usize] = number + 1;
                received += 1;
            })
            .unwrap()
        };
        while !done.load(Relaxed) {
            let seen = map.wakeups();
            if read(&map) == 0 {
                map.wait(seen, std::time::Duration::from_millis(1));
            }
        }
        writers.join().unwrap();
        read(&map);
    });
    assert_eq!(received + map.losses().lost, u64::from(THREADS * STEPS));
    assert!(received > 0);
}

fn write_records(map: &Arc<Map>, thread: u32) {
    for number in 0..STEPS {
        let mut record = vec![thread, number];
        record.resize(2 + number as usize % 40, number);
        let bytes: Vec<u8> = record.iter().flat_map(|word| word.to_ne_bytes()).collect();
        match map.ringbuf_output(&bytes, 0) {
            Ok(()) => {}
            Err(Errno::EAGAIN) => thread::yield_now(),
            Err(errno) => panic!("{errno}"),
        }
    }
}
