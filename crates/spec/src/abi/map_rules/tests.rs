//! The table is complete; shapes on either side of each rule; helpers against maps.
use super::*;
use crate::abi::HelperId::*;
use crate::abi::MapType::*;

#[test]
fn rows_stand_at_their_numbers() {
    assert_eq!(ROWS.len(), MapType::ALL.len());
    for map_type in MapType::ALL {
        assert_eq!(of(*map_type).map_type, *map_type);
    }
}

/// Key size, value size, entries and flags of a new map, and what is said of it.
#[track_caller]
fn check(map_type: MapType, shape: (u32, u32, u32, u32), expected: &str) {
    let (key, value, entries, flags) = shape;
    let found = match of(map_type).check(key, value, entries, flags) {
        Ok(()) => "ok".to_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(found, expected, "{map_type} {shape:?}");
}

#[test]
fn shapes() {
    check(Array, (4, 1, 1, 0), "ok");
    check(Array, (8, 1, 1, 0), "key_size is 8, array takes 4");
    check(Array, (4, 0, 1, 0), "value_size is 0, array takes 1 or more");
    check(Array, (4, 1, 0, 0), "max_entries is 0, array takes 1 or more");
    check(Array, (4, 1, 1, flag::NO_PREALLOC), "array does not take the flags BPF_F_NO_PREALLOC");
    check(Array, (4, 1, 1, flag::MMAPABLE), "ok");
    check(
        PercpuArray,
        (4, 1, 1, flag::MMAPABLE),
        "percpu_array does not take the flags BPF_F_MMAPABLE",
    );
    check(LpmTrie, (8, 4, 1, flag::NO_PREALLOC), "ok");
    check(LpmTrie, (8, 4, 1, 0), "lpm_trie needs the flags BPF_F_NO_PREALLOC");
    check(LpmTrie, (4, 4, 1, flag::NO_PREALLOC), "key_size is 4, lpm_trie takes 5 to 260");
    check(Ringbuf, (0, 0, 4096, 0), "ok");
    check(
        Ringbuf,
        (0, 0, 12288, 0),
        "max_entries is 12288, ringbuf takes a power of two that is a multiple of the page size",
    );
    check(Queue, (4, 4, 1, 0), "key_size is 4, queue takes 0");
    check(Devmap, (4, 6, 1, 0), "value_size is 6, devmap takes 4 or 8");
    check(StackTrace, (4, 12, 1, 0), "value_size is 12, stack_trace takes a multiple of 8");
    let both = flag::RDONLY | flag::WRONLY;
    check(Hash, (4, 4, 1, both), "hash does not take the flags BPF_F_RDONLY|BPF_F_WRONLY");
}

#[test]
fn commands_see_the_values_of_all_cpus() {
    assert_eq!(of(PercpuArray).command_value_size(12, 4), 64);
    assert_eq!(of(Array).command_value_size(12, 4), 12);
}

#[test]
fn helpers_and_maps_choose_each_other() {
    let check = |map_type, helper, expected| {
        assert_eq!(compatible(map_type, helper), expected, "{helper} {map_type}");
    };
    check(Hash, MapLookupElem, true);
    check(Ringbuf, MapLookupElem, false);
    check(Devmap, MapLookupElem, true);
    check(Cpumap, MapLookupElem, false);
    check(Array, TailCall, false);
    check(ProgArray, TailCall, true);
    check(Hash, RedirectMap, false);
    check(DevmapHash, RedirectMap, true);
    check(PercpuArray, MapLookupPercpuElem, true);
    check(Array, MapLookupPercpuElem, false);
    check(LpmTrie, ForEachMapElem, false);
}
