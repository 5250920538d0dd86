//! Test runs of XDP programs.

use std::sync::Arc;

use skep_command::prog::TestRun;
use skep_command::{Errno, Result};
use skep_spec::abi::{AttachType, flags};

use super::{Bench, Outcome, PAGE, SHARED_INFO, check_frame, on_device, read_ctx, refuse};
use super::{set_word, word};
use crate::context::{Context, XdpContext};
use crate::packet::Packet;
use crate::program::Program;

/// Room before a frame (`XDP_PACKET_HEADROOM`).
const HEADROOM: usize = 256;

/// What `struct xdp_frame` takes of the headroom.
pub(crate) const XDP_FRAME: usize = 40;

/// The longest metadata: 8 bits count its words (`xdp_metalen_invalid`).
const META_MAX: usize = 252;

/// How many pages of fragments a frame can have (`MAX_SKB_FRAGS`).
const FRAGMENTS_MAX: usize = 17;

/// `sizeof(struct xdp_md)`, and the offsets of its fields.
const XDP_MD: usize = 24;
const DATA: usize = 0;
const DATA_END: usize = 4;
const DATA_META: usize = 8;
const INGRESS_IFINDEX: usize = 12;
const RX_QUEUE_INDEX: usize = 16;
const EGRESS_IFINDEX: usize = 20;

/// The interface that frames come from: loopback.
const LOOPBACK: u32 = 1;

pub(super) fn run(
    bench: &Bench<'_>,
    program: &Arc<Program>,
    test: &TestRun<'_>,
) -> Result<Outcome> {
    if let Some(attach @ (AttachType::XdpDevmap | AttachType::XdpCpumap)) =
        program.expected_attach_type()
    {
        return Err(refuse(Errno::EINVAL, format!("programs for {attach} cannot be run")));
    }
    check_flags(test)?;
    let len = test.data.len();
    let given = if test.ctx.is_empty() { None } else { Some(read_ctx::<XDP_MD>(test.ctx)?) };
    let (meta, linear) = match &given {
        Some(ctx) => metadata(ctx, len)?,
        None => (0, len),
    };
    if !on_device(test) {
        check_frame(len - meta)?;
    }
    let mut context = XdpContext::new(frame(test.data, meta, linear)?, LOOPBACK);
    if let Some(ctx) = &given {
        receive_queue(ctx, &mut context, on_device(test))?;
    }
    let repeated = bench.repeat(program, Context::Xdp(context), test)?;
    let Some(packet) = repeated.context.packet() else {
        unreachable!("test run: an XDP context has a packet")
    };
    let data = packet.to_vec_with_meta();
    let ctx = given.map_or_else(Vec::new, |mut ctx| {
        let as_word = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        set_word(&mut ctx, DATA, as_word(packet.meta_len()));
        set_word(&mut ctx, DATA_END, as_word(packet.meta_len() + packet.linear_len()));
        ctx.to_vec()
    });
    repeated.answer(test, data, ctx)
}

fn check_flags(test: &TestRun<'_>) -> Result<()> {
    if test.flags & flags::test_run::XDP_LIVE_FRAMES != 0 {
        let refused = refuse(Errno::EOPNOTSUPP, "live frames need network devices");
        return Err(refused.with_help("use the linux engine"));
    }
    if test.flags != 0 {
        return Err(refuse(Errno::EINVAL, format!("flags {:#x} are not for XDP", test.flags)));
    }
    Ok(())
}

/// How many bytes of metadata stand before the frame, and how many of the frame and them are
/// linear, as the context says.
fn metadata(ctx: &[u8; XDP_MD], len: usize) -> Result<(usize, usize)> {
    let [data, data_end, data_meta] = [DATA, DATA_END, DATA_META].map(|at| word(ctx, at) as usize);
    if data_meta != 0 || data_end > len || data > data_end {
        let what = format!(
            "the context needs data_meta 0 ≤ data ≤ data_end ≤ {len}, \
             it has {data_meta}, {data}, {data_end}"
        );
        return Err(refuse(Errno::EINVAL, what));
    }
    if !data.is_multiple_of(4) || data > META_MAX.min(HEADROOM - XDP_FRAME) {
        let max = META_MAX.min(HEADROOM - XDP_FRAME);
        let what = format!("{data} bytes of metadata: a multiple of 4 up to {max} is possible");
        return Err(refuse(Errno::EINVAL, what));
    }
    Ok((data, data_end))
}

/// The frame in memory: `meta` bytes of metadata, linear bytes as far as a page holds them, the
/// rest in fragments.
fn frame(data: &[u8], meta: usize, linear: usize) -> Result<Packet> {
    let max_linear = PAGE - (HEADROOM - meta) - SHARED_INFO;
    let linear = linear.min(max_linear);
    let fragments = data.len() - linear;
    if fragments > FRAGMENTS_MAX * PAGE {
        let max = linear + FRAGMENTS_MAX * PAGE;
        let what = format!("the frame has {} bytes, at most {max} are possible", data.len());
        return Err(refuse(Errno::ENOMEM, what));
    }
    let headroom = HEADROOM - meta;
    let mut packet = Packet::with_fragments(headroom, data, linear, max_linear - linear);
    let offset = i64::try_from(meta).unwrap_or(0);
    packet
        .move_data(offset)
        .ok_or_else(|| refuse(Errno::EINVAL, "metadata longer than the frame"))?;
    Ok(packet)
}

/// Takes interface and queue from the context. This engine has loopback with one queue; on a device
/// anything may be said.
fn receive_queue(ctx: &[u8; XDP_MD], context: &mut XdpContext, any: bool) -> Result<()> {
    let [ifindex, queue, egress] =
        [INGRESS_IFINDEX, RX_QUEUE_INDEX, EGRESS_IFINDEX].map(|at| word(ctx, at));
    if egress != 0 {
        return Err(refuse(Errno::EINVAL, "the context's egress_ifindex must be 0"));
    }
    if ifindex == 0 && queue != 0 {
        return Err(refuse(Errno::EINVAL, "the context has a queue and no interface"));
    }
    if ifindex == 0 {
        return Ok(());
    }
    if !any && ifindex != LOOPBACK {
        return Err(refuse(Errno::ENODEV, format!("there is no interface {ifindex}"))
            .with_help("the user engine's test runs have interface 1 alone"));
    }
    if !any && queue != 0 {
        return Err(refuse(Errno::EINVAL, format!("interface {ifindex} has no queue {queue}")));
    }
    context.ingress_ifindex = ifindex;
    context.rx_queue_index = queue;
    Ok(())
}
