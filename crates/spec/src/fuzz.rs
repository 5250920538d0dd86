//! What fuzzing drives: functions of any bytes that must neither panic nor take long.
//!
//! Coverage-guided fuzzers call these; so does a test with seeded random bytes, on every machine.

use crate::asm::assemble;
use crate::classic::compile::compile;
use crate::classic::dump::{self, Form};
use crate::classic::translate::translate;
use crate::classic::{self, Filter, Raw, Rules, Skb, raw};
use crate::decode::decode as decode_bytes;
use crate::disasm::Listing;
use crate::encode::encode;

/// Decodes; what decodes must encode to the same bytes and read back from its text.
pub fn decode(bytes: &[u8]) {
    let Ok(code) = decode_bytes(bytes) else { return };
    assert_eq!(encode(&code), bytes, "decode: encodes to other bytes");
    let text = Listing::new(&code).labels().source().to_string();
    assert_eq!(assemble(&text), Ok(code), "disasm: reads back as other code: {text}");
}

/// Assembles; what assembles must decode from its bytes.
pub fn asm(bytes: &[u8]) {
    let Ok(code) = assemble(&String::from_utf8_lossy(bytes)) else { return };
    assert_eq!(decode_bytes(&encode(&code)), Ok(code), "encode: decodes to other code");
}

/// Checks a classic filter by either rules, and runs what is accepted; what can be translated and
/// compiled back must return the same.
pub fn classic(bytes: &[u8]) {
    let whole = bytes.len() - bytes.len() % Raw::SIZE;
    let Ok(raws) = raw::from_bytes(&bytes[..whole]) else { return };
    print_and_parse(&raws);
    for rules in [Rules::Socket, Rules::Seccomp] {
        let Ok(filter) = classic::check(&raws, rules) else { continue };
        let result = run(&filter, bytes);
        let Ok(translated) = translate(&filter) else { continue };
        if let Ok(back) = compile(&translated.code, rules) {
            assert_eq!(run(&back, bytes), result, "classic: compiles to another filter");
        }
    }
    // Whatever the bytes are in eBPF.
    if let Ok(code) = decode_bytes(bytes) {
        for rules in [Rules::Socket, Rules::Seccomp] {
            if let Ok(filter) = compile(&code, rules) {
                run(&filter, bytes);
            }
        }
    }
}

/// Reads a classic filter in any form; what is read must be read again from all forms.
pub fn classic_text(bytes: &[u8]) {
    if let Ok(raws) = dump::parse(&String::from_utf8_lossy(bytes)) {
        print_and_parse(&raws);
    }
}

/// Runs a filter on bytes, as a packet or as a system call.
fn run(filter: &Filter, bytes: &[u8]) -> u32 {
    match filter.rules() {
        Rules::Socket => filter.run(&Skb::new(bytes), &mut || 4),
        Rules::Seccomp => {
            let mut data = [0; classic::seccomp::DATA_BYTES];
            data.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            filter.judge(&data)
        }
    }
}

fn print_and_parse(raws: &[Raw]) {
    for form in [Form::Initialisers, Form::Decimals, Form::Assembly, Form::Listing] {
        let Ok(text) = dump::print(raws, form) else { continue };
        let expected: Vec<Raw> = match form {
            Form::Initialisers | Form::Decimals => raws.to_vec(),
            Form::Assembly | Form::Listing => raws.iter().map(|raw| raw.used()).collect(),
        };
        let fits_the_form = match form {
            // The count of instructions has sixteen bits.
            Form::Decimals => raws.len() <= usize::from(u16::MAX),
            Form::Initialisers | Form::Assembly | Form::Listing => true,
        };
        if !text.is_empty() && fits_the_form {
            assert_eq!(dump::parse(&text), Ok(expected), "classic: reads back as another: {text}");
        }
    }
}
