//! Contexts: what a program is called with.
//!
//! A program sees a structure of the UAPI (`xdp_md`, `__sk_buff`) at the address in `r1`. That
//! structure does not exist in memory: its fields are computed from the context when the program
//! loads them, and stores go back the same way. Which loads and stores there are is told by the
//! tables in [`skep_spec::abi::context`]. `data`, `data_end` and `data_meta` are real 64-bit
//! addresses although the UAPI declares them as `u32`.

mod skb;
mod xdp;

pub use skb::{Checksum, SkbContext, VlanTag};
pub use xdp::XdpContext;

use skep_spec::abi::context::{self as layouts, Access, Field, FieldKind, Hit};
use skep_spec::abi::{AttachType, ProgType};
use skep_spec::insn::Size;
use skep_spec::semantics;

use crate::packet::Packet;

/// What a program is called with.
#[derive(Debug)]
pub enum Context {
    /// `struct xdp_md`.
    Xdp(XdpContext),
    /// `struct __sk_buff`.
    Skb(Box<SkbContext>),
    /// No structure: plain values in `r1` and `r2`, such as an address and a length.
    Plain([u64; 2]),
}

impl Context {
    /// The packet, if there is one.
    pub fn packet(&self) -> Option<&Packet> {
        match self {
            Context::Xdp(xdp) => Some(&xdp.packet),
            Context::Skb(skb) => Some(&skb.packet),
            Context::Plain(_) => None,
        }
    }

    /// The packet, to change it.
    pub fn packet_mut(&mut self) -> Option<&mut Packet> {
        match self {
            Context::Xdp(xdp) => Some(&mut xdp.packet),
            Context::Skb(skb) => Some(&mut skb.packet),
            Context::Plain(_) => None,
        }
    }

    /// The structure's name in the UAPI.
    pub fn uapi_name(&self) -> &'static str {
        match self {
            Context::Xdp(_) => "struct xdp_md",
            Context::Skb(_) => "struct __sk_buff",
            Context::Plain(_) => "a program without context",
        }
    }

    /// Loads a field, or a part of one, as a program sees it; `None` if a program of this type may
    /// not.
    pub(crate) fn load(&self, view: &View, off: u32, size: Size, signed: bool) -> Option<u64> {
        let bytes = byte_count(size);
        let Hit { field, offset } = view.load(off, size)?;
        if signed && field.kind.is_pointer() {
            return None;
        }
        let whole = match field.kind {
            FieldKind::PacketData => return self.packet().map(Packet::data_addr),
            FieldKind::PacketEnd => return self.packet().map(Packet::linear_end_addr),
            FieldKind::PacketMeta => return self.packet().map(Packet::meta_addr),
            FieldKind::Scalar => self.at(field, offset, bytes)?,
            // There are no sockets behind packets of this engine yet, and null is allowed here.
            FieldKind::SockCommonOrNull | FieldKind::SocketOrNull => return Some(0),
            FieldKind::Socket
            | FieldKind::FlowKeys
            | FieldKind::TracepointBuffer
            | FieldKind::Kernel(_) => return None,
        };
        Some(semantics::load(size, signed, whole))
    }

    /// The bytes from `offset` of a field on, as the low bytes of a number.
    fn at(&self, field: &Field, offset: u32, bytes: u32) -> Option<u64> {
        let (element, part) = (offset / field.bytes, offset % field.bytes);
        let whole = self.element(field, element)?;
        if bytes >= self.kept_bytes(field) && bytes <= field.bytes {
            // The kernel cuts a part out of what it keeps only where that is longer than the part;
            // else the load gives all that there is, wherever in the field it begins.
            return Some(whole);
        }
        let low = whole >> (8 * part);
        if part + bytes <= field.bytes {
            return Some(low);
        }
        // Eight bytes over two elements of four.
        Some(low | self.element(field, element + 1)? << (8 * field.bytes))
    }

    /// How many bytes the kernel keeps for an element of a field.
    fn kept_bytes(&self, field: &Field) -> u32 {
        match self {
            Context::Skb(_) => skb::kept_bytes(field),
            Context::Xdp(_) | Context::Plain(_) => field.bytes,
        }
    }

    fn element(&self, field: &Field, index: u32) -> Option<u64> {
        match self {
            Context::Xdp(xdp) => xdp.field(field.name),
            Context::Skb(skb) => skb.field(field.name, index as usize),
            Context::Plain(_) => None,
        }
    }

    /// Stores to a field; `None` if a program of this type may not.
    pub(crate) fn store(&mut self, view: &View, off: u32, size: Size, value: u64) -> Option<()> {
        let Hit { field, offset } = view.store(off, size)?;
        match self {
            Context::Xdp(_) | Context::Plain(_) => None,
            Context::Skb(skb) => skb.set_field(field.name, offset as usize, size, value),
        }
    }
}

/// What programs of one type, for one attach type, see of their context.
#[derive(Debug)]
pub(crate) struct View {
    prog_type: ProgType,
    attach: Option<AttachType>,
    /// What a load touches, by offset and size: the table's answers, as they are asked for often.
    loads: Vec<[Option<Hit>; 4]>,
}

impl View {
    /// The view of these programs.
    pub(crate) fn new(prog_type: ProgType, attach: Option<AttachType>) -> View {
        let context = layouts::of(prog_type);
        let len = context.as_struct().map_or(0, |context| context.layout.bytes);
        let hit = |off, bytes| context.access(Access::load(off, bytes), attach).ok();
        let loads = (0..len).map(|off| [1, 2, 4, 8].map(|bytes| hit(off, bytes))).collect();
        View { prog_type, attach, loads }
    }

    fn load(&self, off: u32, size: Size) -> Option<Hit> {
        let [byte, half, word, double] = self.loads.get(off as usize)?;
        match size {
            Size::B => *byte,
            Size::H => *half,
            Size::W => *word,
            Size::DW => *double,
        }
    }

    fn store(&self, off: u32, size: Size) -> Option<Hit> {
        let access = Access::store(off, byte_count(size));
        layouts::of(self.prog_type).access(access, self.attach).ok()
    }
}

const fn byte_count(size: Size) -> u32 {
    match size {
        Size::B => 1,
        Size::H => 2,
        Size::W => 4,
        Size::DW => 8,
    }
}
