//! Running a filter, as Linux does.
//!
//! All is pure: a packet and what is known of it go in, a number comes out. A filter jumps forward
//! only, so that it ends after as many steps as it has instructions.
//!
//! A load of bytes that are not there ends the filter with 0, as does division by an `X` of zero.

use super::ancillary::{AD_OFF, Ancillary, LL_OFF, NET_OFF};
use super::check::Filter;
use super::insn::{AluOp, Cell, Condition, Insn, Place, Register, Returned, Size, Source, Value};
use super::seccomp;

/// A packet and what the kernel knows of it, as far as filters can ask.
#[derive(Clone, Debug)]
pub struct Skb<'a> {
    /// The packet's bytes, with headers that lie before the first one that offsets count from.
    pub bytes: &'a [u8],
    /// Where offsets count from.
    pub data_off: usize,
    /// Where the link header begins, if there is one.
    pub link_off: Option<usize>,
    /// Where the network header begins.
    pub network_off: usize,
    /// The length that the packet says it has: more than there are bytes, if it was cut when it was
    /// captured.
    pub len: u32,
    /// The EtherType, in host byte order.
    pub protocol: u16,
    /// For this host, to all and so on.
    pub pkt_type: u8,
    /// The device that it came from or goes to.
    pub device: Option<Device>,
    /// The mark.
    pub mark: u32,
    /// The queue.
    pub queue: u16,
    /// The flow hash.
    pub hash: u32,
    /// The VLAN tag beside the packet.
    pub vlan: Option<VlanTag>,
    /// The CPU.
    pub cpu: u32,
    /// Where the payload behind the transport header begins, 0 if that is not known.
    pub payload_off: u32,
}

/// A network device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Device {
    /// Its number.
    pub ifindex: u32,
    /// Its hardware type (`ARPHRD_*`).
    pub hatype: u16,
}

/// A VLAN tag that stands beside the packet, not in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VlanTag {
    /// The tag protocol.
    pub proto: u16,
    /// Priority, drop eligibility and VLAN id.
    pub tci: u16,
}

impl<'a> Skb<'a> {
    /// A packet whose first byte is both link header and network header; everything else is zero.
    pub fn new(bytes: &'a [u8]) -> Skb<'a> {
        Skb {
            bytes,
            data_off: 0,
            link_off: Some(0),
            network_off: 0,
            len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            protocol: 0,
            pkt_type: 0,
            device: None,
            mark: 0,
            queue: 0,
            hash: 0,
            vlan: None,
            cpu: 0,
            payload_off: 0,
        }
    }

    /// The number at an offset as packet loads count it.
    fn number(&self, off: u32, size: Size) -> Option<u32> {
        let (from, off) = match off {
            0..0x8000_0000 => (self.data_off, off),
            NET_OFF.. => (self.network_off, off - NET_OFF),
            LL_OFF..NET_OFF => (self.link_off?, off - LL_OFF),
            0x8000_0000..LL_OFF => return None,
        };
        let start = from.checked_add(off as usize)?;
        let bytes = self.bytes.get(start..start.checked_add(size.bytes())?)?;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    /// The offset of a netlink attribute, searched from `from` on; 0 if there is none.
    fn attribute(&self, from: u32, wanted: u32, nested: bool) -> u32 {
        let data = self.bytes.get(self.data_off..).unwrap_or_default();
        let found = Attribute::at(data, from as usize, data.len()).and_then(|first| {
            let (mut at, end) = match nested {
                true => (first.at + Attribute::HEADER, first.at + first.len),
                false => (first.at, data.len()),
            };
            while let Some(attribute) = Attribute::at(data, at, end) {
                if u32::from(attribute.kind) == wanted {
                    return u32::try_from(attribute.at).ok();
                }
                at += attribute.len.next_multiple_of(4);
            }
            None
        });
        found.unwrap_or(0)
    }
}

/// A netlink attribute (`struct nlattr`).
struct Attribute {
    at: usize,
    len: usize,
    kind: u16,
}

impl Attribute {
    const HEADER: usize = 4;
    /// The bits of the type that are no flags (`NLA_TYPE_MASK`).
    const KIND: u16 = 0x3fff;

    /// The attribute at an offset, if one fits before the end.
    fn at(data: &[u8], at: usize, end: usize) -> Option<Attribute> {
        let rest = data.get(at..end)?;
        let [len0, len1, kind0, kind1] = *rest.first_chunk()?;
        let len = usize::from(u16::from_le_bytes([len0, len1]));
        let kind = u16::from_le_bytes([kind0, kind1]) & Attribute::KIND;
        let fits = (Attribute::HEADER..=rest.len()).contains(&len);
        fits.then_some(Attribute { at, len, kind })
    }
}

impl Filter {
    /// Runs the filter on a packet and returns how many bytes of it to keep, at most. `random` gives
    /// random numbers.
    pub fn run(&self, skb: &Skb<'_>, random: &mut dyn FnMut() -> u32) -> u32 {
        Machine::default().run(self.insns(), &mut Packet { skb, random })
    }

    /// Runs a filter of seccomp on a `struct seccomp_data` and returns what is to happen.
    pub fn judge(&self, data: &[u8; seccomp::DATA_BYTES]) -> u32 {
        Machine::default().run(self.insns(), &mut SystemCall(data))
    }
}

/// What a filter reads.
trait Input {
    fn len(&self) -> u32;

    /// The number at an offset, if it is there.
    fn number(&self, off: u32, size: Size) -> Option<u32>;

    /// What an ancillary load gives, or with what the filter ends.
    fn ancillary(&mut self, field: Ancillary, a: u32, x: u32) -> Result<u32, u32>;
}

struct Packet<'a> {
    skb: &'a Skb<'a>,
    random: &'a mut dyn FnMut() -> u32,
}

impl Input for Packet<'_> {
    fn len(&self) -> u32 {
        self.skb.len
    }

