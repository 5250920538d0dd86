//! The user engine as a plugin of the public `bpf_conformance` suite.
//!
//! The suite's runner starts a plugin once for each of its tests:
//!
//! - standard input: the program, as hexadecimal bytes;
//! - first argument, if there is memory: the memory, as hexadecimal bytes; options after it;
//! - `r1` is the address of the memory and `r2` its length, both 0 where there is none;
//! - helper 5, called by number or through a register, ends the program where its argument is 0;
//! - standard output: `r0`, in hexadecimal.
//!
//! `cargo build -p testkit --features engine` builds it. Then
//!
//! ```text
//! bpf_conformance_runner --test_file_directory tests --plugin_path …/conformance-plugin \
//!     --cpu_version v4 --include_groups callx
//! ```
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io::Read;
use std::process::ExitCode;
use std::sync::Arc;

use skep_runtime::context::Context;
use skep_runtime::memory::{Access, Block, Span};
use skep_runtime::program::{HelperFn, Helpers, NewProgram};
use skep_runtime::{Cpu, FixedWorld, Program, Run};
use skep_spec::abi::ProgType;
use skep_spec::decode::decode;

/// The helper that ends a program, as the suite numbers it.
const UNWIND: i32 = 5;

fn main() -> ExitCode {
    match run() {
        Ok(result) => {
            println!("{result:x}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<u64, String> {
    let memory = memory(std::env::args().skip(1))?;
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| error.to_string())?;
    execute(&bytes(&text)?, &memory)
}

/// The memory that the arguments give. There are no options to take.
fn memory(arguments: impl Iterator<Item = String>) -> Result<Vec<u8>, String> {
    let mut memory = Vec::new();
    for (i, argument) in arguments.enumerate() {
        if i > 0 || argument.starts_with('-') {
            return Err(format!("unknown option {argument}"));
        }
        memory = bytes(&argument)?;
    }
    Ok(memory)
}

/// Hexadecimal bytes, with or without blanks between them.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let digit =
        |c: char| c.to_digit(16).ok_or_else(|| format!("found {c:?}, expected a hex digit"));
    let digits: Vec<u32> =
        text.chars().filter(|c| !c.is_whitespace()).map(digit).collect::<Result<_, _>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err("found an odd number of hex digits, expected two for each byte".into());
    }
    let byte = |[high, low]: &[u32; 2]| u8::try_from(high * 16 + low).expect("two digits fit");
    Ok(pairs.iter().map(byte).collect())
}

fn execute(program: &[u8], memory: &[u8]) -> Result<u64, String> {
    let code = decode(program).map_err(|error| error.to_string())?;
    let unwind: HelperFn = |_, [result, ..]| Ok(result);
    let new = NewProgram {
        id: 1,
        name: "conformance",
        // A program whose context is the caller's own memory.
        prog_type: ProgType::Syscall,
        expected_attach_type: None,
        license: "GPL",
        code: &code,
        helpers: Helpers::Own { helpers: BTreeMap::from([(UNWIND, unwind)]), unwind: Some(UNWIND) },
    };
    let program = Program::load(&new, &|_| None).map_err(|error| error.to_string())?;

    let block = Arc::new(Block::zeroed(memory.len()));
    let room = block.range(0, memory.len()).expect("plugin: the block is as long as the memory");
    room.copy_from(memory);
    let context = match memory.len() {
        0 => Context::Plain([0, 0]),
        len => Context::Plain([block.addr(), len as u64]),
    };
    let world = FixedWorld::new(0, 0);
    let mut run = Run::new(&world, Cpu(0), program, context);
    if !memory.is_empty() {
        run.lend(Span::of_block(&block, Access::ReadWrite));
    }
    run.start().map_err(|fault| fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use skep_spec::{asm::assemble, encode::encode};

    #[track_caller]
    fn check(source: &str, memory: &[u8], expected: u64) {
        let program = encode(&assemble(source).unwrap());
        assert_eq!(execute(&program, memory), Ok(expected));
    }

    #[test]
    fn the_protocol() {
        check("r0 = r2\nexit", &[], 0);
        check("r0 = r1\nexit", &[], 0);
        check("r0 = r2\nexit", &[1, 2, 3], 3);
        check("*(u8 *)(r1 +2) = 9\nr0 = *(u8 *)(r1 +2)\nexit", &[1, 2, 3], 9);
        check("r1 = 0\ncall 5\nr0 = 2\nexit", &[], 0);
        check("r1 = -1\ncall 5\nr0 = 2\nexit", &[], 2);
        check("r1 = -1\nr2 = 5\ncallx r2\nr0 = 2\nexit", &[], 2);
    }

    #[test]
    fn hex() {
        assert_eq!(bytes("b7 00\n"), Ok(vec![0xb7, 0]));
        assert!(bytes("b7 0").is_err());
        assert!(bytes("b7 0x").is_err());
        assert!(memory(["00".into(), "--elf".into()].into_iter()).is_err());
        assert_eq!(memory(std::iter::empty()), Ok(Vec::new()));
    }
}
