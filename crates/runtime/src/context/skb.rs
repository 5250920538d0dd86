//! `struct __sk_buff`: a packet as the network stack carries it.

use skep_spec::abi::context::Field;
use skep_spec::insn::Size;

use crate::memory::Bytes;
use crate::packet::Packet;

/// The interface that test runs happen on: loopback.
const LOOPBACK: u32 = 1;

/// The lowest NAPI id that is not a CPU number (`MIN_NAPI_ID` less the number of CPUs; smaller
/// numbers are not shown to programs).
const MIN_NAPI_ID: u32 = 1;

/// What `queue_mapping` cannot be set to (`NO_QUEUE_MAPPING`) and above.
const NO_QUEUE_MAPPING: u64 = 0xffff;

/// Offsets of legacy packet loads from here on count from the network header (`SKF_NET_OFF`).
const NET_OFF: i32 = -0x10_0000;

/// Offsets of legacy packet loads from here on, up to [`NET_OFF`], count from the MAC header
/// (`SKF_LL_OFF`).
const LL_OFF: i32 = -0x20_0000;

/// A VLAN tag that stands beside the packet, not in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VlanTag {
    /// The tag protocol, `ETH_P_8021Q` or `ETH_P_8021AD`.
    pub proto: u16,
    /// Priority, drop eligibility and VLAN id.
    pub tci: u16,
}

/// What is known of a packet's transport checksum (`ip_summed`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Checksum {
    /// Nothing (`CHECKSUM_NONE`).
    #[default]
    None,
    /// It was verified (`CHECKSUM_UNNECESSARY`).
    Unnecessary {
        /// How many further checksums inside were verified too (`csum_level`), at most 3.
        level: u8,
    },
    /// The sum over the packet (`CHECKSUM_COMPLETE`).
    Complete(u32),
    /// It is still to be filled in (`CHECKSUM_PARTIAL`).
    Partial,
}

/// A packet as the network stack carries it.
#[derive(Debug)]
pub struct SkbContext {
    /// The packet from `skb->data` on.
    pub packet: Packet,
    /// How many bytes a capture left out at the end. The length counts them, loads do not reach them.
    pub not_captured: u32,
    /// How far before `skb->data` the MAC header begins: 0 in tc, 14 in a socket filter.
    pub mac_len: usize,
    /// The offset of the network header from `skb->data`.
    pub network_off: usize,
    /// The EtherType, in host byte order.
    pub protocol: u16,
    /// `PACKET_HOST` and so on.
    pub pkt_type: u8,
    /// The packet mark.
    pub mark: u32,
    /// The priority.
    pub priority: u32,
    /// The queue that it goes to or came from, plus one, or 0.
    pub queue_mapping: u32,
    /// The tag beside the packet.
    pub vlan: Option<VlanTag>,
    /// The interface that received it first.
    pub ingress_ifindex: u32,
    /// The interface that it is on.
    pub ifindex: u32,
    /// The traffic control index.
    pub tc_index: u32,
    /// Scratch space of the program.
    pub cb: [u32; 5],
    /// The flow hash; 0 if it is not computed.
    pub hash: u32,
    /// Whether `hash` was computed or set.
    pub hash_valid: bool,
    /// The traffic control class.
    pub tc_classid: u32,
    /// The NAPI context that received it.
    pub napi_id: u32,
    /// The address family of the socket.
    pub family: u32,
    /// The socket's remote IPv4 address, in network byte order.
    pub remote_ip4: u32,
    /// The socket's local IPv4 address, in network byte order.
    pub local_ip4: u32,
    /// The socket's remote IPv6 address, in network byte order.
    pub remote_ip6: [u32; 4],
    /// The socket's local IPv6 address, in network byte order.
    pub local_ip6: [u32; 4],
    /// The socket's remote port, in network byte order.
    pub remote_port: u32,
    /// The socket's local port, in host byte order.
    pub local_port: u32,
    /// The time of arrival or departure.
    pub tstamp: u64,
    /// Which clock `tstamp` is of.
    pub tstamp_type: u8,
    /// The hardware's time stamp.
    pub hwtstamp: u64,
    /// The length on the wire, with the headers of all segments.
    pub wire_len: u32,
    /// The number of segments.
    pub gso_segs: u32,
    /// The size of a segment.
    pub gso_size: u32,
    /// What is known of the checksum.
    pub checksum: Checksum,
    /// Whether a program wrapped the packet in another (`bpf_skb_adjust_room`).
    pub encapsulation: bool,
}

/// How many bytes `struct sk_buff` keeps for a field of `__sk_buff` (or for an element of one).
pub(super) fn kept_bytes(field: &Field) -> u32 {
    match field.name {
        "pkt_type" => 1,
        "queue_mapping" | "protocol" | "vlan_tci" | "vlan_proto" | "tc_index" | "tc_classid"
        | "family" | "remote_port" | "local_port" | "gso_segs" | "gso_size" => 2,
        _ => field.bytes,
    }
}

