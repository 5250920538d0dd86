//! Programs: loading, running, asking.

use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

use skep_command::Errno;
use skep_command::attr::{Cmd, Wire, prog};

use super::{Result, address, address_mut, bpf, bpf_new_fd, info_by_fd, length, number};

/// What a program consists of, as bytes.
pub(crate) struct Image<'a> {
    /// The instructions, eight bytes a slot.
    pub(crate) insns: &'a [u8],
    /// The licence.
    pub(crate) license: &'a CStr,
    /// Records of [`prog::FUNC_INFO_BYTES`] each.
    pub(crate) func_info: &'a [u8],
    /// Records of [`prog::LINE_INFO_BYTES`] each.
    pub(crate) line_info: &'a [u8],
}

/// What came of a load.
pub(crate) struct Loaded {
    /// The program, or why there is none.
    pub(crate) fd: Result<OwnedFd>,
    /// The size that the whole log takes, its final zero included; 0 if the kernel does not say.
    pub(crate) log_bytes: u32,
}

/// Loads a program. Of `load`, the fields that are no pointer, and no size of what a pointer leads
/// to, hold.
pub(crate) fn load(load: &prog::Load, image: &Image<'_>, log: &mut [u8]) -> Result<Loaded> {
    let records = |bytes: &[u8], size: u32| length(bytes.len() / size as usize);
    let (func_info_cnt, line_info_cnt) = (
        records(image.func_info, prog::FUNC_INFO_BYTES)?,
        records(image.line_info, prog::LINE_INFO_BYTES)?,
    );
    let mut attr = prog::Load {
        insn_cnt: length(image.insns.len() / 8)?,
        insns: address(image.insns),
        license: address(image.license.to_bytes_with_nul()),
        log_size: length(log.len())?,
        log_buf: address_mut(log),
        func_info_rec_size: if func_info_cnt == 0 { 0 } else { prog::FUNC_INFO_BYTES },
        func_info: address(image.func_info),
        func_info_cnt,
        line_info_rec_size: if line_info_cnt == 0 { 0 } else { prog::LINE_INFO_BYTES },
        line_info: address(image.line_info),
        line_info_cnt,
        core_relo_cnt: 0,
        fd_array: 0,
        core_relos: 0,
        core_relo_rec_size: 0,
        fd_array_cnt: 0,
        signature: 0,
        signature_size: 0,
        ..*load
    }
    .encode();
    // SAFETY: instructions, records and log have at least the sizes that stand beside their
    // pointers, all computed from the slices above; the licence ends in a zero; other pointers are
    // null with a size of 0. All live until the call returns. The command returns a descriptor.
    let fd = unsafe { bpf_new_fd(Cmd::ProgLoad, &mut attr) };
    let log_bytes = prog::Load::decode(&attr).map_or(0, |load| load.log_true_size);
    Ok(Loaded { fd, log_bytes })
}

/// What goes into a test run and comes out of it.
pub(crate) struct Buffers<'a> {
    /// The packet.
    pub(crate) data_in: &'a [u8],
    /// Room for the packet.
    pub(crate) data_out: &'a mut [u8],
    /// The context.
    pub(crate) ctx_in: &'a [u8],
    /// Room for the context.
    pub(crate) ctx_out: &'a mut [u8],
}

/// Runs a program. Of `run`, the fields that are no pointer and no size hold; the answer has the
/// sizes that packet and context have afterwards.
pub(crate) fn test_run(
    prog: BorrowedFd<'_>,
    run: &prog::TestRun,
    buffers: Buffers<'_>,
) -> Result<prog::TestRun> {
    let Buffers { data_in, data_out, ctx_in, ctx_out } = buffers;
    let mut attr = prog::TestRun {
        prog_fd: number(prog),
        data_size_in: length(data_in.len())?,
        data_size_out: length(data_out.len())?,
        data_in: address(data_in),
        data_out: address_mut(data_out),
        ctx_size_in: length(ctx_in.len())?,
        ctx_size_out: length(ctx_out.len())?,
        ctx_in: address(ctx_in),
        ctx_out: address_mut(ctx_out),
        ..*run
    }
    .encode();
    // SAFETY: each pointer leads to a slice of the length that stands beside it, or is null where
    // that is 0; all live until the call returns. The kernel writes no more than the sizes given.
    unsafe { bpf(Cmd::ProgTestRun, &mut attr) }?;
    prog::TestRun::decode(&attr).map_err(|_| Errno::E2BIG)
}

/// What the kernel says of a program, and the ids of its maps.
pub(crate) fn info(prog: BorrowedFd<'_>) -> Result<(prog::Info, Vec<u32>)> {
    // SAFETY: a descriptor that is no program is refused or fills in its own info, which has no
    // pointers set; all pointers here are null with sizes of 0.
    let first: prog::Info = unsafe { info_by_fd(prog, &prog::Info::default()) }?;
    let mut ids = vec![0; first.nr_map_ids as usize * size_of::<u32>()];
    let ask = prog::Info {
        nr_map_ids: first.nr_map_ids,
        map_ids: address_mut(&mut ids),
        ..Default::default()
    };
    // SAFETY: `map_ids` leads to room for the `nr_map_ids` numbers that the kernel writes at most,
    // which lives until the call returns; other pointers are null with sizes of 0.
    let second: prog::Info = unsafe { info_by_fd(prog, &ask) }?;
    let (ids, _) = ids.as_chunks();
    let ids = ids.iter().take(second.nr_map_ids as usize).map(|id| u32::from_ne_bytes(*id));
    Ok((second, ids.collect()))
}
