//! The running kernel, asked for its verifier's log.

use skep_command::Engine;
use skep_command::prog::ProgLoad;
use skep_linux::LinuxEngine;
use skep_spec::Code;
use skep_spec::abi::ProgType;
use skep_spec::asm::assemble;

/// The log that has the state after each instruction (`BPF_LOG_LEVEL2`).
const DETAILED: u32 = 2;

pub(crate) struct Kernel(LinuxEngine);

impl Kernel {
    /// The kernel, or why it cannot be asked.
    pub(crate) fn new() -> Result<Kernel, String> {
        let kernel = Kernel(LinuxEngine::new().map_err(|error| error.to_string())?);
        let nothing = assemble("r0 = 0\nexit").expect("a small program assembles");
        kernel.load(&nothing).map_err(|error| error.to_string())?;
        Ok(kernel)
    }

    /// The log of a program, be it accepted or not.
    pub(crate) fn log(&self, code: &Code) -> String {
        match self.load(code) {
            Ok(log) => log,
            Err(error) => error.log.clone().unwrap_or_else(|| panic!("no log: {error}")),
        }
    }

    fn load(&self, code: &Code) -> skep_command::Result<String> {
        let loaded = self.0.prog_load(&ProgLoad {
            name: "scalars",
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
            log_level: DETAILED,
        })?;
        self.0.close(loaded.handle);
        Ok(loaded.log)
    }
}
