//! Test runs of programs on socket buffers: traffic control and socket filters.

use std::ops::Range;
use std::sync::Arc;

use skep_command::prog::{Captured, Semantics, TestRun};
use skep_command::{Errno, Result};
use skep_spec::abi::ProgType;
use skep_spec::abi::flags::test_run::SKB_CHECKSUM_COMPLETE as CHECKSUM_COMPLETE;

use super::{Bench, ETH_HLEN, Outcome, PAGE, SHARED_INFO, check_frame, on_device, read_ctx};
use super::{refuse, set_word, word};
use crate::context::{Checksum, Context, SkbContext, VlanTag};
use crate::packet::Packet;
use crate::program::Program;

/// Room before a packet (`NET_SKB_PAD`).
const HEADROOM: usize = 64;

/// The longest packet: a page holds it with all that is around it.
const PACKET_MAX: usize = PAGE - HEADROOM - SHARED_INFO;

/// Room behind a packet.
const TAILROOM: usize = 128;

/// The kernel's `EBADMSG`: the program left a wrong checksum.
const EBADMSG: Errno = Errno(74);

/// EtherTypes; smaller numbers than the first are lengths of IEEE 802.3 frames.
const ETH_P_802_3_MIN: u16 = 0x0600;
const ETH_P_802_3: u16 = 0x0001;
const ETH_P_802_2: u16 = 0x0004;
const ETH_P_IP: u16 = 0x0800;
const ETH_P_IPV6: u16 = 0x86dd;
const ETH_P_8021Q: u16 = 0x8100;
const ETH_P_8021AD: u16 = 0x88a8;

/// Packet types: for this host, to all, to a group, for another host.
const PACKET_HOST: u8 = 0;
const PACKET_BROADCAST: u8 = 1;
const PACKET_MULTICAST: u8 = 2;
const PACKET_OTHERHOST: u8 = 3;

/// The longest segmented packet (`GSO_LEGACY_MAX_SIZE`), and the most segments.
const GSO_MAX_SIZE: u32 = 65536;
const GSO_MAX_SEGS: u32 = 65535;

/// The interface that packets are on: loopback.
const LOOPBACK: u32 = 1;
/// The number of no interface.
const NO_DEVICE: u32 = 0;

/// `sizeof(struct __sk_buff)`, and the offsets of the fields that go in or out.
const SK_BUFF: usize = 192;
const MARK: usize = 8;
const PRIORITY: usize = 32;
const INGRESS_IFINDEX: usize = 36;
const IFINDEX: usize = 40;
const CB: usize = 48;
const TSTAMP: usize = 152;
const WIRE_LEN: usize = 160;
const GSO_SEGS: usize = 164;
const GSO_SIZE: usize = 176;
const HWTSTAMP: usize = 184;

/// What of the structure must be zero when it goes in.
const ZERO: [Range<usize>; 6] = [
    0..MARK,
    MARK + 4..PRIORITY,
    IFINDEX + 4..CB,
    CB + 20..TSTAMP,
    GSO_SEGS + 4..GSO_SIZE,
    GSO_SIZE + 4..HWTSTAMP,
];

pub(super) fn run(
    bench: &Bench<'_>,
    program: &Arc<Program>,
    test: &TestRun<'_>,
) -> Result<Outcome> {
    if test.flags & !CHECKSUM_COMPLETE != 0 || test.cpu != 0 {
        let what = format!("flags {:#x} and CPU {} are not for packets", test.flags, test.cpu);
        return Err(refuse(Errno::EINVAL, what));
    }
    let given = if test.ctx.is_empty() { None } else { Some(read_ctx::<SK_BUFF>(test.ctx)?) };
    let device = on_device(test);
    if !device {
        check_frame(test.data.len())?;
        check_length(test.data.len())?;
    }
    let is_filter = program.prog_type() == ProgType::SocketFilter;
    let mut skb = match test.semantics {
        Semantics::Device => received(test.data),
        Semantics::Capture(captured) => from_capture(test.data, captured),
        Semantics::TestRun => {
            let ifindex = given.as_ref().map_or(0, |ctx| word(ctx, IFINDEX));
            check_interface(ifindex)?;
            injected(test.data, is_filter)?
        }
    };
    if let Some(ctx) = &given {
        take_context(ctx, &mut skb, device)?;
    }
    if test.flags & CHECKSUM_COMPLETE != 0 {
        skb.checksum = Checksum::Complete(sum_from_network_header(&skb));
    }
    let repeated = bench.repeat(program, Context::Skb(Box::new(skb)), test)?;
    let Context::Skb(skb) = &repeated.context else {
        unreachable!("test run: a socket buffer stays one")
    };
    if test.flags & CHECKSUM_COMPLETE != 0 {
        check_checksum(skb)?;
    }
    let mut data = skb.packet.to_vec();
    if is_filter && !device {
        // The kernel gives room for the Ethernet header back, not the header.
        data.splice(0..0, [0; ETH_HLEN]);
    }
    let ctx = given.map_or_else(Vec::new, |ctx| left_context(ctx, skb).to_vec());
    repeated.answer(test, data, ctx)
}

