//! What a filter can ask the kernel beside the packet's bytes, and where offsets begin that do not
//! count from the packet's first byte.

use crate::abi::uapi::uapi_enum;

/// Absolute loads from here on, in 32 bits, are ancillary loads (`SKF_AD_OFF`, -0x1000).
pub const AD_OFF: u32 = 0xffff_f000;

/// Offsets from here on, up to [`AD_OFF`], count from the network header (`SKF_NET_OFF`, -0x100000).
pub const NET_OFF: u32 = 0xfff0_0000;

/// Offsets from here on, up to [`NET_OFF`], count from the link header (`SKF_LL_OFF`, -0x200000).
pub const LL_OFF: u32 = 0xffe0_0000;

uapi_enum! {
    /// A fact about a packet that an ancillary load asks for. Short names are those of `bpf_asm`.
    pub enum Ancillary {
        /// The EtherType, in host byte order.
        Protocol = 0, "SKF_AD_PROTOCOL", "proto";
        /// For this host, to all, to a group, for another host, outgoing.
        PktType = 4, "SKF_AD_PKTTYPE", "type";
        /// The number of the device.
        IfIndex = 8, "SKF_AD_IFINDEX", "ifidx";
        /// Where the netlink attribute of type `X` is, searched from offset `A` on; 0 if nowhere.
        NlAttr = 12, "SKF_AD_NLATTR", "nla";
        /// The same within the attribute at offset `A`.
        NlAttrNest = 16, "SKF_AD_NLATTR_NEST", "nlan";
        /// The packet's mark.
        Mark = 20, "SKF_AD_MARK", "mark";
        /// The queue of the device.
        Queue = 24, "SKF_AD_QUEUE", "queue";
        /// The hardware type of the device (`ARPHRD_*`).
        HaType = 28, "SKF_AD_HATYPE", "hatype";
        /// The flow hash.
        RxHash = 32, "SKF_AD_RXHASH", "rxhash";
        /// The CPU that runs the filter.
        Cpu = 36, "SKF_AD_CPU", "cpu";
        /// No question at all: `A ^= X`, from before there was an instruction for it.
        AluXorX = 40, "SKF_AD_ALU_XOR_X", "xor_x";
        /// The VLAN tag beside the packet.
        VlanTag = 44, "SKF_AD_VLAN_TAG", "vlan_tci";
        /// Whether there is one.
        VlanTagPresent = 48, "SKF_AD_VLAN_TAG_PRESENT", "vlan_avail";
        /// Where the payload behind the transport header begins.
        PayOffset = 52, "SKF_AD_PAY_OFFSET", "poff";
        /// A random number.
        Random = 56, "SKF_AD_RANDOM", "rand";
        /// The protocol of the VLAN tag beside the packet.
        VlanTpid = 60, "SKF_AD_VLAN_TPID", "vlan_tpid";
    }
}

/// Other names: of libpcap's `tcpdump -d`, and of the kernel's documentation.
const ALIASES: [(&str, Ancillary); 5] = [
    ("vlanp", Ancillary::VlanTagPresent),
    ("vlan_pr", Ancillary::VlanTagPresent),
    ("random", Ancillary::Random),
    ("pkttype", Ancillary::PktType),
    ("ifindex", Ancillary::IfIndex),
];

impl Ancillary {
    /// The one that an absolute load at this offset asks for.
    pub fn from_offset(k: u32) -> Option<Ancillary> {
        Ancillary::from_u32(k.checked_sub(AD_OFF)?)
    }

    /// The offset of an absolute load that asks for it.
    pub const fn offset(self) -> u32 {
        AD_OFF + self.number()
    }

    /// The one of this name, as any tool writes it.
    pub fn from_word(word: &str) -> Option<Ancillary> {
        let alias = ALIASES.iter().find(|(alias, _)| *alias == word).map(|(_, field)| *field);
        Ancillary::from_name(word).or(alias)
    }
}
