//! Cases of `tests/format`: what `bpf_snprintf` makes of a format and arguments, and what
//! `bpf_trace_vprintk` says to formats that a verifier does not let the former have.
//!
//! A line is the room in bytes, the format, and the arguments, which are numbers or text; text
//! stands for the address of a copy with a zero behind it. `"x"*200` is text repeated.

use std::fmt::Write;

use skep_command::map::MapCreate;
use skep_command::{Engine, Errno, Error, Handle};
use skep_spec::abi::ProgType;

use crate::program::{load_and_run, result_map};
use crate::script::Start;

/// `BPF_F_RDONLY_PROG`: programs may only read, which is what makes text constant.
const RDONLY_PROG: u32 = 1 << 7;

/// The room in an element of the result map behind the returned value.
const ROOM_MAX: usize = 248;

/// A line, taken apart.
struct Case {
    room: usize,
    /// The format and all texts, each with its zero; the format is first.
    texts: Vec<u8>,
    format_len: usize,
    args: Vec<Arg>,
}

#[derive(Clone, Copy)]
enum Arg {
    Number(u64),
    /// The text at this offset.
    Text(usize),
}

/// Which helper prints.
#[derive(Clone, Copy)]
enum Helper {
    Snprintf,
    Vprintk,
}

/// The results of the lines of a case.
pub(crate) fn results(engine: &dyn Engine, lines: &str) -> String {
    let mut results = String::new();
    for line in lines.lines().filter(|line| !line.is_empty() && !line.starts_with(';')) {
        let shown = answer(engine, &parse(line)).unwrap_or_else(|error| error.to_string());
        writeln!(results, "{line}\n    {shown}").expect("writing to a string does not fail");
    }
    results
}

fn answer(engine: &dyn Engine, case: &Case) -> Result<String, Error> {
    match print(engine, case, Helper::Snprintf) {
        Ok((len, text)) if len > 0 => {
            let fits = usize::try_from(len - 1).unwrap_or(usize::MAX).min(case.room.max(1) - 1);
            return Ok(format!("{} {}", len - 1, quote(&text[..fits])));
        }
        Ok((errno, _)) if errno != Errno::EINVAL.as_return() => return Ok(name(errno)),
        Ok(_) => {}
        Err(error) if error.errno == Errno::EINVAL => {}
        Err(error) => return Err(error),
    }
    let (returned, _) = print(engine, case, Helper::Vprintk)?;
    Ok(format!("traced: {}", name(returned)))
}

/// Runs a program that prints; what the helper returned, and the text.
fn print(engine: &dyn Engine, case: &Case, helper: Helper) -> Result<(i64, Vec<u8>), Error> {
    let value_size = u32::try_from(case.texts.len()).expect("short texts");
    let create = MapCreate { name: "text", value_size, flags: RDONLY_PROG, ..result_map(1) };
    let texts = engine.map_create(&create)?;
    let value_size = u32::try_from(8 + ROOM_MAX).expect("a small number");
    let result = engine.map_create(&MapCreate { value_size, ..result_map(1) })?;
    let key = 0u32.to_ne_bytes();
    engine.map_update(texts, &key, &case.texts, 0)?;
    engine.map_freeze(texts)?;
    let start = Start { prog_type: ProgType::SchedCls, packet: vec![0; 64], flags: 0 };
    let ran = load_and_run(engine, &start, &program(case, helper, texts, result));
    let printed = ran.and_then(|_| engine.map_lookup(result, &key, 0));
    engine.close(texts);
    engine.close(result);
    let printed = printed?;
    let (returned, text) = printed.split_first_chunk().expect("a value of at least 8 bytes");
    Ok((i64::from_ne_bytes(*returned), text.to_vec()))
}

fn program(case: &Case, helper: Helper, texts: Handle, result: Handle) -> String {
    let (texts, result) = (texts.0, result.0);
    let mut text = format!("r6 = map[fd:{result}][0]+0\n");
    let len = case.args.len() * 8;
    for (index, arg) in case.args.iter().enumerate() {
        let value = match arg {
            Arg::Number(value) => format!("{value:#x} ll"),
            Arg::Text(off) => format!("map[fd:{texts}][0]+{off}"),
        };
        writeln!(text, "r1 = {value}\n*(u64 *)(r10 - {}) = r1", len - index * 8)
            .expect("writing to a string does not fail");
    }
    let args = if len == 0 { "= 0".to_owned() } else { format!("= r10\nrN += -{len}") };
    let args = |register: &str| format!("{register} {}", args.replace("rN", register));
    let call = match helper {
        Helper::Snprintf => format!(
            "r1 = r6\nr1 += 8\nr2 = {}\nr3 = map[fd:{texts}][0]+0\n{}\nr5 = {len}\ncall bpf_snprintf",
            case.room.min(ROOM_MAX),
            args("r4")
        ),
        Helper::Vprintk => format!(
            "r1 = map[fd:{texts}][0]+0\nr2 = {}\n{}\nr4 = {len}\ncall bpf_trace_vprintk",
            case.format_len,
            args("r3")
        ),
    };
    text + &call + "\n*(u64 *)(r6 + 0) = r0\nr0 = 0\nexit\n"
}

fn name(returned: i64) -> String {
    let errno = i32::try_from(-returned).ok().map(Errno).filter(|errno| errno.0 > 0);
    errno.map_or(returned.to_string(), |errno| format!("{errno:?}"))
}

fn parse(line: &str) -> Case {
    let words = words(line);
    let (room, rest) = words.split_first().expect("the room");
    let (format, rest) = rest.split_first().expect("a format");
    let mut texts = text(format).expect("a quoted format");
    texts.push(0);
    let format_len = texts.len();
    let args = rest
        .iter()
        .map(|word| match text(word) {
            None => Arg::Number(number(word)),
            Some(bytes) => {
                let off = texts.len();
                texts.extend(bytes);
                texts.push(0);
                Arg::Text(off)
            }
        })
        .collect();
    Case { room: room.parse().expect("the room"), texts, format_len, args }
}

/// Splits at spaces outside of quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == ' ' && !quoted {
            words.push(String::new());
            continue;
        }
        let word = words.last_mut().expect("there is always a word");
        word.push(c);
        match c {
            '"' => quoted = !quoted,
            '\\' => word.extend(chars.next()),
            _ => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn number(word: &str) -> u64 {
    match word.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).expect("a number"),
        None => word.parse::<i64>().expect("a number").cast_unsigned(),
    }
}

/// The bytes of `"abc\n\x01"` or `"x"*200`; `None` for what is not quoted.
fn text(word: &str) -> Option<Vec<u8>> {
    let (quoted, times) = match word.rsplit_once("\"*") {
        Some((quoted, times)) => (quoted.strip_prefix('"')?, times.parse().ok()?),
        None => (word.strip_prefix('"')?.strip_suffix('"')?, 1),
    };
    let mut bytes = Vec::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            bytes.push(u8::try_from(c).expect("ASCII; the rest is written \\xHH"));
            continue;
        }
        bytes.push(match chars.next().expect("a character behind the backslash") {
            'n' => b'\n',
            't' => b'\t',
            'x' => {
                let hex: String = chars.by_ref().take(2).collect();
                u8::from_str_radix(&hex, 16).expect("\\xHH")
            }
            c => u8::try_from(c).expect("an ASCII escape"),
        });
    }
    Some(bytes.repeat(times))
}

/// The reverse of [`text`].
fn quote(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}