    fn number(&self, off: u32, size: Size) -> Option<u32> {
        self.skb.number(off, size)
    }

    fn ancillary(&mut self, field: Ancillary, a: u32, x: u32) -> Result<u32, u32> {
        let skb = self.skb;
        // Without a device, the kernel ends the filter with what is in A.
        let device = skb.device.ok_or(a);
        Ok(match field {
            Ancillary::Protocol => skb.protocol.into(),
            Ancillary::PktType => skb.pkt_type.into(),
            Ancillary::IfIndex => device?.ifindex,
            Ancillary::NlAttr => skb.attribute(a, x, false),
            Ancillary::NlAttrNest => skb.attribute(a, x, true),
            Ancillary::Mark => skb.mark,
            Ancillary::Queue => skb.queue.into(),
            Ancillary::HaType => device?.hatype.into(),
            Ancillary::RxHash => skb.hash,
            Ancillary::Cpu => skb.cpu,
            Ancillary::AluXorX => a ^ x,
            Ancillary::VlanTag => skb.vlan.map_or(0, |tag| tag.tci.into()),
            Ancillary::VlanTagPresent => skb.vlan.is_some().into(),
            Ancillary::PayOffset => skb.payload_off,
            Ancillary::Random => (self.random)(),
            Ancillary::VlanTpid => skb.vlan.map_or(0, |tag| tag.proto.into()),
        })
    }
}

struct SystemCall<'a>(&'a [u8; seccomp::DATA_BYTES]);

impl Input for SystemCall<'_> {
    fn len(&self) -> u32 {
        seccomp::DATA_LEN
    }

    fn number(&self, off: u32, _size: Size) -> Option<u32> {
        let bytes = self.0.get(off as usize..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    }

    fn ancillary(&mut self, _field: Ancillary, _a: u32, _x: u32) -> Result<u32, u32> {
        // The checker lets none through.
        Err(0)
    }
}

/// Registers and memory.
#[derive(Default)]
struct Machine {
    a: u32,
    x: u32,
    cells: [u32; Cell::COUNT as usize],
}

impl Machine {
    fn run(&mut self, insns: &[Insn], input: &mut impl Input) -> u32 {
        let mut at = 0;
        while let Some(insn) = insns.get(at) {
            at += 1;
            match self.step(*insn, input) {
                Ok(skipped) => at += skipped,
                Err(result) => return result,
            }
        }
        unreachable!("classic: the last instruction of a filter returns")
    }

    /// Executes an instruction and returns how many to skip, or with what the filter ends.
    fn step(&mut self, insn: Insn, input: &mut impl Input) -> Result<usize, u32> {
        match insn {
            Insn::LoadPacket { size, place } => {
                self.a = match place {
                    Place::Abs(k) => input.number(k, size).ok_or(0u32)?,
                    Place::Ind(k) => input.number(self.x.wrapping_add(k), size).ok_or(0u32)?,
                    Place::Ancillary(field) => input.ancillary(field, self.a, self.x)?,
                };
            }
            Insn::Load { to, value } => {
                let value = match value {
                    Value::Imm(k) => k,
                    Value::Mem(cell) => self.cells[cell.index()],
                    Value::Len => input.len(),
                };
                *self.register(to) = value;
            }
            Insn::LoadHeaderLen { k } => {
                self.x = (input.number(k, Size::B).ok_or(0u32)? & 0xf) << 2;
            }
            Insn::Store { from, cell } => self.cells[cell.index()] = *self.register(from),
            Insn::Alu { op, source } => {
                self.a = alu(op, self.a, self.source(source)).ok_or(0u32)?;
            }
            Insn::Neg => self.a = self.a.wrapping_neg(),
            Insn::Goto { k } => return Ok(k as usize),
            Insn::Branch { cond, source, jt, jf } => {
                let holds = condition(cond, self.a, self.source(source));
                return Ok(usize::from(if holds { jt } else { jf }));
            }
            Insn::Return(Returned::K(k)) => return Err(k),
            Insn::Return(Returned::A) => return Err(self.a),
            Insn::Tax => self.x = self.a,
            Insn::Txa => self.a = self.x,
        }
        Ok(0)
    }

    fn register(&mut self, register: Register) -> &mut u32 {
        match register {
            Register::A => &mut self.a,
            Register::X => &mut self.x,
        }
    }

    fn source(&self, source: Source) -> u32 {
        match source {
            Source::K(k) => k,
            Source::X => self.x,
        }
    }
}

/// `a op b`; `None` for a division by zero.
pub(super) fn alu(op: AluOp, a: u32, b: u32) -> Option<u32> {
    Some(match op {
        AluOp::Add => a.wrapping_add(b),
        AluOp::Sub => a.wrapping_sub(b),
        AluOp::Mul => a.wrapping_mul(b),
        AluOp::Div => a.checked_div(b)?,
        AluOp::Mod => a.checked_rem(b)?,
        AluOp::Or => a | b,
        AluOp::And => a & b,
        AluOp::Xor => a ^ b,
        AluOp::Lsh => a.wrapping_shl(b),
        AluOp::Rsh => a.wrapping_shr(b),
    })
}

/// Whether `a cond b` holds.
pub(super) fn condition(cond: Condition, a: u32, b: u32) -> bool {
    match cond {
        Condition::Eq => a == b,
        Condition::Gt => a > b,
        Condition::Ge => a >= b,
        Condition::Set => a & b != 0,
    }
}

const _: () = assert!(LL_OFF < NET_OFF && NET_OFF < AD_OFF);
