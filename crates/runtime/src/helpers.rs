//! Helpers: what programs call by number.
//!
//! One function each, in a file a family, documented with what Linux 6.18 answers in every case; one
//! table, [`find`]. What is not in the table does not exist in this engine, and a program that calls
//! it is not loaded; there are no stand-ins that return 0. `bpf_tail_call` is missing here because
//! it is control flow, which the interpreter does itself.
//!
//! A helper touches memory only through [`Run::readable`] and [`Run::writable`], which is where a
//! program that nobody verified is checked. The same functions serve compiled programs.
//!
//! | module | subject |
//! |---|---|
//! | `map`, `output` | elements of maps; records sent to readers |
//! | `time`, `task` | what the [`World`](crate::World) says |
//! | `text`, `number`, `format` | text, printed and read |
//! | `csum`, `checksum` | checksums in packets, and their arithmetic |
//! | `xdp`, `skb`, `redirect` | packets |
//! | `control`, `probe` | callbacks; memory that may not be there |

mod checksum;
mod control;
mod csum;
mod format;
mod map;
mod number;
mod output;
mod probe;
mod redirect;
mod skb;
mod task;
mod text;
mod time;
mod xdp;

#[cfg(test)]
mod tests;

use skep_command::Errno;
use skep_spec::abi::HelperId;

use crate::context::{Context, SkbContext};
use crate::fault::Fault;
use crate::run::Run;

