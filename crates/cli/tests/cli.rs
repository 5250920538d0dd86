//! The command as people meet it: the cases in `tests/cli` are shell commands with what they print
//! on both streams and their exit code.

use std::path::Path;
use std::process::Command;

use testkit::{Case, Kind, Outcome};

fn run(case: &Case) -> Outcome {
    let skep = Path::new(env!("CARGO_BIN_EXE_skep"));
    let folder = skep.parent().expect("cargo: a program is in a folder");
    let mut path = vec![folder.to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let output = Command::new("bash")
        .args(["-c", case.input()])
        .current_dir(testkit::root())
        .env("PATH", std::env::join_paths(path).expect("cargo: its folders have no colon"))
        .env("NO_COLOR", "1")
        .env_remove("CLANG")
        .output()
        .expect("tests need bash");
    let code = output.status.code().map_or("killed".to_owned(), |code| code.to_string());
    Outcome::Found(vec![
        ("stdout", masked(&output.stdout)),
        ("stderr", masked(&output.stderr)),
        ("exit", code),
    ])
}

/// The text with times, which differ from run to run, replaced by `N`.
fn masked(bytes: &[u8]) -> String {
    let is_figure = |character: char| character.is_ascii_digit() || character == '.';
    let text = String::from_utf8_lossy(bytes);
    let parts: Vec<_> =
        text.split(" ns a packet").map(|part| part.trim_end_matches(is_figure)).collect();
    let text = parts.join("N ns a packet");
    let fields = ["\"ns_per_packet\":", "\"time_us\":"];
    fields.into_iter().fold(text, |text, field| {
        let mut parts = text.split(field);
        let head = parts.next().unwrap_or_default().to_owned();
        parts.fold(head, |text, part| text + field + "N" + part.trim_start_matches(is_figure))
    })
}

#[test]
fn cases() {
    Kind { folder: "cli", outputs: &["stdout", "stderr", "exit"], run }.check();
}
