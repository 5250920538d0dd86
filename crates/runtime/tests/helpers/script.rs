//! The language of the cases in `tests/helpers`.
//!
//! A line is either what the following runs start from or one run:
//!
//! ```text
//! xdp 64                                  ; a frame of 64 bytes: 00 01 02 …
//! tc 60 12=0800 14=45                     ; a packet, with these bytes at these offsets
//! xdp.frags 6000                          ; a frame for programs that take fragments
//! bpf_xdp_adjust_head(ctx, -216)          ; a run that makes one call
//! field(0) | bpf_skb_load_bytes(ctx, 0, out(4), 4)   ; a run that loads a context field, and calls
//! ```
//!
//! Arguments are numbers, `ctx`, `"text"` and `x"0102"` (memory with these bytes), `out(N)` (memory
//! of N bytes `aa`, shown afterwards), and maps: `devmap(N)` of 4 elements with interface 1 under N,
//! `devmap_hash(N)`, `ringbuf(SIZE)` and `perf(N)` of N places. A map that is named twice in a run is
//! the same map.

use skep_spec::abi::{HelperId, MapType, ProgType};

/// `BPF_F_XDP_HAS_FRAGS`.
const XDP_HAS_FRAGS: u32 = 1 << 5;

/// What runs start from.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) prog_type: ProgType,
    pub(crate) packet: Vec<u8>,
    /// `BPF_F_*` flags that programs are loaded with.
    pub(crate) flags: u32,
}

/// A step of a run.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Loads a 32-bit field of the context.
    Field(u32),
    /// Calls a helper.
    Call(HelperId, Vec<Arg>),
}

/// An argument.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    Number(u64),
    Context,
    Memory(Vec<u8>),
    Out(usize),
    Map(MapArg),
}

/// A map that a run uses: its type and the number in parentheses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct MapArg {
    pub(crate) map_type: MapType,
    pub(crate) number: u32,
}

impl MapArg {
    const NAMES: [(&str, MapType); 4] = [
        ("devmap(", MapType::Devmap),
        ("devmap_hash(", MapType::DevmapHash),
        ("ringbuf(", MapType::Ringbuf),
        ("perf(", MapType::PerfEventArray),
    ];

    fn parse(arg: &str) -> Option<MapArg> {
        let known = |(name, map_type): &(&str, MapType)| {
            let number = arg.strip_prefix(name)?.strip_suffix(')')?;
            Some(MapArg { map_type: *map_type, number: number.parse().ok()? })
        };
        MapArg::NAMES.iter().find_map(known)
    }
}

/// A line.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    Start(Start),
    Run(Vec<Step>),
}

/// The lines of a script with their text; empty lines and comments are left out.
pub(crate) fn parse(script: &str) -> Vec<(&str, Line)> {
    let lines = script.lines().map(|line| line.split(" ;").next().unwrap_or(line).trim());
    lines
        .filter(|line| !line.is_empty() && !line.starts_with(';'))
        .map(|line| (line, parse_line(line)))
        .collect()
}

fn parse_line(line: &str) -> Line {
    if line.contains('(') {
        return Line::Run(line.split(" | ").map(|step| parse_step(step.trim())).collect());
    }
    let mut words = line.split_whitespace();
    let (prog_type, flags) = match words.next() {
        Some("xdp") => (ProgType::Xdp, 0),
        Some("xdp.frags") => (ProgType::Xdp, XDP_HAS_FRAGS),
        Some("tc") => (ProgType::SchedCls, 0),
        other => panic!("{line}: {other:?} starts no run"),
    };
    let len: usize = words.next().and_then(|len| len.parse().ok()).expect("the packet's length");
    let mut packet: Vec<u8> = (0..len).map(|i| i.to_le_bytes()[0]).collect();
    for patch in words {
        let (off, bytes) = patch.split_once('=').expect("OFFSET=HEX");
        let off: usize = off.parse().expect("an offset");
        let bytes = hex(bytes);
        packet[off..off + bytes.len()].copy_from_slice(&bytes);
    }
    Line::Start(Start { prog_type, packet, flags })
}

fn parse_step(step: &str) -> Step {
    let (name, args) = step.split_once('(').expect("a call");
    let args = args.strip_suffix(')').unwrap_or_else(|| panic!("{step}: no `)`"));
    if name == "field" {
        return Step::Field(args.parse().expect("the field's offset"));
    }
    let helper = HelperId::from_name(name).unwrap_or_else(|| panic!("no helper {name}"));
    Step::Call(helper, split_args(args).iter().map(|arg| parse_arg(arg.trim())).collect())
}

/// Splits at commas outside of quotes.
fn split_args(args: &str) -> Vec<&str> {
    let mut quoted = false;
    args.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
    .filter(|arg| !arg.trim().is_empty())
    .collect()
}

pub(crate) fn parse_arg(arg: &str) -> Arg {
    let quoted = |text: &str| {
        text.strip_suffix('"').unwrap_or_else(|| panic!("{text}: no quote")).to_owned()
    };
    if arg == "ctx" {
        Arg::Context
    } else if let Some(map) = MapArg::parse(arg) {
        Arg::Map(map)
    } else if let Some(len) = arg.strip_prefix("out(") {
        Arg::Out(len.trim_end_matches(')').parse().expect("a length"))
    } else if let Some(text) = arg.strip_prefix('"') {
        Arg::Memory(
            quoted(text)
                .replace("\\0", "\0")
                .replace("\\n", "\n")
                .replace("\\t", "\t")
                .into_bytes(),
        )
    } else if let Some(bytes) = arg.strip_prefix("x\"") {
        Arg::Memory(hex(&quoted(bytes)))
    } else if let Some(number) = arg.strip_prefix("0x") {
        Arg::Number(u64::from_str_radix(number, 16).expect("a number"))
    } else {
        let number: i128 = arg.parse().unwrap_or_else(|_| panic!("{arg}: no argument"));
        Arg::Number(
            u64::try_from(number)
                .or_else(|_| i64::try_from(number).map(i64::cast_unsigned))
                .expect("64 bits"),
        )
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let byte =
        |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).expect("hex");
    digits.chunks(2).map(byte).collect()
}
