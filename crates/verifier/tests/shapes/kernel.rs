//! The running kernel, asked for its verdict and log.

use skep_command::prog::{FuncInfo, ProgBtf, ProgLoad};
use skep_command::{Engine, Error, Handle};
use skep_linux::LinuxEngine;

use crate::Program;
use crate::functions::Functions;

/// The kernel, and types for functions.
pub(crate) struct Kernel {
    engine: LinuxEngine,
    functions: Functions,
    btf: Handle,
}

/// `BPF_LOG_STATS`.
const STATISTICS: u32 = 4;

/// What is said of a program.
pub(crate) struct Verdict {
    pub(crate) accepted: bool,
    pub(crate) log: String,
}

impl Kernel {
    /// The kernel, or why it cannot be asked.
    pub(crate) fn new() -> Result<Kernel, String> {
        let engine = LinuxEngine::new().map_err(|error| error.to_string())?;
        let functions = Functions::new();
        let btf = engine.btf_load(&functions.bytes()).map_err(|error| error.to_string())?;
        Ok(Kernel { engine, functions, btf })
    }

    /// What the kernel says of a program.
    pub(crate) fn judge(&self, program: &Program, detailed: bool) -> Verdict {
        let loaded = self.load(program, if detailed { 2 | STATISTICS } else { 1 | STATISTICS });
        match loaded {
            Ok(log) => Verdict { accepted: true, log },
            Err(error) => Verdict { accepted: false, log: error.log.unwrap_or_default() },
        }
    }

    fn load(&self, program: &Program, log_level: u32) -> Result<String, Error> {
        let infos = self.functions.infos(&program.starts);
        let funcs: Vec<_> =
            infos.iter().map(|info| FuncInfo { at: info.at, type_id: info.type_id }).collect();
        let btf = ProgBtf { btf: self.btf, funcs: &funcs, lines: &[] };
        let loaded = self.engine.prog_load(&ProgLoad {
            btf: (!funcs.is_empty()).then_some(btf),
            log_level,
            ..ProgLoad::new("shape", program.prog_type, &program.code)
        })?;
        self.engine.close(loaded.handle);
        Ok(loaded.log)
    }
}

/// How a line begins that says how much was walked.
const SUMMARY: &str = "processed ";
/// How a line begins that says how much stack is used.
const DEPTH: &str = "stack depth ";
/// How the statistics begin.
const STATISTICS_LINES: [&str; 3] = ["verification time ", DEPTH, SUMMARY];

impl Verdict {
    /// Whether any path was followed.
    pub(crate) fn walked(&self) -> bool {
        self.accepted || !self.summary_line().starts_with("processed 0 ")
    }

    /// The line before the statistics.
    pub(crate) fn final_line(&self) -> String {
        let ends = |line: &str| STATISTICS_LINES.iter().any(|start| line.starts_with(start));
        let lines = self.log.lines().take_while(|line| !ends(line));
        lines.last().unwrap_or_default().into()
    }

    /// How much stack each function uses.
    fn depth_line(&self) -> &str {
        self.log.lines().find(|line| line.starts_with(DEPTH)).unwrap_or_default()
    }

    fn summary_line(&self) -> &str {
        self.log.lines().find(|line| line.starts_with(SUMMARY)).unwrap_or_default()
    }

    /// The verdict, the final line of a refusal, the stack, and how much was walked, if that is
    /// to be known.
    pub(crate) fn summary(&self, walked: bool) -> String {
        let line = if self.accepted { "accepted".into() } else { self.final_line() };
        let walked = if walked { self.summary_line() } else { "" };
        format!("{line}\n{}\n{walked}", self.depth_line())
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
