//! Ring buffers and perf event arrays.

use std::sync::Arc;
use std::time::Duration;

use skep_command::Errno;
use skep_command::map::{Event, MapCreate};
use skep_spec::abi::MapType;

use super::{CPUS, attributes};
use crate::maps::Map;
use crate::world::Cpu;

fn ringbuf(size: u32) -> Arc<Map> {
    let create = MapCreate { key_size: 0, value_size: 0, ..attributes(MapType::Ringbuf, size) };
    Map::create(1, &create, CPUS).unwrap()
}

fn perf_event_array(places: u32) -> Arc<Map> {
    let create = MapCreate { value_size: 4, ..attributes(MapType::PerfEventArray, places) };
    Map::create(1, &create, CPUS).unwrap()
}

/// CPU and bytes.
type Record = (u32, Vec<u8>);

/// What a reader gets: each record as its CPU and bytes, each loss as its CPU and number.
fn read(map: &Map) -> (Vec<Record>, Vec<(u32, u64)>) {
    let (mut records, mut lost) = (Vec::new(), Vec::new());
    let count = map.consume(&mut |event| match event {
        Event::Record { cpu, data } => records.push((cpu, data.to_vec())),
        Event::Lost { cpu, count } => lost.push((cpu, count)),
    });
    assert_eq!(count, Ok(records.len()));
    (records, lost)
}

fn records(map: &Map) -> Vec<Vec<u8>> {
    read(map).0.into_iter().map(|(_, data)| data).collect()
}

#[test]
fn records_come_in_order() {
    let map = ringbuf(4096);
    assert_eq!(map.ringbuf_output(b"one", 0), Ok(()));
    assert_eq!(map.ringbuf_output(b"twelve bytes", 0), Ok(()));
    assert_eq!(map.ringbuf_output(b"", 0), Ok(()));
    assert_eq!(map.ringbuf_query(0), Ok(16 + 24 + 8));
    assert_eq!(records(&map), [b"one".to_vec(), b"twelve bytes".to_vec(), vec![]]);
    assert_eq!(records(&map), Vec::<Vec<u8>>::new());
    assert_eq!(map.ringbuf_query(0), Ok(0));
    assert_eq!(map.ringbuf_query(1), Ok(4096));
    assert_eq!((map.ringbuf_query(2), map.ringbuf_query(3)), (Ok(48), Ok(48)));
    assert_eq!(map.ringbuf_query(4), Ok(0));
    assert_eq!(map.ringbuf_output(b"", 4), Err(Errno::EINVAL));
}

/// A record that is not finished holds back those behind it.
#[test]
fn busy_records_block() {
    let map = ringbuf(4096);
    let first = map.ringbuf_reserve(8, 0).unwrap().unwrap();
    let second = map.ringbuf_reserve(16, 0).unwrap().unwrap();
    assert_eq!(second.addr(), first.addr() + 16);
    assert_eq!(map.ringbuf_output(b"third", 0), Ok(()));
    assert_eq!(map.ringbuf_submit(second.addr(), 0), Ok(()));
    assert_eq!(records(&map), Vec::<Vec<u8>>::new());
    assert_eq!(map.ringbuf_discard(first.addr(), 0), Ok(()));
    assert_eq!(records(&map), [vec![0; 16], b"third".to_vec()]);
    assert_eq!(map.ringbuf_submit(first.addr(), 0), Err(Errno::EINVAL));
    assert_eq!(map.ringbuf_submit(first.addr() + 1, 0), Err(Errno::EINVAL));
    assert_eq!(map.ringbuf_submit(0, 0), Err(Errno::EINVAL));
}

#[test]
fn full_rings_count_losses() {
    let map = ringbuf(4096);
    // 4096 - 8 bytes of data would fill the ring to the last byte, which is never done.
    assert!(map.ringbuf_reserve(4088, 0).unwrap().is_none());
    let all = map.ringbuf_reserve(4080, 0).unwrap().unwrap();
    assert_eq!(map.ringbuf_output(b"", 0), Err(Errno::EAGAIN));
    assert!(map.ringbuf_reserve(1, 1).unwrap().is_none());
    assert!(map.ringbuf_reserve(u64::MAX, 0).unwrap().is_none());
    assert_eq!(map.losses().lost, 4);
    assert_eq!(map.ringbuf_submit(all.addr(), 0), Ok(()));
    assert_eq!(records(&map), [vec![0; 4080]]);
    assert_eq!(map.ringbuf_output(b"", 0), Ok(()));
}

