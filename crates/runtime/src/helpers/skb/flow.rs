//! Who talks to whom: the addresses, ports and protocol of a packet, for its flow hash.
//!
//! Linux hashes the same things with a key that it draws at boot, so that no two machines agree on
//! the hash; what programs rely on is that it tells flows apart.

use std::hash::{DefaultHasher, Hasher};

use crate::context::SkbContext;

const ETH_P_IP: u16 = 0x0800;
const ETH_P_IPV6: u16 = 0x86dd;
const ETH_P_8021Q: u16 = 0x8100;
const ETH_P_8021AD: u16 = 0x88a8;

/// Headers that are skipped at most, tags and IPv6 extensions together.
const HEADERS_MAX: usize = 16;

/// The two ends of a flow in an order that does not depend on the direction.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::helpers) struct Flow {
    ends: [Vec<u8>; 2],
    protocol: u16,
    transport: u8,
}

impl Flow {
    /// The flow that a packet belongs to, as far as its headers tell.
    pub(in crate::helpers) fn of(skb: &SkbContext) -> Flow {
        let packet = skb.packet.to_vec();
        let rest = packet.get(skb.network_off..).unwrap_or_default();
        let mut flow = Flow { protocol: skb.protocol, ..Flow::default() };
        flow.read(rest);
        flow.ends.sort();
        flow
    }

    /// A hash that is not 0.
    pub(in crate::helpers) fn hash(&self) -> u32 {
        let mut hasher = DefaultHasher::new();
        hasher.write_u16(self.protocol);
        hasher.write_u8(self.transport);
        for end in &self.ends {
            hasher.write_usize(end.len());
            hasher.write(end);
        }
        let hash = hasher.finish();
        u32::try_from(hash >> 32).unwrap_or_default().max(1)
    }

    fn read(&mut self, mut rest: &[u8]) {
        for _ in 0..HEADERS_MAX {
            match (self.protocol, rest) {
                (ETH_P_8021Q | ETH_P_8021AD, [_, _, p0, p1, inner @ ..]) => {
                    self.protocol = u16::from_be_bytes([*p0, *p1]);
                    rest = inner;
                }
                (ETH_P_IP, _) => return self.read_ipv4(rest),
                (ETH_P_IPV6, _) => return self.read_ipv6(rest),
                _ => return,
            }
        }
    }

    fn read_ipv4(&mut self, header: &[u8]) {
        let Some(fixed) = header.first_chunk::<20>() else { return };
        let [version_len, _, _, _, _, _, f0, f1, _, transport, ..] = *fixed;
        let [.., s0, s1, s2, s3, d0, d1, d2, d3] = *fixed;
        self.ends = [vec![s0, s1, s2, s3], vec![d0, d1, d2, d3]];
        self.transport = transport;
        let fragment = u16::from_be_bytes([f0, f1]) & 0x3fff != 0;
        let len = usize::from(version_len & 0xf) * 4;
        if !fragment && len >= 20 {
            self.read_ports(header.get(len..).unwrap_or_default());
        }
    }

    fn read_ipv6(&mut self, header: &[u8]) {
        let Some((fixed, mut rest)) = header.split_first_chunk::<40>() else { return };
        let (source, destination) = fixed.split_at(24);
        self.ends = [source.get(8..).unwrap_or_default().to_vec(), destination.to_vec()];
        let mut next = fixed.get(6).copied().unwrap_or_default();
        for _ in 0..HEADERS_MAX {
            match (next, rest) {
                // Hop-by-hop, routing and destination options.
                (0 | 43 | 60, [following, words, ..]) => {
                    next = *following;
                    rest = rest.get((usize::from(*words) + 1) * 8..).unwrap_or_default();
                }
                // A fragment has no ports, or must not be told apart from those that have none.
                (44, [following, ..]) => {
                    self.transport = *following;
                    return;
                }
                _ => break,
            }
        }
        self.transport = next;
        self.read_ports(rest);
    }

    /// The ports of TCP, UDP, DCCP, SCTP and UDP-Lite.
    fn read_ports(&mut self, header: &[u8]) {
        if let (6 | 17 | 33 | 132 | 136, [s0, s1, d0, d1, ..]) = (self.transport, header) {
            let [source, destination] = &mut self.ends;
            source.extend([*s0, *s1]);
            destination.extend([*d0, *d1]);
        }
    }
}
