//! Filters that tcpdump compiles, on the sample capture: the packets that they accept are those that
//! tcpdump itself writes, in the interpreter, translated in the user engine, and in the kernel.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use skep::capture::{Frame, Reader};
use skep::command::Engine;
use skep::filter::CaptureFilter;
use skep::replay::Tally;
use skep::spec::classic::dump::{self, Form};
use skep::spec::classic::{self, Filter, Rules};

const EXPRESSIONS: [&str; 36] = [
    "",
    "arp",
    "ip",
    "ip6",
    "icmp",
    "icmp6",
    "tcp",
    "udp",
    "tcp port 80",
    "udp port 53",
    "port 53",
    "portrange 1-1023",
    "src port 80 and dst portrange 30000-65535",
    "host 192.0.2.80",
    "src host 10.20.0.2 or dst host 10.20.0.10",
    "net 203.0.113.0/24",
    "not src net 203.0.113.0/24",
    "ip6 host 2001:db8::2",
    "ip6 net 2001:db8:bad::/48",
    "ether host ff:ff:ff:ff:ff:ff",
    "ether multicast",
    "broadcast",
    "vlan",
    "vlan 100 and tcp port 80",
    "vlan 200 and vlan 20 and icmp",
    "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn",
    "tcp[tcpflags] & (tcp-fin|tcp-rst) != 0",
    "ip[6:2] & 0x3fff != 0",
    "ip[0] & 0xf != 5 or ip[8] < 64",
    "tcp[((tcp[12] & 0xf0) >> 2):4] == 0x47455420",
    "less 64",
    "greater 1000",
    "len % 7 == 3 and ip[2:2] / 3 > 40",
    "icmp[icmptype] == icmp-echo or icmp6 and ip6[40] == 128",
    "ip proto 17 and not port 53",
    "tcp and (((ip[2:2] - ((ip[0] & 0xf) << 2)) - ((tcp[12] & 0xf0) >> 2)) != 0)",
];

fn sample() -> PathBuf {
    testkit::root().join("tests/captures/sample.pcap")
}

/// What tcpdump prints with these options, given the sample capture.
fn tcpdump(options: &[&str], expression: &str) -> std::io::Result<Vec<u8>> {
    let mut child = Command::new("tcpdump")
        .args(["-r", "-"])
        .args(options)
        .arg(expression)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || {
        // tcpdump that only compiles does not read to the end.
        let _ = input.write_all(&read_sample());
    });
    let output = child.wait_with_output()?;
    feeder.join().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tcpdump {options:?} {expression:?}: {errors}");
    Ok(output.stdout)
}

fn read_sample() -> Vec<u8> {
    std::fs::read(sample()).unwrap()
}

/// A frame's time and bytes.
type Packet = (u64, Vec<u8>);

fn packets(capture: &[u8], mut accept: impl FnMut(&Frame<'_>) -> bool) -> Vec<Packet> {
    let mut reader = Reader::new(capture).unwrap();
    let mut packets = Vec::new();
    while let Some(frame) = reader.next_frame() {
        let frame = frame.unwrap();
        if accept(&frame) {
            packets.push((frame.timestamp_ns, frame.data.to_vec()));
        }
    }
    packets
}

/// The packets that a filter accepts.
fn accepted(filter: &CaptureFilter) -> Vec<Packet> {
    let mut tally = Tally::default();
    let accepted =
        packets(&read_sample(), |frame| filter.run(frame, &mut tally).unwrap().unwrap().goes_on());
    assert!(tally.refused.is_empty(), "{:?}", tally.refused);
    accepted
}

/// The filter for an expression, which all forms of tcpdump's output agree on.
fn compiled(expression: &str) -> Filter {
    let text = |option| String::from_utf8(tcpdump(&[option], expression).unwrap()).unwrap();
    let (listing, initialisers, decimals) = (text("-d"), text("-dd"), text("-ddd"));
    let raws = dump::parse(&decimals).unwrap();
    assert_eq!(dump::parse(&initialisers), Ok(raws.clone()), "{initialisers}");
    // tcpdump leaves numbers in fields that an instruction does not use, which text does not show.
    let used: Vec<_> = raws.iter().map(|raw| raw.used()).collect();
    assert_eq!(dump::parse(&listing), Ok(used.clone()), "{listing}");
    assert_eq!(dump::print(&raws, Form::Decimals), Ok(decimals));
    assert_eq!(dump::print(&raws, Form::Initialisers), Ok(initialisers));
    for form in [Form::Assembly, Form::Listing] {
        let text = dump::print(&raws, form).unwrap();
        assert_eq!(dump::parse(&text), Ok(used.clone()), "{text}");
    }
    classic::check(&raws, Rules::Socket).unwrap()
}

#[test]
fn expressions() {
    if let Err(error) = tcpdump(&["-d"], "ip") {
        return testkit::skip(&format!("comparing with tcpdump: {error}"));
    }
    let user: Arc<dyn Engine> = skep::user();
    let linux: Arc<dyn Engine> = skep::linux().unwrap();
    let mut in_kernel = true;
    for expression in EXPRESSIONS {
        let theirs = packets(&tcpdump(&["-w", "-"], expression).unwrap(), |_| true);
        let filter = compiled(expression);
        assert_eq!(accepted(&CaptureFilter::interpret(filter.clone())), theirs, "{expression}");
        let loaded = CaptureFilter::load(&user, &filter).unwrap();
        assert_eq!(accepted(&loaded), theirs, "user engine: {expression}");
        match CaptureFilter::load(&linux, &filter) {
            Ok(loaded) => assert_eq!(accepted(&loaded), theirs, "linux engine: {expression}"),
            Err(error) if in_kernel => {
                in_kernel = false;
                testkit::skip(&format!("tcpdump's filters in the kernel: {error}"));
            }
            Err(_) => {}
        }
        println!("{:>5} packets: {expression}", theirs.len());
    }
}
