//! Settings of the kernel, which programs ask for by name.

use std::process::Command;

const SOURCE: &str = r#"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int CONFIG_HZ __kconfig;
extern int CONFIG_NONE_OF_THESE __kconfig __weak;

int hz, none = 7;

SEC("xdp")
int settings(struct xdp_md *ctx)
{
	hz = CONFIG_HZ;
	none = CONFIG_NONE_OF_THESE;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
"#;

#[test]
fn of_a_file() {
    let clang = std::env::var("CLANG").unwrap_or_else(|_| "clang".into());
    let found = [clang.as_str(), "clang-19"].into_iter().any(|clang| {
        Command::new(clang).arg("--version").output().is_ok_and(|output| output.status.success())
    });
    if !found {
        return testkit::skip("settings: no clang to compile a program that asks for some");
    }
    let folder = tempfile::tempdir().expect("a folder for the program");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("the folder takes files");
        path
    };
    let (source, settings) = (
        write("settings.bpf.c", SOURCE),
        write("config", "CONFIG_HZ=123\n# CONFIG_X is not set\n"),
    );
    let output = Command::new(env!("CARGO_BIN_EXE_skep"))
        .arg("run")
        .arg(&source)
        .arg("--kconfig")
        .arg(&settings)
        .arg("--packets")
        .arg(testkit::root().join("tests/captures/sample.pcap"))
        .output()
        .expect("skep runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("none  0\n") && text.contains("hz  123\n"), "{text}{output:?}");
}
