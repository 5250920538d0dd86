//! The cases in `tests/asm`: text to bytes, and back to text; to source where that has labels.

use skep_spec::asm::assemble;
use skep_spec::decode::decode;
use skep_spec::disasm::Listing;
use skep_spec::encode::encode;
use testkit::{Case, Kind, Outcome};

#[test]
fn cases() {
    let outputs = &["error", "bytes", "listing", "source"];
    Kind { folder: "asm", outputs, run }.check();
}

fn run(case: &Case) -> Outcome {
    let code = match assemble(case.input()) {
        Ok(code) => code,
        Err(error) => return Outcome::Found(vec![("error", error.to_string())]),
    };
    let bytes = encode(&code);
    let decoded = decode(&bytes).expect("what the assembler makes decodes");
    assert_eq!(decoded, code, "{}", case.path().display());

    let listing = Listing::new(&decoded).to_string();
    let source = Listing::new(&decoded).labels().source().to_string();
    for text in [&listing, &source] {
        assert_eq!(assemble(text), Ok(code.clone()), "{}: {text}", case.path().display());
    }
    let mut found = vec![("bytes", slots(&bytes)), ("listing", listing)];
    if source.lines().any(|line| line.ends_with(':')) {
        found.push(("source", source));
    }
    Outcome::Found(found)
}

/// One slot a line, as a hex dump.
fn slots(bytes: &[u8]) -> String {
    let slot = |slot: &[u8]| slot.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
    bytes.chunks(8).map(|bytes| slot(bytes).join(" ") + "\n").collect()
}