/// Records lie in one piece, also those that begin near the end of the ring.
#[test]
fn records_wrap() {
    let map = ringbuf(4096);
    for round in 0..200u8 {
        let record = vec![round; 1000];
        assert_eq!(map.ringbuf_output(&record, 0), Ok(()));
        assert_eq!(map.ringbuf_output(&[round], 0), Ok(()));
        assert_eq!(records(&map), [record, vec![round]]);
    }
}

/// The reader is woken when it may be asleep: if it had read all there was.
#[test]
fn wakeups() {
    let map = ringbuf(4096);
    let count = |flags| {
        let before = map.wakeups();
        assert_eq!(map.ringbuf_output(b"record", flags), Ok(()));
        map.wakeups() - before
    };
    assert_eq!(count(0), 1);
    assert_eq!(count(0), 0);
    assert_eq!(count(2), 1);
    assert_eq!(records(&map).len(), 3);
    assert_eq!(count(1), 0);
    assert_eq!(records(&map).len(), 1);
    assert_eq!(count(0), 1);
    let seen = map.wakeups();
    assert!(map.wait(seen - 1, Duration::ZERO));
    assert!(!map.wait(seen, Duration::from_millis(1)));
}

#[test]
fn samples_are_padded_as_by_perf() {
    let map = perf_event_array(8);
    for len in [0usize, 1, 4, 5, 12, 13] {
        let sample: Vec<u8> = (1..=len).map(|n| u8::try_from(n).unwrap()).collect();
        assert_eq!(map.perf_event_output(Cpu(2), 0xffff_ffff, &sample), Ok(()));
        let (records, _) = read(&map);
        let [(2, found)] = records.as_slice() else { panic!("{records:?}") };
        assert!(found.starts_with(&sample));
        assert_eq!((found.len() + 4) % 8, 0);
        assert!(found.len() < sample.len() + 8);
    }
}

#[test]
fn samples_go_to_their_cpu() {
    let map = perf_event_array(8);
    let output = |cpu, flags| map.perf_event_output(Cpu(cpu), flags, b"data");
    assert_eq!(output(1, 1), Ok(()));
    assert_eq!(output(0, 0xffff_ffff), Ok(()));
    assert_eq!(output(0, 1), Err(Errno::EOPNOTSUPP));
    assert_eq!(output(0, 7), Err(Errno::ENOENT));
    assert_eq!(output(0, 8), Err(Errno::E2BIG));
    assert_eq!(output(0, 1 << 32), Err(Errno::EINVAL));
    let small = perf_event_array(1);
    assert_eq!(small.perf_event_output(Cpu(1), 0xffff_ffff, b"data"), Err(Errno::E2BIG));
    assert_eq!(map.perf_event_output(Cpu(0), 0, &[0; 65_536]), Err(Errno::E2BIG));
    let data = b"data".to_vec();
    assert_eq!(read(&map).0, [(0, data.clone()), (1, data)]);
}

#[test]
fn full_perf_rings_count_losses() {
    let map = perf_event_array(2);
    let mut written = 0;
    while map.perf_event_output(Cpu(1), 1, &[7; 1020]) == Ok(()) {
        written += 1;
    }
    assert_eq!(map.perf_event_output(Cpu(1), 1, &[7; 1020]), Err(Errno::ENOSPC));
    let (records, lost) = read(&map);
    assert_eq!((records.len(), lost), (written, vec![(1, 2)]));
    assert_eq!(map.losses().lost, 2);
    assert_eq!(read(&map), (vec![], vec![]));
}

#[test]
fn other_maps_have_no_records() {
    let map = super::make(MapType::Array, 1);
    assert_eq!(map.consume(&mut |_| ()), Err(Errno::EINVAL));
    assert_eq!(map.ringbuf_output(b"", 0), Err(Errno::EINVAL));
    assert_eq!(map.perf_event_output(Cpu(0), 0, b""), Err(Errno::EINVAL));
}
