//! The rules of map types against the running kernel: what shapes of maps there are. Without
//! privileges, a counted skip.

mod common;

use common::{kernel, map};
use skep_command::map::MapCreate;
use skep_command::{Engine, Errno};
use skep_spec::abi::flags::map as flag;
use skep_spec::abi::{MapType, map_rules};

/// Types that need more than a shape: an inner map, or BTF.
const NEED_MORE: &[MapType] = &[
    MapType::ArrayOfMaps,
    MapType::HashOfMaps,
    MapType::StructOps,
    MapType::SkStorage,
    MapType::InodeStorage,
    MapType::TaskStorage,
    MapType::CgrpStorage,
];

#[test]
fn shapes_are_refused_as_the_kernel_does() {
    let Some(engine) = kernel("shapes_are_refused_as_the_kernel_does") else { return };
    let mut wrong = Vec::new();
    for create in MapType::ALL.iter().flat_map(|map_type| shapes(*map_type)) {
        let MapCreate { map_type, key_size, value_size, max_entries, flags, .. } = create;
        let rules = map_rules::of(map_type);
        let ours = rules.check(key_size, value_size, max_entries, flags);
        let theirs = engine.map_create(&create).map(|map| engine.close(map));
        let agree = match &theirs {
            Ok(()) => ours.is_ok(),
            Err(error) if error.errno == Errno::EINVAL => {
                ours.is_err() || NEED_MORE.contains(&map_type)
            }
            // Other refusals are of the moment (memory, privileges, the number of CPUs).
            Err(_) => true,
        };
        if !agree {
            let theirs = theirs.map_err(|error| error.errno);
            wrong.push(format!(
                "{map_type} key {key_size} value {value_size} entries {max_entries} flags {}: \
                 {theirs:?}, not {ours:?}",
                skep_spec::abi::flags::names(flag::NAMES, flags),
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A shape that fits the type, and many that differ from it in one respect.
fn shapes(map_type: MapType) -> Vec<MapCreate<'static>> {
    let sizes = [0, 1, 4, 5, 6, 8, 12, 16, 32, 260, 261, 512, 513];
    let rules = map_rules::of(map_type);
    let fits = |rule: map_rules::SizeRule| sizes.into_iter().find(|size| rule.admits(*size));
    let (key, value) = (fits(rules.key).unwrap_or(0), fits(rules.value).unwrap_or(0));
    let entries = match rules.entries {
        map_rules::EntriesRule::Zero => 0,
        map_rules::EntriesRule::Some | map_rules::EntriesRule::One => 1,
        map_rules::EntriesRule::RingBytes => 4096,
    };
    let fitting = MapCreate { flags: rules.required_flags, ..map(map_type, key, value, entries) };
    let with = |change: &dyn Fn(&mut MapCreate<'static>)| {
        let mut shape = fitting.clone();
        change(&mut shape);
        shape
    };
    let mut shapes = vec![with(&|_| {}), with(&|shape| shape.flags = 0)];
    shapes.extend(sizes.map(|size| with(&|shape| shape.key_size = size)));
    shapes.extend(sizes.map(|size| with(&|shape| shape.value_size = size)));
    shapes.extend(
        [0, 1, 3, 4095, 4096, 8192, 12288]
            .map(|entries| with(&|shape| shape.max_entries = entries)),
    );
    // Descriptors and paths are no flags of a shape.
    let bits = (0..19).map(|bit| 1 << bit).filter(|bit| {
        bit & (flag::PATH_FD | flag::VTYPE_BTF_OBJ_FD | flag::TOKEN_FD | flag::LINK) == 0
    });
    shapes.extend(bits.map(|bit| with(&|shape| shape.flags |= bit)));
    shapes.push(with(&|shape| shape.flags |= flag::RDONLY | flag::WRONLY));
    shapes.push(with(&|shape| shape.flags |= flag::RDONLY_PROG | flag::WRONLY_PROG));
    shapes
}