fn check_length(len: usize) -> Result<()> {
    if len <= PACKET_MAX {
        return Ok(());
    }
    let what = format!("the frame has {len} bytes, at most {PACKET_MAX} are possible");
    Err(refuse(Errno::EINVAL, what).with_help("a device takes longer frames: --semantics device"))
}

fn check_interface(ifindex: u32) -> Result<()> {
    if ifindex <= LOOPBACK {
        return Ok(());
    }
    Err(refuse(Errno::ENODEV, format!("there is no interface {ifindex}"))
        .with_help("the user engine's test runs have interface 1 alone"))
}

/// The packet of a test run: it came over loopback, whose address and broadcast address are zero.
fn injected(frame: &[u8], is_filter: bool) -> Result<SkbContext> {
    let mut packet = Packet::new(HEADROOM, frame, TAILROOM);
    let protocol = ether_type(frame);
    let needed = match protocol {
        ETH_P_IP => 20,
        ETH_P_IPV6 => 40,
        _ => 0,
    };
    let found = frame.len() - ETH_HLEN;
    if found < needed {
        let what = format!("{found} bytes follow the Ethernet header, an IP header has {needed}");
        return Err(refuse(Errno::EINVAL, what));
    }
    let pkt_type = match destination(frame) {
        Some([0, 0, 0, 0, 0, 0]) => PACKET_HOST,
        Some([first, ..]) if first & 1 != 0 => PACKET_MULTICAST,
        Some(_) | None => PACKET_OTHERHOST,
    };
    let mut skb = if is_filter {
        let passed = i64::try_from(ETH_HLEN).ok().and_then(|header| {
            packet.move_data(header)?;
            packet.clear_meta();
            Some(())
        });
        passed.ok_or_else(|| refuse(Errno::EINVAL, "the frame has no Ethernet header"))?;
        SkbContext::new(packet, ETH_HLEN, 0)
    } else {
        SkbContext::new(packet, 0, ETH_HLEN)
    };
    skb.protocol = protocol;
    skb.pkt_type = pkt_type;
    Ok(skb)
}

/// The packet as a device hands it to the stack: an outer VLAN tag is beside it, frames to anybody
/// are for this host. A socket filter sees it from the Ethernet header on, as on a packet socket.
fn received(frame: &[u8]) -> SkbContext {
    let (vlan, packet) = match vlan_tag(frame) {
        Some((tag, bare)) => (Some(tag), Packet::new(HEADROOM, &bare, TAILROOM)),
        None => (None, Packet::new(HEADROOM, frame, TAILROOM)),
    };
    let protocol = match vlan {
        Some(_) => ether_type(&packet.to_vec()),
        None => ether_type(frame),
    };
    let len = packet.len();
    let mut skb = SkbContext::new(packet, 0, ETH_HLEN.min(len));
    skb.protocol = protocol;
    skb.vlan = vlan;
    skb.ingress_ifindex = LOOPBACK;
    skb.wire_len = u32::try_from(len).unwrap_or(u32::MAX);
    skb.pkt_type = match destination(frame) {
        Some([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]) => PACKET_BROADCAST,
        Some([first, ..]) if first & 1 != 0 => PACKET_MULTICAST,
        Some(_) | None => PACKET_HOST,
    };
    skb
}

