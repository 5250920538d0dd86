//! What the link header of a captured frame says, by the capture's link type.

use skep_command::prog::Captured;

use crate::capture::{Frame, LinkType};

/// EtherTypes; smaller numbers than the first are lengths of IEEE 802.3 frames.
const ETH_P_802_3_MIN: u16 = 0x0600;
const ETH_P_802_2: u16 = 0x0004;
const ETH_P_IP: u16 = 0x0800;
const ETH_P_IPV6: u16 = 0x86dd;

/// To all, to a group, for another host.
const PACKET_BROADCAST: u8 = 1;
const PACKET_MULTICAST: u8 = 2;

/// What is known of a frame.
pub(super) fn captured(frame: &Frame<'_>) -> Captured {
    let data = frame.data;
    let wire_len = frame.wire_len.max(u32::try_from(data.len()).unwrap_or(u32::MAX));
    let (network_off, protocol, pkt_type) = match frame.link {
        LinkType::ETHERNET => (14, ether_type(data), ethernet_pkt_type(data)),
        // "Cooked" captures, which Linux makes of all devices at once.
        LinkType::LINUX_SLL => (16, big_endian(data, 14), low_byte(big_endian(data, 0))),
        LinkType::LINUX_SLL2 => (20, big_endian(data, 0), data.get(10).copied().unwrap_or(0)),
        LinkType::NULL | LinkType::LOOP => (4, ip_version(data, 4), 0),
        LinkType::RAW | LinkType::IPV4 | LinkType::IPV6 => (0, ip_version(data, 0), 0),
        // Of other links it is only known that they have a first byte.
        _ => (0, 0, 0),
    };
    Captured { wire_len, network_off, protocol, pkt_type }
}

fn ether_type(frame: &[u8]) -> u16 {
    match big_endian(frame, 12) {
        number @ ETH_P_802_3_MIN.. => number,
        _ => ETH_P_802_2,
    }
}

fn ethernet_pkt_type(frame: &[u8]) -> u8 {
    match frame.get(..6) {
        Some([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]) => PACKET_BROADCAST,
        Some([first, ..]) if first & 1 != 0 => PACKET_MULTICAST,
        Some(_) | None => 0,
    }
}

/// The EtherType of a packet that begins with an IP header.
fn ip_version(data: &[u8], at: usize) -> u16 {
    match data.get(at).map(|byte| byte >> 4) {
        Some(4) => ETH_P_IP,
        Some(6) => ETH_P_IPV6,
        Some(_) | None => 0,
    }
}

/// The number at an offset; 0 if it is not there.
fn big_endian(data: &[u8], at: usize) -> u16 {
    let bytes = data.get(at..).and_then(|rest| rest.first_chunk().copied());
    bytes.map_or(0, u16::from_be_bytes)
}

fn low_byte(number: u16) -> u8 {
    number.to_le_bytes()[0]
}
