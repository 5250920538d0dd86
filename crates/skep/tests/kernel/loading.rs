//! What is made of objects, loaded into the kernel: those that libbpf cannot load among them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use skep::check::KernelTypes;
use skep::command::prog::{Semantics, TestRun};
use skep::load::{self, KernelConfig, Options};
use skep::object::Object;
use skep::object::core::CoreTarget;
use skep::spec::abi::ProgType;
use testkit::Case;

/// Compiles a source; a skip is noted where there is no compiler.
fn compile(name: &str, source: &str) -> Option<Arc<Object>> {
    let Some(clang) = skep::compile::find_clang() else {
        testkit::skip("loading objects into the kernel: there is no clang in PATH");
        return None;
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("loading");
    std::fs::create_dir_all(&folder).unwrap();
    let [input, object] = ["bpf.c", "bpf.o"].map(|ending| folder.join(name).with_extension(ending));
    std::fs::write(&input, source).unwrap();
    let output = Command::new(clang)
        .args(["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-w"])
        .args(["-idirafter", "/usr/include/x86_64-linux-gnu", "-c", "-o"])
        .args([&object, &input])
        .output()
        .unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    Some(Arc::new(Object::parse(name, &crate::read(&object)).unwrap()))
}

/// Programs of `tests/object` that are refused, nearly all of them as the case wants it, and what
/// the kernel or the loader says. The cases with a `target` are written for its types, not for the
/// kernel's; few machines have a second memory node.
const REFUSED: &[(&str, &str)] = &[
    ("adapted-access/loads", "invalid func unknown#195896080"),
    ("adapted-access/stores", "invalid func unknown#195896080"),
    ("adapted-access/impossible", "invalid func unknown#195896080"),
    ("adapted-access/facts", "invalid func unknown#195896080"),
    ("addresses/follows_pointer", "nobody fills in addresses"),
    ("addresses/reads_names", "nobody fills in addresses"),
    ("ambiguous-type/undecided", "invalid func unknown#195896080"),
    ("ambiguous-type/decided", "invalid func unknown#195896080"),
    ("core-fields/direct_access", "access beyond struct pt_regs"),
    ("exception-callback/has_none", "is no function of the object"),
    ("externs/needs_variable", "extern 'init_task' (.ksyms) is not resolved"),
    ("externs/needs_function", "cannot be used inside bpf_rcu_read_lock-ed region"),
    ("legacy-maps-of-samples", "create map \"near\" of type hash: EINVAL"),
    ("maps/uses_maps", "R4 unbounded memory access"),
    ("undefined-function/calls_elsewhere", "extern 'elsewhere'"),
];

/// The kernel takes every program of the cases of `tests/object` but those that are listed.
#[test]
fn cases_are_taken() {
    let Some(engine) = crate::kernel() else { return };
    let (types, config) = (KernelTypes::running(), KernelConfig::running());
    let target = types.get().map(CoreTarget::new);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(testkit::root().join("tests/object"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let (mut taken, mut refused) = (0, Vec::new());
    for path in paths {
        let text = String::from_utf8(crate::read(&path)).unwrap();
        let case = Case::parse(&path, &text);
        if case.name().starts_with("error-") {
            continue;
        }
        let Some(object) = compile(case.name(), case.input()) else { return };
        let options = Options {
            fallback_type: Some(ProgType::SocketFilter),
            target: target.as_ref(),
            config: Some(&config),
            ..Options::default()
        };
        let loaded = match load::load_each(&engine, &object, &options) {
            Ok(loaded) => loaded,
            Err(error) => {
                refused.push((case.name().to_owned(), error.to_string()));
                continue;
            }
        };
        for (index, program) in loaded {
            let name = format!("{}/{}", case.name(), object.functions()[index.0].name);
            match program {
                Ok(_) => taken += 1,
                Err(error) => {
                    let log = error.log().unwrap_or_default();
                    let mut lines = log.lines().rev();
                    let last = lines.find(|line| !line.starts_with("processed "));
                    refused.push((name, format!("{error}: {}", last.unwrap_or_default())));
                }
            }
        }
    }
    println!("{taken} programs are taken");
    let unexpected = refused.iter().filter(|(name, words)| {
        !REFUSED.iter().any(|(known, part)| known == name && words.contains(part))
    });
    let unexpected: Vec<_> = unexpected.collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
}

/// Settings of each type; those that a kernel lacks are 0.
const SETTINGS: &str = r#"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int LINUX_KERNEL_VERSION __kconfig;
extern _Bool CONFIG_YES __kconfig;
extern _Bool CONFIG_NO __kconfig;
extern enum libbpf_tristate CONFIG_MODULE __kconfig;
extern char CONFIG_LETTER __kconfig;
extern short CONFIG_NEGATIVE __kconfig;
extern unsigned long CONFIG_HEX __kconfig;
extern char CONFIG_TEXT[6] __kconfig;
extern unsigned int CONFIG_MISSING __kconfig __weak;

__u64 found[9];

SEC("xdp")
int settings(struct xdp_md *ctx)
{
	found[0] = LINUX_KERNEL_VERSION;
	found[1] = CONFIG_YES;
	found[2] = CONFIG_NO;
	found[3] = CONFIG_MODULE;
	found[4] = CONFIG_LETTER;
	found[5] = CONFIG_NEGATIVE;
	found[6] = CONFIG_HEX;
	found[7] = CONFIG_TEXT[1] | CONFIG_TEXT[4] << 8 | CONFIG_TEXT[5] << 16;
	found[8] = CONFIG_MISSING;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
"#;

const CONFIG: &str = "LINUX_KERNEL_VERSION=394764\nCONFIG_YES=y\nCONFIG_NO=n\nCONFIG_MODULE=m\n\
                      CONFIG_LETTER=m\nCONFIG_NEGATIVE=-2\nCONFIG_HEX=0xffffffff81000000\n\
                      CONFIG_TEXT=\"longer than that\"\n";

/// Programs see the settings that the loader was given, in the kernel and in the user engine.
#[test]
fn settings_are_seen() {
    let Some(object) = compile("settings", SETTINGS) else { return };
    let config = KernelConfig::text(CONFIG);
    let options = Options { config: Some(&config), ..Options::default() };
    let expected: [u64; 9] = [
        394_764,
        1,
        0,
        2,
        u64::from(b'm'),
        (-2i64).cast_unsigned(),
        0xffff_ffff_8100_0000,
        u64::from(b'o') | u64::from(b'e') << 8,
        0,
    ];
    for engine in [Some(skep::user()), crate::kernel()].into_iter().flatten() {
        let loaded = load::load(&engine, &object, &options).unwrap();
        let run = TestRun {
            data: &[0; 64],
            data_out_capacity: 64,
            ctx: &[],
            repeat: 1,
            flags: 0,
            cpu: 0,
            semantics: Semantics::TestRun,
        };
        loaded.program("settings").unwrap().test_run(&run).unwrap();
        let entries = loaded.map(".bss").unwrap().entries().unwrap();
        let (words, _) = entries[0].values[0].as_chunks::<8>();
        let found: Vec<u64> = words.iter().map(|&word| u64::from_ne_bytes(word)).collect();
        assert_eq!(found, expected, "{} engine", engine.kind());
    }
}

/// A value that does not fit the variable, and a setting that nobody has, are errors that name it.
#[test]
fn settings_that_do_not_fit() {
    let check = |config: &str, expected: &str| {
        let Some(object) = compile("settings", SETTINGS) else { return };
        let config = KernelConfig::text(config);
        let options = Options { config: Some(&config), ..Options::default() };
        let error = load::load(&skep::user(), &object, &options).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(
        &CONFIG.replace("YES=y", "YES=m"),
        "setting 'CONFIG_YES' is `m`, but the variable is a bool",
    );
    check(
        &CONFIG.replace("=-2", "=40000"),
        "'CONFIG_NEGATIVE' is `40000`, but the variable is of a type",
    );
    check(&CONFIG.replace("CONFIG_NO=n\n", ""), "extern 'CONFIG_NO' (.kconfig) is not resolved");
}

/// Symbols of the kernel: without a type by their address, functions by their number; weak ones that
/// it lacks are 0.
#[test]
fn kernel_symbols_are_found() {
    let Some(engine) = crate::kernel() else { return };
    let source = r#"
        #include <linux/bpf.h>
        #include <bpf/bpf_helpers.h>

        extern const void _text __ksym;
        extern const void no_such_symbol __ksym __weak;
        extern const int no_such_variable __ksym __weak;
        extern void bpf_rcu_read_lock(void) __ksym;
        extern void bpf_rcu_read_unlock(void) __ksym __weak;
        extern void no_such_function(void) __ksym __weak;

        SEC("tp_btf/task_newtask")
        int symbols(void *ctx)
        {
            if (&no_such_symbol || &no_such_variable || no_such_function)
                no_such_function();
            bpf_rcu_read_lock();
            bpf_rcu_read_unlock();
            return (long)&_text != 0;
        }

        char _license[] SEC("license") = "GPL";
    "#;
    let Some(object) = compile("symbols", source) else { return };
    let types = KernelTypes::running();
    let target = types.get().map(CoreTarget::new);
    let options = Options { target: target.as_ref(), ..Options::default() };
    if let Err(error) = load::load(&engine, &object, &options) {
        panic!("{error}\n{}", error.log().unwrap_or_default());
    }
}
