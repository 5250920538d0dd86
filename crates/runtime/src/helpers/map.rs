//! Elements of maps, as programs use them.

use std::sync::Arc;

use skep_command::Errno;

use super::{Outcome, fail, low32, status};
use crate::fault::Fault;
use crate::memory::{Access, Block, Span};
use crate::run::Run;
use crate::world::Cpu;

/// `bpf_map_lookup_elem(map, key)`: the address of the key's value, 0 if there is none.
pub(super) fn lookup_elem(run: &mut Run<'_>, [map, key, ..]: [u64; 5]) -> Outcome {
    let map = run.map(map)?;
    let key = run.readable(key, map.key_size())?.to_scratch();
    Ok(map.lookup(run.cpu(), &key).unwrap_or(0))
}

/// `bpf_map_lookup_percpu_elem(map, key, cpu)`: the same of another CPU; 0 too if there is no such
/// CPU.
pub(super) fn lookup_percpu_elem(run: &mut Run<'_>, [map, key, cpu, ..]: [u64; 5]) -> Outcome {
    let map = run.map(map)?;
    let key = run.readable(key, map.key_size())?.to_scratch();
    Ok(map.lookup(Cpu(low32(cpu)), &key).unwrap_or(0))
}

/// `bpf_map_update_elem(map, key, value, flags)`: sets the key's value.
///
/// Returns 0 or the map's error: `-EINVAL` for unknown flags, `-EEXIST` and `-ENOENT` for those that
/// ask for a new or an old key, `-E2BIG` for a full map or an index past the end, `-EEXIST` for
/// `BPF_NOEXIST` in an array.
pub(super) fn update_elem(run: &mut Run<'_>, [map, key, value, flags, _]: [u64; 5]) -> Outcome {
    let map = run.map(map)?;
    let key = run.readable(key, map.key_size())?.to_scratch();
    let value = run.readable(value, map.value_size())?.to_scratch();
    status(map.update(run.cpu(), &key, &value, flags))
}

/// `bpf_map_delete_elem(map, key)`: removes the key.
///
/// Returns 0; `-ENOENT` if there is none; `-EINVAL` in arrays.
pub(super) fn delete_elem(run: &mut Run<'_>, [map, key, ..]: [u64; 5]) -> Outcome {
    let map = run.map(map)?;
    let key = run.readable(key, map.key_size())?.to_scratch();
    status(map.delete(run.cpu(), &key))
}

/// `bpf_for_each_map_elem(map, callback_fn, callback_ctx, flags)`: calls
/// `callback(map, &key, &value, ctx)` for every element until it returns something else than 0.
///
/// Returns the number of calls; `-EINVAL` for any flag. The callback sees a copy of the key.
pub(super) fn for_each_map_elem(
    run: &mut Run<'_>,
    [map_addr, callback, ctx, flags, _]: [u64; 5],
) -> Outcome {
    let map = Arc::clone(run.map(map_addr)?);
    if flags != 0 {
        return fail(Errno::EINVAL);
    }
    let cpu = run.cpu();
    let mut fault = None;
    let count = map.for_each(cpu, &mut |key, value| match visit(
        run, callback, map_addr, key, value, ctx,
    ) {
        Ok(result) => result == 0,
        Err(found) => {
            fault = Some(found);
            false
        }
    });
    match (fault, count) {
        (Some(fault), _) => Err(fault),
        (None, Ok(count)) => Ok(u64::from(count)),
        (None, Err(errno)) => fail(errno),
    }
}

/// One call of the callback, with the key in memory that it may read meanwhile.
fn visit(
    run: &mut Run<'_>,
    callback: u64,
    map: u64,
    key: &[u8],
    value: u64,
    ctx: u64,
) -> Result<u64, Fault> {
    let block = Block::zeroed(key.len());
    if let Some(bytes) = block.range(0, key.len()) {
        bytes.copy_from(key);
    }
    let addr = block.addr();
    run.grant(Span::of_block(&Arc::new(block), Access::Read));
    let result = run.call_back(callback, [map, addr, value, ctx, 0])?;
    run.revoke(addr)?;
    Ok(result)
}
