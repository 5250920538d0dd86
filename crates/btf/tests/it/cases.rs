//! Text cases under `tests/btf`: types as a listing, what comes of them below.
//!
//! The input is a listing as `bpftool btf dump` prints it. Below it may stand
//!
//! - `--- c`: the types as C, without head and foot of the header;
//! - `--- dedup`: the types, each once;
//! - `--- bytes`: lines of a type and bytes, `[3] 01 00 00 00`;
//! - `--- values`: those bytes as values, for people and as JSON;
//! - `--- error`: what is wrong with the types, or with writing them as C.

use crate::listing;
use skep_btf::dedup::Dedup;
use skep_btf::{Btf, TypeId, decode_value, dump};
use testkit::{Case, Kind, Outcome};

#[test]
fn cases() {
    Kind { folder: "btf", outputs: &["c", "dedup", "values", "error"], run }.check();
}

fn run(case: &Case) -> Outcome {
    let btf = match listing::parse(case.input()).build() {
        Ok(btf) => btf,
        Err(error) => return Outcome::Found(vec![("error", error.to_string())]),
    };
    let listing: String = case
        .input()
        .lines()
        .filter(|line| !line.starts_with(';'))
        .map(|l| format!("{l}\n"))
        .collect();
    assert_eq!(dump::raw(&btf).to_string().trim_end(), listing.trim(), "{}", case.name());
    let mut found = Vec::new();
    if case.section("c").is_some() {
        match dump::c(&btf) {
            Ok(text) => found.push(("c", body(&text))),
            Err(error) => found.push(("error", error.to_string())),
        }
    }
    if case.section("dedup").is_some() {
        let once = Dedup::new(&btf).run().unwrap().btf;
        found.push(("dedup", dump::raw(&once).to_string()));
    }
    if let Some(bytes) = case.section("bytes") {
        found.push(("values", bytes.lines().map(|line| value(&btf, line)).collect()));
    }
    Outcome::Found(found)
}

/// What stands between the head and the foot of a header.
fn body(header: &str) -> String {
    let (_, rest) = header.split_once("record)\n#endif\n").unwrap();
    let (body, _) = rest.split_once("#ifndef BPF_NO_PRESERVE").unwrap();
    body.trim().to_owned()
}

/// The value of a line `[3] 01 00 00 00`.
fn value(btf: &Btf, line: &str) -> String {
    let (id, bytes) = line.split_once(']').unwrap();
    let id = TypeId(id.trim_start_matches('[').parse().unwrap());
    let bytes: Vec<u8> =
        bytes.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    match decode_value(btf, id, &bytes) {
        Ok(value) => format!("{value}\n{}\n", serde_json::to_string(&value).unwrap()),
        Err(error) => format!("error: {error}\n"),
    }
}