/// The packet as a capture has it, on no device.
fn from_capture(bytes: &[u8], captured: Captured) -> SkbContext {
    let Captured { wire_len, network_off, protocol, pkt_type } = captured;
    let packet = Packet::new(HEADROOM, bytes, 0);
    let mut skb = SkbContext::new(packet, 0, network_off as usize);
    skb.not_captured = wire_len.saturating_sub(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    skb.protocol = protocol;
    skb.pkt_type = pkt_type;
    skb.ifindex = NO_DEVICE;
    skb.wire_len = wire_len;
    skb
}

fn destination(frame: &[u8]) -> Option<[u8; 6]> {
    frame.first_chunk().copied()
}

/// The tag of a frame that has one and something behind it, and the frame without it.
fn vlan_tag(frame: &[u8]) -> Option<(VlanTag, Vec<u8>)> {
    let proto = big_endian(frame, 12)?;
    if proto != ETH_P_8021Q && proto != ETH_P_8021AD {
        return None;
    }
    let tci = big_endian(frame, 14)?;
    let (addresses, rest) = (frame.get(..12)?, frame.get(16..)?);
    (rest.len() >= 2).then(|| (VlanTag { proto, tci }, [addresses, rest].concat()))
}

/// The protocol of a frame, as `eth_type_trans` finds it.
fn ether_type(frame: &[u8]) -> u16 {
    match big_endian(frame, 12) {
        Some(number) if number >= ETH_P_802_3_MIN => number,
        // A length. Novell's frames begin with ones, others with an IEEE 802.2 header.
        Some(_) if big_endian(frame, 14) == Some(0xffff) => ETH_P_802_3,
        Some(_) => ETH_P_802_2,
        None => 0,
    }
}

fn big_endian(frame: &[u8], at: usize) -> Option<u16> {
    frame.get(at..)?.first_chunk().copied().map(u16::from_be_bytes)
}

/// Takes over what the caller's structure says.
fn take_context(ctx: &[u8; SK_BUFF], skb: &mut SkbContext, device: bool) -> Result<()> {
    for range in ZERO {
        if ctx.get(range.clone()).is_some_and(|bytes| bytes.iter().any(|byte| *byte != 0)) {
            let Range { start, end } = range;
            let what = format!("bytes {start} to {} of the context must be zero", end - 1);
            return Err(refuse(Errno::EINVAL, what));
        }
    }
    let len = u32::try_from(skb.packet.len()).unwrap_or(u32::MAX);
    let (wire_len, gso_segs) = (word(ctx, WIRE_LEN), word(ctx, GSO_SEGS));
    if wire_len != 0 && !(len..=GSO_MAX_SIZE).contains(&wire_len) {
        let what = format!("wire_len {wire_len} is not between {len} and {GSO_MAX_SIZE}");
        return Err(refuse(Errno::EINVAL, what));
    }
    if gso_segs > GSO_MAX_SEGS {
        let what = format!("gso_segs {gso_segs} is more than {GSO_MAX_SEGS}");
        return Err(refuse(Errno::EINVAL, what));
    }
    skb.mark = word(ctx, MARK);
    skb.priority = word(ctx, PRIORITY);
    skb.ingress_ifindex = word(ctx, INGRESS_IFINDEX);
    if device && word(ctx, IFINDEX) != 0 {
        skb.ifindex = word(ctx, IFINDEX);
    }
    for (index, cb) in skb.cb.iter_mut().enumerate() {
        *cb = word(ctx, CB + 4 * index);
    }
    skb.tstamp = u64::from(word(ctx, TSTAMP + 4)) << 32 | u64::from(word(ctx, TSTAMP));
    skb.wire_len = if wire_len == 0 { len } else { wire_len };
    skb.gso_segs = gso_segs;
    // The kernel keeps sixteen bits.
    skb.gso_size = word(ctx, GSO_SIZE) & 0xffff;
    skb.hwtstamp = u64::from(word(ctx, HWTSTAMP + 4)) << 32 | u64::from(word(ctx, HWTSTAMP));
    Ok(())
}

/// The caller's structure with what the program left.
fn left_context(mut ctx: [u8; SK_BUFF], skb: &SkbContext) -> [u8; SK_BUFF] {
    let wide = |value: u64| {
        let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
        [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])]
    };
    let [tstamp, hwtstamp] = [wide(skb.tstamp), wide(skb.hwtstamp)];
    let fields = [
        (MARK, skb.mark),
        (PRIORITY, skb.priority),
        (INGRESS_IFINDEX, skb.ingress_ifindex),
        (IFINDEX, skb.ifindex),
        (TSTAMP, tstamp[0]),
        (TSTAMP + 4, tstamp[1]),
        (WIRE_LEN, skb.wire_len),
        (GSO_SEGS, skb.gso_segs),
        (HWTSTAMP, hwtstamp[0]),
        (HWTSTAMP + 4, hwtstamp[1]),
    ];
    for (at, value) in fields {
        set_word(&mut ctx, at, value);
    }
    for (index, cb) in skb.cb.iter().enumerate() {
        set_word(&mut ctx, CB + 4 * index, *cb);
    }
    ctx
}

/// The Internet checksum's sum over everything from the network header on, not complemented.
fn sum_from_network_header(skb: &SkbContext) -> u32 {
    let bytes = skb.packet.to_vec();
    let from = bytes.get(skb.network_off..).unwrap_or_default();
    let sum = from.chunks(2).fold(0u64, |sum, pair| {
        let [first, second] = [pair.first(), pair.get(1)].map(|byte| byte.copied().unwrap_or(0));
        sum + u64::from(u16::from_le_bytes([first, second]))
    });
    let folded = (sum & 0xffff_ffff) + (sum >> 32);
    u32::try_from((folded & 0xffff_ffff) + (folded >> 32)).unwrap_or(u32::MAX)
}

/// A sum in sixteen bits.
fn fold(sum: u32) -> u32 {
    let once = (sum & 0xffff) + (sum >> 16);
    (once & 0xffff) + (once >> 16)
}

/// Checks that the program kept the packet's sum up to date.
fn check_checksum(skb: &SkbContext) -> Result<()> {
    let Checksum::Complete(kept) = skb.checksum else { return Ok(()) };
    let (kept, found) = (fold(kept), fold(sum_from_network_header(skb)));
    if kept == found {
        return Ok(());
    }
    let what = format!("the program left the sum {kept:#06x}, the packet's is {found:#06x}");
    Err(refuse(EBADMSG, what))
}