/// A helper: negative errnos travel in `Ok`; `Err` is what no verified program does.
pub(crate) type Helper = fn(&mut Run<'_>, [u64; 5]) -> Outcome;

/// What comes of a call: the value of `r0`.
pub(crate) type Outcome = Result<u64, Fault>;

/// The helper with this number, if the engine has it.
pub(crate) fn find(id: HelperId) -> Option<Helper> {
    TABLE.iter().find(|(known, _)| *known == id).map(|(_, helper)| *helper)
}

/// All helpers, by number.
const TABLE: &[(HelperId, Helper)] = &[
    (HelperId::MapLookupElem, map::lookup_elem),
    (HelperId::MapUpdateElem, map::update_elem),
    (HelperId::MapDeleteElem, map::delete_elem),
    (HelperId::ProbeRead, probe::read),
    (HelperId::KtimeGetNs, time::ktime_get_ns),
    (HelperId::TracePrintk, text::trace_printk),
    (HelperId::GetPrandomU32, time::get_prandom_u32),
    (HelperId::GetSmpProcessorId, time::get_smp_processor_id),
    (HelperId::SkbStoreBytes, skb::bytes::store),
    (HelperId::L3CsumReplace, csum::l3_replace),
    (HelperId::L4CsumReplace, csum::l4_replace),
    (HelperId::GetCurrentPidTgid, task::get_current_pid_tgid),
    (HelperId::GetCurrentUidGid, task::get_current_uid_gid),
    (HelperId::GetCurrentComm, task::get_current_comm),
    (HelperId::SkbVlanPush, skb::vlan::push),
    (HelperId::SkbVlanPop, skb::vlan::pop),
    (HelperId::Redirect, redirect::redirect),
    (HelperId::PerfEventOutput, output::perf_event_output),
    (HelperId::SkbLoadBytes, skb::bytes::load),
    (HelperId::CsumDiff, csum::diff),
    (HelperId::SkbChangeProto, skb::room::change_proto),
    (HelperId::SkbChangeType, skb::room::change_type),
    (HelperId::GetHashRecalc, skb::hash::recalc),
    (HelperId::SkbChangeTail, skb::room::change_tail),
    (HelperId::SkbPullData, skb::bytes::pull),
    (HelperId::CsumUpdate, csum::update),
    (HelperId::SetHashInvalid, skb::hash::invalidate),
    (HelperId::GetNumaNodeId, time::get_numa_node_id),
    (HelperId::SkbChangeHead, skb::room::change_head),
    (HelperId::XdpAdjustHead, xdp::adjust_head),
    (HelperId::ProbeReadStr, probe::read_str),
    (HelperId::SetHash, skb::hash::set),
    (HelperId::SkbAdjustRoom, skb::room::adjust_room),
    (HelperId::RedirectMap, redirect::redirect_map),
    (HelperId::XdpAdjustMeta, xdp::adjust_meta),
    (HelperId::XdpAdjustTail, xdp::adjust_tail),
    (HelperId::SkbLoadBytesRelative, skb::bytes::load_relative),
    (HelperId::SkbEcnSetCe, skb::mark::ecn_set_ce),
    (HelperId::Strtol, number::strtol),
    (HelperId::Strtoul, number::strtoul),
    (HelperId::ProbeReadKernel, probe::read),
    (HelperId::ProbeReadKernelStr, probe::read_str),
    (HelperId::Jiffies64, time::jiffies64),
    (HelperId::KtimeGetBootNs, time::ktime_get_boot_ns),
    (HelperId::RingbufOutput, output::ringbuf_output),
    (HelperId::RingbufReserve, output::ringbuf_reserve),
    (HelperId::RingbufSubmit, output::ringbuf_submit),
    (HelperId::RingbufDiscard, output::ringbuf_discard),
    (HelperId::RingbufQuery, output::ringbuf_query),
    (HelperId::CsumLevel, csum::level),
    (HelperId::RedirectNeigh, redirect::redirect_neigh),
    (HelperId::RedirectPeer, redirect::redirect_peer),
    (HelperId::KtimeGetCoarseNs, time::ktime_get_coarse_ns),
    (HelperId::ForEachMapElem, map::for_each_map_elem),
    (HelperId::Snprintf, text::snprintf),
    (HelperId::TraceVprintk, text::trace_vprintk),
    (HelperId::Loop, control::bpf_loop),
    (HelperId::Strncmp, text::strncmp),
    (HelperId::XdpGetBuffLen, xdp::get_buff_len),
    (HelperId::XdpLoadBytes, xdp::load_bytes),
    (HelperId::XdpStoreBytes, xdp::store_bytes),
    (HelperId::SkbSetTstamp, skb::mark::set_tstamp),
    (HelperId::MapLookupPercpuElem, map::lookup_percpu_elem),
    (HelperId::KtimeGetTaiNs, time::ktime_get_tai_ns),
];

/// A negative errno in `r0`, as C's sign extension makes it.
fn fail(errno: Errno) -> Outcome {
    Ok(errno.as_return().cast_unsigned())
}

/// What a map answered, as a program sees it.
fn status(result: Result<(), Errno>) -> Outcome {
    match result {
        Ok(()) => Ok(0),
        Err(errno) => fail(errno),
    }
}

/// An argument that C declares as `u32`.
#[expect(clippy::cast_possible_truncation, reason = "C cuts the register to the parameter")]
fn low32(arg: u64) -> u32 {
    arg as u32
}

/// An argument that C declares as `u16`.
#[expect(clippy::cast_possible_truncation, reason = "C cuts the register to the parameter")]
fn low16(arg: u64) -> u16 {
    arg as u16
}

/// The context argument of a helper for packets in the network stack.
fn skb<'r>(run: &'r Run<'_>, ctx: u64) -> Result<&'r SkbContext, Fault> {
    run.check_context(ctx)?;
    match run.context() {
        Context::Skb(skb) => Ok(skb),
        Context::Xdp(_) | Context::Plain(_) => Err(no_skb()),
    }
}

/// The same, to change it.
fn skb_mut<'r>(run: &'r mut Run<'_>, ctx: u64) -> Result<&'r mut SkbContext, Fault> {
    run.check_context(ctx)?;
    match run.context_mut() {
        Context::Skb(skb) => Ok(skb),
        Context::Xdp(_) | Context::Plain(_) => Err(no_skb()),
    }
}

#[cold]
fn no_skb() -> Fault {
    Fault::helper("this helper is for packets in the network stack, which this program has none of")
}
