//! Packet captures: reading pcap and pcapng, writing pcap.
//!
//! The formats are read by the `pcap-file` crate. What is added here: the format is told by its
//! first bytes, time stamps are nanoseconds since 1970 whatever resolution the file has, frames
//! that were cut short when captured are accepted, and an error names the frame at which it is.

mod reader;
mod writer;

#[cfg(test)]
mod tests;

use std::io;

pub use reader::Reader;
pub use writer::Writer;

/// How the first bytes of a frame are to be read: a number of the registry of link types that all
/// capture formats share.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LinkType(pub u32);

impl LinkType {
    /// Ethernet frames.
    pub const ETHERNET: LinkType = LinkType(1);
    /// IPv4 or IPv6 packets without a link layer.
    pub const RAW: LinkType = LinkType(101);
    /// A protocol family in four bytes of the capturing host's order: BSD's loopback.
    pub const NULL: LinkType = LinkType(0);
    /// The same in network byte order.
    pub const LOOP: LinkType = LinkType(108);
    /// Linux's devices all at once, with a header of 16 bytes.
    pub const LINUX_SLL: LinkType = LinkType(113);
    /// The same with a header of 20 bytes.
    pub const LINUX_SLL2: LinkType = LinkType(276);
    /// IPv4 packets without a link layer.
    pub const IPV4: LinkType = LinkType(228);
    /// IPv6 packets without a link layer.
    pub const IPV6: LinkType = LinkType(229);
}

/// One frame of a capture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame<'a> {
    /// When it was captured, in nanoseconds since 1970.
    pub timestamp_ns: u64,
    /// How its first bytes are to be read.
    pub link: LinkType,
    /// The bytes that were kept.
    pub data: &'a [u8],
    /// How long it was on the wire, in bytes.
    pub wire_len: u32,
}

/// A capture that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The first bytes are of no capture format.
    #[error(
        "not a packet capture: begins with {found:02x?}, required is the magic number of pcap or \
         pcapng"
    )]
    Format {
        /// The first bytes, four at most.
        found: Vec<u8>,
    },
    /// The file ends within a header or a frame.
    #[error("the capture is cut off within {place}")]
    Truncated {
        /// Where.
        place: Place,
    },
    /// A field has no meaning.
    #[error("damaged capture: {place}: {what}")]
    Damaged {
        /// Where.
        place: Place,
        /// What is wrong.
        what: String,
    },
    /// The file could not be read or written.
    #[error("{place}: {source}")]
    Io {
        /// Where.
        place: Place,
        /// Why.
        source: io::Error,
    },
    /// A time before 1970 or after the format's last second.
    #[error("{place}: a time of {timestamp_ns} ns since 1970 does not fit the format")]
    Time {
        /// Where.
        place: Place,
        /// The time.
        timestamp_ns: u64,
    },
}

/// Where in a capture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In the header of the file.
    Header,
    /// In a frame, counted from 1 as Wireshark does.
    Frame(u64),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Header => f.write_str("its header"),
            Place::Frame(number) => write!(f, "frame {number}"),
        }
    }
}
