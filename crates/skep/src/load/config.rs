//! What the section `.kconfig` asks of: the configuration that a kernel was built with, and what
//! loaders know about it besides.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use skep_command::Engine;
use skep_command::prog::ProgLoad;
use skep_spec::Code;
use skep_spec::abi::{HelperId, ProgType};
use skep_spec::insn::{Callee, Insn, Operand, Reg, Width};

use crate::error::{Error, Result};

/// Bytes of a configuration. Those of distributions have 300 KiB.
const MAX_CONFIG: u64 = 16 << 20;

/// The kernel's version, as `KERNEL_VERSION` makes a number of it.
const VERSION: &str = "LINUX_KERNEL_VERSION";
/// Whether programs can ask for the cookie that they were attached with.
const HAS_COOKIE: &str = "LINUX_HAS_BPF_COOKIE";
/// Whether system calls take their arguments in a `struct pt_regs`.
const HAS_WRAPPER: &str = "LINUX_HAS_SYSCALL_WRAPPER";

/// A kernel's settings.
#[derive(Clone, Debug, Default)]
pub struct KernelConfig {
    values: HashMap<String, String>,
    /// Whether the engine may be asked for what no configuration says.
    running: bool,
}

impl KernelConfig {
    /// The settings of the kernel that runs here: those of `/proc/config.gz` or, without that, of
    /// `/boot/config-RELEASE`; its version, and what it can do, are known either way.
    pub fn running() -> KernelConfig {
        let release = release().unwrap_or_default();
        let boot = PathBuf::from(format!("/boot/config-{release}"));
        let found = KernelConfig::file(Path::new("/proc/config.gz"));
        let mut config = found.or_else(|_| KernelConfig::file(&boot)).unwrap_or_default();
        config.running = true;
        if let Some(version) = version(&release) {
            config.set(VERSION, &version.to_string());
        }
        config.set(HAS_WRAPPER, if has_wrapper() { "1" } else { "0" });
        config
    }

    /// The settings of a file in the form of `.config`, compressed with gzip or not.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if the file cannot be read, or is no text.
    pub fn file(path: &Path) -> Result<KernelConfig> {
        let fail = |source| Error::Config { path: path.to_owned(), source };
        let bytes = fs::read(path).map_err(fail)?;
        let mut text = String::new();
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let mut content = GzDecoder::new(bytes.as_slice()).take(MAX_CONFIG);
            content.read_to_string(&mut text).map_err(fail)?;
        } else {
            text = String::from_utf8(bytes)
                .map_err(|error| fail(io::Error::new(io::ErrorKind::InvalidData, error)))?;
        }
        Ok(KernelConfig::text(&text))
    }

    /// The settings of a text in that form: a line `NAME=VALUE` each. Other lines say nothing.
    pub fn text(text: &str) -> KernelConfig {
        let mut config = KernelConfig::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, value)) = line.split_once('=') {
                config.set(name.trim(), value.trim());
            }
        }
        config
    }

    /// Gives a setting a value: `y`, `n`, `m`, a number, or a string in double quotes.
    pub fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    /// The value of a setting.
    pub(crate) fn value(&self, engine: &dyn Engine, name: &str) -> Option<String> {
        if name == HAS_COOKIE && self.running && !self.values.contains_key(name) {
            return Some(u32::from(has_cookie(engine)).to_string());
        }
        self.values.get(name).cloned()
    }
}

/// The name of the kernel that runs here, `6.1.0-13-amd64`.
fn release() -> Option<String> {
    Some(fs::read_to_string("/proc/sys/kernel/osrelease").ok()?.trim().to_owned())
}

/// The version as a number. The names that distributions give their kernels do not say the whole
/// of it: Ubuntu has a file for that, Debian the text of `uname -v`.
fn version(release: &str) -> Option<u32> {
    let signature = fs::read_to_string("/proc/version_signature").unwrap_or_default();
    let build = fs::read_to_string("/proc/sys/kernel/version").unwrap_or_default();
    let ubuntu = signature.split_whitespace().last().and_then(number);
    let debian = build.split_once("Debian ").and_then(|(_, version)| number(version));
    ubuntu.or(debian).or_else(|| number(release))
}

/// `A.B.C…` as `A << 16 | B << 8 | C`, where C is at most 255.
fn number(version: &str) -> Option<u32> {
    let mut parts = version.splitn(3, '.').map(|part| {
        let digits = part.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(part.len());
        part.get(..digits).and_then(|digits| digits.parse::<u32>().ok())
    });
    let (major, minor) = (parts.next()??, parts.next()??);
    let patch = parts.next().flatten().unwrap_or(0);
    Some(major.checked_shl(16)? | (minor & 0xff) << 8 | patch.min(255))
}

/// Whether the kernel has a function that only kernels with wrappers have.
fn has_wrapper() -> bool {
    let prefix = match std::env::consts::ARCH {
        "x86_64" => "__x64",
        "aarch64" => "__arm64",
        "s390x" => "__s390x",
        "riscv64" => "__riscv",
        "powerpc64" => "__powerpc",
        _ => return false,
    };
    let name = format!("{prefix}_sys_bpf");
    let symbols = fs::read_to_string("/proc/kallsyms").unwrap_or_default();
    symbols.lines().any(|line| line.split_whitespace().nth(2) == Some(name.as_str()))
}

/// Whether the engine takes a program that asks for its cookie.
fn has_cookie(engine: &dyn Engine) -> bool {
    let mut code = Code::new();
    code.push(Insn::Call(Callee::Helper(HelperId::GetAttachCookie.number().cast_signed())));
    code.push(Insn::Mov { width: Width::W64, dst: Reg::R0, src: Operand::Imm(0) });
    code.push(Insn::Exit);
    let loaded = engine.prog_load(&ProgLoad::new("has_cookie", ProgType::Tracepoint, &code));
    match loaded {
        Ok(loaded) => {
            engine.close(loaded.handle);
            true
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let check =
            |text: &str, expected: Option<u32>| assert_eq!(number(text), expected, "{text}");
        check("6.18.44", Some(0x06_12_2c));
        check("6.1.0-13-amd64", Some(0x06_01_00));
        check("4.19.300", Some(0x04_13_ff));
        check("6.12", Some(0x06_0c_00));
        check("6.12-rc1", Some(0x06_0c_00));
        check("six", None);
    }

    #[test]
    fn texts() {
        let config = KernelConfig::text("# CONFIG_A is not set\nCONFIG_B=y\nCONFIG_C=\"a=b\"\n\n");
        let engine = crate::user();
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(config.value(engine.as_ref(), name).as_deref(), expected, "{name}");
        };
        check("CONFIG_A", None);
        check("CONFIG_B", Some("y"));
        check("CONFIG_C", Some("\"a=b\""));
        check(HAS_COOKIE, None);
    }
}
