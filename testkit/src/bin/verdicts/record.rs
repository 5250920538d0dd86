//! A line of the file: a program, how to load it, and what a kernel said of it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use serde::Deserialize;

/// What an xz file begins with.
const XZ_MAGIC: &[u8] = b"\xfd7zXZ\0";

/// A line of the file. Fields that are not listed are ignored.
#[derive(Debug, Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(crate) struct Record {
    /// What it is called.
    pub(crate) name: String,
    /// `enum bpf_prog_type`.
    pub(crate) prog_type: u32,
    /// `enum bpf_attach_type`.
    pub(crate) expected_attach_type: u32,
    /// See [`Record::ANY_ALIGNMENT`] and its siblings.
    pub(crate) flags: u32,
    /// The instructions, in hexadecimal, eight bytes each.
    pub(crate) insns: Option<String>,
    /// Loads that refer to a map of a kind.
    pub(crate) fixups: Vec<Fixup>,
    /// The maps whose handles stand in the instructions.
    pub(crate) maps: Vec<Map>,
    /// Calls of kernel functions.
    pub(crate) kfuncs: Vec<Kfunc>,
    /// What a tracing program attaches to.
    pub(crate) attach_func: Option<String>,
    /// First instruction and type of each function.
    pub(crate) func_info: Vec<(u32, u32)>,
    /// The words of the program's type section.
    pub(crate) btf_types: Vec<u32>,
    /// The program's type strings, in hexadecimal.
    pub(crate) btf_strings: String,
    /// `accept`, `reject`, or something that is not scored.
    pub(crate) kernel_verdict: Option<String>,
    /// The error number of its refusal.
    pub(crate) kernel_errno: Option<i32>,
    /// The end of its log.
    pub(crate) kernel_log_tail: Option<String>,
    /// The same, of a caller without `CAP_PERFMON`.
    pub(crate) noperfmon_verdict: Option<String>,
    /// The same, of a caller without `CAP_PERFMON`.
    pub(crate) noperfmon_log_tail: Option<String>,
}

/// A load that refers to a map.
#[derive(Debug, Deserialize)]
pub(crate) struct Fixup {
    /// The kind of map.
    pub(crate) map: String,
    /// The load.
    pub(crate) insn: usize,
}

/// A map whose handle stands in the instructions.
#[derive(Debug, Deserialize)]
pub(crate) struct Map {
    /// The handle.
    pub(crate) fd: i32,
    /// `enum bpf_map_type`.
    #[serde(rename = "type")]
    pub(crate) map_type: u32,
    /// Bytes of a key.
    pub(crate) key: u32,
    /// Bytes of a value.
    pub(crate) value: u32,
    /// The number of elements.
    pub(crate) max: u32,
    /// `BPF_F_*`.
    #[serde(default)]
    pub(crate) flags: u32,
}

/// A call of a kernel function.
#[derive(Debug, Deserialize)]
pub(crate) struct Kfunc {
    /// Its name.
    pub(crate) kfunc: String,
    /// The call.
    pub(crate) insn: usize,
}

impl Record {
    /// Flag: accesses need not be aligned.
    pub(crate) const ANY_ALIGNMENT: u32 = 1;
    /// Flag: accesses must be aligned.
    pub(crate) const STRICT_ALIGNMENT: u32 = 2;
    /// Flag: a checkpoint wherever one may be.
    pub(crate) const TEST_STATE_FREQ: u32 = 8;
    /// Flag: the program may sleep.
    pub(crate) const SLEEPABLE: u32 = 16;

    /// The kernel's verdict and the end of its log.
    pub(crate) fn measured(&self, perfmon: bool) -> (Option<&str>, &str) {
        let (verdict, log) = if perfmon {
            (&self.kernel_verdict, &self.kernel_log_tail)
        } else {
            (&self.noperfmon_verdict, &self.noperfmon_log_tail)
        };
        (verdict.as_deref(), log.as_deref().unwrap_or_default())
    }
}

/// Reads all lines of a file, plain or compressed.
pub(crate) fn read(path: &str) -> Result<Vec<Record>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{path}: {error}");
    let mut file = BufReader::new(File::open(path).map_err(|error| failed(&error))?);
    let mut text = String::new();
    if file.fill_buf().map_err(|error| failed(&error))?.starts_with(XZ_MAGIC) {
        let mut bytes = Vec::new();
        lzma_rs::xz_decompress(&mut file, &mut bytes).map_err(|error| failed(&error))?;
        text = String::from_utf8(bytes).map_err(|error| failed(&error))?;
    } else {
        file.read_to_string(&mut text).map_err(|error| failed(&error))?;
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| format!("{path}:{}: {error}", number + 1))
        })
        .collect()
}
