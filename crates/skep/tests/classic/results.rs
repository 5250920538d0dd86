//! What filters return: the interpreter, the translated program in the user engine, and the kernel,
//! which runs the filter on one end of a pair of sockets and keeps as many bytes of a datagram as it
//! returns.

use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;

use skep::runtime::context::{Context, SkbContext};
use skep::runtime::packet::Packet;
use skep::runtime::program::{Helpers, NewProgram};
use skep::runtime::{Cpu, FixedWorld, Program, Run};
use skep::spec::classic::ancillary::Ancillary;
use skep::spec::classic::translate::{Translated, translate};
use skep::spec::classic::{self, Filter, Listing, Raw, Rules, Skb};
use skep_linux::attach_filter;

use crate::generate::{self, Kind, PACKET_MAX};
use crate::random::Random;

const FILTERS: usize = 4_000;
const PACKETS: usize = 6;

/// What is known of a datagram without a network: that there is no device, and zeros.
const ANCILLARY: &[Ancillary] = &[
    Ancillary::Protocol,
    Ancillary::PktType,
    Ancillary::IfIndex,
    Ancillary::NlAttr,
    Ancillary::NlAttrNest,
    Ancillary::Mark,
    Ancillary::Queue,
    Ancillary::HaType,
    Ancillary::RxHash,
    Ancillary::AluXorX,
    Ancillary::VlanTag,
    Ancillary::VlanTagPresent,
    Ancillary::VlanTpid,
];

const KIND: Kind = Kind { rules: Rules::Socket, ancillary: ANCILLARY, link: true };

/// Two ends, one of which filters what it gets.
struct Pair {
    sender: UnixDatagram,
    receiver: UnixDatagram,
}

impl Pair {
    fn new() -> Pair {
        let (sender, receiver) = UnixDatagram::pair().unwrap();
        receiver.set_nonblocking(true).unwrap();
        Pair { sender, receiver }
    }

    /// How many bytes of a datagram come through.
    fn kept(&self, packet: &[u8]) -> usize {
        self.sender.send(packet).unwrap();
        let mut buffer = [0; 2 * PACKET_MAX];
        match self.receiver.recv(&mut buffer) {
            Ok(len) => {
                assert_eq!(&buffer[..len], &packet[..len]);
                len
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => panic!("recv: {error}"),
        }
    }
}

/// A datagram as the kernel sees it.
fn skb(packet: &[u8]) -> Skb<'_> {
    Skb { link_off: None, ..Skb::new(packet) }
}

/// Runs a translated filter in the user engine, on a packet without a device.
pub(crate) fn run_translated(translated: &Translated, packet: &[u8]) -> u32 {
    let new = NewProgram {
        id: 1,
        name: "filter",
        prog_type: translated.prog_type,
        expected_attach_type: None,
        license: "GPL",
        code: &translated.code,
        helpers: Helpers::Linux,
    };
    let program: Arc<Program> = Program::load(&new, &|_| None).unwrap();
    let world = FixedWorld::new(0, 1);
    let mut skb = SkbContext::new(Packet::new(0, packet, 0), 0, 0);
    skb.ifindex = 0;
    let mut run = Run::new(&world, Cpu(0), program, Context::Skb(Box::new(skb)));
    // What a program returns has 32 bits.
    u32::try_from(run.start().unwrap() & 0xffff_ffff).unwrap()
}

/// Whether the filter reads what a datagram has in the kernel alone: headers before its data.
fn reads_link(raws: &[Raw]) -> bool {
    let is_link = |raw: &Raw| {
        matches!(raw.code, 0x20 | 0x28 | 0x30 | 0xb1) && (0xffe0_0000..0xfff0_0000).contains(&raw.k)
    };
    raws.iter().any(is_link)
}

#[test]
fn random_filters_on_random_packets() {
    let pair = Pair::new();
    let mut random = Random::new(0xf117_e200);
    let (mut translations, mut some_kept, mut cut) = (0, 0, 0);
    for _ in 0..FILTERS {
        let raws = classic::encode(&generate::sound(&mut random, KIND));
        let filter = classic::check(&raws, Rules::Socket).unwrap();
        attach_filter(pair.receiver.as_fd(), &raws).unwrap();
        let translated = translate(&filter).ok().filter(|_| !reads_link(&raws));
        translations += usize::from(translated.is_some());
        for _ in 0..PACKETS {
            let len = 1 + random.below(PACKET_MAX);
            let packet = random.bytes(len);
            let ours = filter.run(&skb(&packet), &mut || 0);
            if let Some(translated) = &translated {
                let theirs = run_translated(translated, &packet);
                assert_eq!(ours, theirs, "translated\n{}", about(&filter, &packet));
            }
            let kept = pair.kept(&packet);
            let expected = packet.len().min(ours as usize);
            assert_eq!(expected, kept, "the kernel\n{}", about(&filter, &packet));
            some_kept += usize::from(kept > 0);
            cut += usize::from(kept > 0 && kept < packet.len());
        }
    }
    println!(
        "{FILTERS} filters, {translations} translated; of {} packets {some_kept} were kept, {cut} \
         of them cut",
        FILTERS * PACKETS
    );
    assert!(translations > FILTERS / 2 && some_kept > FILTERS && cut > FILTERS / 4);
}

/// Netlink attributes, which random packets hardly hold: well formed, nested, and cut.
#[test]
fn netlink_attributes() {
    let attribute = |kind: u16, payload: &[u8]| {
        let len = u16::try_from(4 + payload.len()).unwrap();
        let mut bytes = [len.to_le_bytes(), kind.to_le_bytes()].concat();
        bytes.extend(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0xaa);
        bytes
    };
    let inner = [attribute(1, &[9]), attribute(5, b"five"), attribute(2, &[])].concat();
    let message = [
        attribute(1, b"one"),
        attribute(0x8000 | 3, &inner),
        attribute(5, b"outer"),
        attribute(7, &[0; 100]),
    ]
    .concat();
    let pair = Pair::new();
    let mut found = 0;
    for (name, len) in
        ["nla", "nlan"].into_iter().flat_map(|name| [(name, message.len()), (name, 40)])
    {
        for (from, kind) in (0..44).flat_map(|from| (0..9).map(move |kind| (from, kind))) {
            let text = format!("ld #{from}\nldx #{kind}\nld #{name}\nadd #1\nret a");
            let raws = classic::encode(&classic::assemble(&text).unwrap());
            let filter = classic::check(&raws, Rules::Socket).unwrap();
            attach_filter(pair.receiver.as_fd(), &raws).unwrap();
            let packet = &message[..len];
            let ours = filter.run(&skb(packet), &mut || 0);
            assert_eq!(pair.kept(packet), ours as usize, "{text}");
            found += usize::from(ours > 1);
        }
    }
    assert!(found > 20, "{found} were found");
}

/// A filter and a packet, for messages.
fn about(filter: &Filter, packet: &[u8]) -> String {
    format!("{}{packet:02x?}", Listing::new(filter.insns()))
}