impl SkbContext {
    /// A packet on the loopback interface whose network header lies `network_off` bytes into it
    /// and whose MAC header begins `mac_len` bytes before it; everything else is zero.
    pub fn new(packet: Packet, mac_len: usize, network_off: usize) -> SkbContext {
        SkbContext {
            packet,
            not_captured: 0,
            mac_len,
            network_off,
            protocol: 0,
            pkt_type: 0,
            mark: 0,
            priority: 0,
            queue_mapping: 0,
            vlan: None,
            ingress_ifindex: 0,
            ifindex: LOOPBACK,
            tc_index: 0,
            cb: [0; 5],
            hash: 0,
            hash_valid: false,
            tc_classid: 0,
            napi_id: 0,
            family: 0,
            remote_ip4: 0,
            local_ip4: 0,
            remote_ip6: [0; 4],
            local_ip6: [0; 4],
            remote_port: 0,
            local_port: 0,
            tstamp: 0,
            tstamp_type: 0,
            hwtstamp: 0,
            wire_len: 0,
            gso_segs: 0,
            gso_size: 0,
            checksum: Checksum::None,
            encapsulation: false,
        }
    }

    /// The number in a field of `__sk_buff`, or in an element of one that is an array.
    pub(super) fn field(&self, name: &str, index: usize) -> Option<u64> {
        let number = match name {
            "len" => {
                let len = u32::try_from(self.packet.len()).unwrap_or(u32::MAX);
                len.saturating_add(self.not_captured)
            }
            "pkt_type" => self.pkt_type.into(),
            "mark" => self.mark,
            "queue_mapping" => self.queue_mapping,
            // Network byte order stands in memory; a load sees it through this machine's eyes.
            "protocol" => self.protocol.to_be().into(),
            "vlan_present" => self.vlan.is_some().into(),
            "vlan_tci" => self.vlan.map_or(0, |tag| tag.tci.into()),
            "vlan_proto" => self.vlan.map_or(0, |tag| tag.proto.to_be().into()),
            "priority" => self.priority,
            "ingress_ifindex" => self.ingress_ifindex,
            "ifindex" => self.ifindex,
            "tc_index" => self.tc_index,
            "cb" => *self.cb.get(index)?,
            "hash" => self.hash,
            "tc_classid" => self.tc_classid,
            "napi_id" if self.napi_id < MIN_NAPI_ID => 0,
            "napi_id" => self.napi_id,
            "family" => self.family,
            "remote_ip4" => self.remote_ip4,
            "local_ip4" => self.local_ip4,
            "remote_ip6" => *self.remote_ip6.get(index)?,
            "local_ip6" => *self.local_ip6.get(index)?,
            "remote_port" => self.remote_port,
            "local_port" => self.local_port,
            "tstamp" => return Some(self.tstamp),
            "tstamp_type" => self.tstamp_type.into(),
            "hwtstamp" => return Some(self.hwtstamp),
            "wire_len" => self.wire_len,
            "gso_segs" => self.gso_segs,
            "gso_size" => self.gso_size,
            _ => return None,
        };
        Some(number.into())
    }

    /// Stores to a field of `__sk_buff`, from byte `offset` of it on. What the kernel keeps in
    /// fewer bits is cut to them.
    #[expect(clippy::cast_possible_truncation, reason = "a store keeps the low bytes")]
    pub(super) fn set_field(
        &mut self,
        name: &str,
        offset: usize,
        size: Size,
        value: u64,
    ) -> Option<()> {
        match name {
            "mark" => self.mark = value as u32,
            "priority" => self.priority = value as u32,
            "tc_index" => self.tc_index = u32::from(value as u16),
            "tc_classid" => self.tc_classid = u32::from(value as u16),
            "queue_mapping" if u64::from(value as u32) >= NO_QUEUE_MAPPING => {}
            "queue_mapping" => self.queue_mapping = u32::from(value as u16),
            "tstamp" => self.tstamp = value,
            "cb" => {
                let mut bytes = [0; 20];
                for (to, word) in bytes.chunks_exact_mut(4).zip(self.cb) {
                    to.copy_from_slice(&word.to_le_bytes());
                }
                let value = value.to_le_bytes();
                bytes
                    .get_mut(offset..)?
                    .get_mut(..size.bytes())?
                    .copy_from_slice(&value[..size.bytes()]);
                for (word, from) in self.cb.iter_mut().zip(bytes.as_chunks().0) {
                    *word = u32::from_le_bytes(*from);
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// The bytes that a legacy packet load names; negative offsets count from the network or the
    /// MAC header.
    pub(crate) fn legacy_range(&self, off: i32, len: usize) -> Option<Bytes<'_>> {
        let data = i64::from(off);
        let from = match off {
            0.. => data,
            NET_OFF..0 => data - i64::from(NET_OFF) + i64::try_from(self.network_off).ok()?,
            LL_OFF..NET_OFF => data - i64::from(LL_OFF) - i64::try_from(self.mac_len).ok()?,
            ..LL_OFF => return None,
        };
        self.packet.range_around(from, len)
    }
}
