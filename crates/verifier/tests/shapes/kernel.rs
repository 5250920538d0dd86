//! The running kernel, asked for its verdict and log.

use skep_command::prog::ProgLoad;
use skep_command::{Engine, Error};
use skep_linux::LinuxEngine;
use skep_spec::Code;
use skep_spec::abi::ProgType;

/// The kernel.
pub(crate) struct Kernel {
    engine: LinuxEngine,
}

/// What is said of a program.
pub(crate) struct Verdict {
    pub(crate) accepted: bool,
    pub(crate) log: String,
}

impl Kernel {
    /// The kernel, or why it cannot be asked.
    pub(crate) fn new() -> Result<Kernel, String> {
        let engine = LinuxEngine::new().map_err(|error| error.to_string())?;
        Ok(Kernel { engine })
    }

    /// What the kernel says of a program.
    pub(crate) fn judge(&self, code: &Code, detailed: bool) -> Verdict {
        let loaded = self.load(code, if detailed { 2 } else { 1 });
        match loaded {
            Ok(log) => Verdict { accepted: true, log },
            Err(error) => Verdict { accepted: false, log: error.log.unwrap_or_default() },
        }
    }

    fn load(&self, code: &Code, log_level: u32) -> Result<String, Error> {
        let loaded = self.engine.prog_load(&ProgLoad {
            name: "shape",
            prog_type: ProgType::SocketFilter,
            expected_attach_type: None,
            code,
            license: "GPL",
            flags: 0,
            kern_version: 0,
            ifindex: 0,
            btf: None,
            attach_btf_id: 0,
            attach_to: None,
            log_level,
        })?;
        self.engine.close(loaded.handle);
        Ok(loaded.log)
    }
}

/// Where a log begins to say how much was walked.
const SUMMARY: &str = "processed ";

impl Verdict {
    /// Whether any path was followed.
    pub(crate) fn walked(&self) -> bool {
        self.accepted || !self.summary_line().starts_with("processed 0 ")
    }

    /// The line before the summary.
    pub(crate) fn final_line(&self) -> String {
        let lines = self.log.lines().take_while(|line| !line.starts_with(SUMMARY));
        lines.last().unwrap_or_default().into()
    }

    fn summary_line(&self) -> &str {
        self.log.lines().find(|line| line.starts_with(SUMMARY)).unwrap_or_default()
    }

    /// The verdict, the final line of a refusal, and how much was walked.
    pub(crate) fn summary(&self) -> String {
        let line = if self.accepted { "accepted".into() } else { self.final_line() };
        format!("{line}\n{}", self.summary_line())
    }
}

/// The functions, and the table of loops and live registers, in a log; nothing if the program was
/// refused before.
pub(crate) fn shape(log: &str) -> String {
    let title = "Live regs before insn:";
    if !log.lines().any(|line| line == title) {
        return String::new();
    }
    let functions = log.lines().filter(|line| line.starts_with("func#"));
    let table = log.lines().skip_while(|line| *line != title);
    let rows = table.skip(1).take_while(|line| line.get(7..9) == Some(": "));
    // Where the kernel has addresses, the assembler's text has none.
    let text = |row: &str| row.split(" (18) ").next().unwrap_or_default().to_string() + "\n";
    functions.chain(rows).map(text).collect()
}
