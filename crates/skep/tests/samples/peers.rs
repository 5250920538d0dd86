//! What other loaders make of the same objects.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ours::TYPES;
use crate::{Answer, State};

/// Debian's libbpf, by a small program that is compiled here; `None` if it is not installed.
pub(crate) fn libbpf(paths: &[PathBuf]) -> Option<Vec<Answer>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/libbpf.c");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("samples-libbpf");
    let mut compiler = Command::new("cc");
    compiler.arg("-O1").arg("-o").arg(&program).arg(source).args(["-lbpf", "-lelf", "-lz"]);
    if !compiler.output().is_ok_and(|output| output.status.success()) {
        testkit::skip("comparison with libbpf: cc and libbpf-dev are needed");
        return None;
    }
    let number = |prog_type: skep::spec::abi::ProgType| prog_type.number().to_string();
    let rounds: Vec<Vec<Answer>> =
        TYPES.into_iter().map(|prog_type| ask(&program, &[number(prog_type)], paths)).collect();
    let best = |index: usize| {
        // Of equals, the first, which is that of the type that is likeliest.
        let answers = rounds.iter().rev().map(|round| round[index].clone());
        answers.max_by_key(|answer| answer.state).unwrap()
    };
    Some((0..paths.len()).map(best).collect())
}

/// aya-obj, by the program that `SKEP_AYA_OBJ` names.
pub(crate) fn aya(paths: &[PathBuf]) -> Option<Vec<Answer>> {
    let Some(program) = std::env::var_os("SKEP_AYA_OBJ") else {
        testkit::skip("comparison with aya-obj: `cargo xtask samples` builds what asks it");
        return None;
    };
    Some(ask(Path::new(&program), &[], paths))
}

/// Runs a program that prints a line `OBJECT<tab>STATE<tab>REASON` for each object.
fn ask(program: &Path, arguments: &[String], paths: &[PathBuf]) -> Vec<Answer> {
    let output = Command::new(program).args(arguments).args(paths).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let answers: Vec<Answer> = text.lines().map(answer).collect();
    assert_eq!(answers.len(), paths.len(), "{}: {output:?}", program.display());
    answers
}

fn answer(line: &str) -> Answer {
    let mut fields = line.split('\t').skip(1);
    let state = match fields.next() {
        Some("read") => State::Read,
        Some("loaded") => State::Loaded,
        _ => State::None,
    };
    Answer { state, reason: fields.next().unwrap_or_default().to_owned() }
}
