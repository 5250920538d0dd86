//! The kernel's types, read when they are needed.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use skep_btf::Btf;

/// Where Linux shows its own types.
const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// The kernel's types: those of a file, or those of the kernel that runs. The file is read when
/// somebody asks for them, as most programs have no need of them.
#[derive(Debug)]
pub struct KernelTypes {
    path: Option<PathBuf>,
    btf: OnceLock<Option<Btf>>,
}

impl KernelTypes {
    /// Those of the kernel that runs; none, where it does not show them.
    #[must_use]
    pub fn running() -> KernelTypes {
        KernelTypes::file(Path::new(KERNEL_BTF))
    }

    /// Those in a file; none, if it cannot be read.
    #[must_use]
    pub fn file(path: &Path) -> KernelTypes {
        KernelTypes { path: Some(path.to_owned()), btf: OnceLock::new() }
    }

    /// None.
    #[must_use]
    pub fn none() -> KernelTypes {
        KernelTypes { path: None, btf: OnceLock::new() }
    }

    /// These.
    #[must_use]
    pub fn of(btf: Btf) -> KernelTypes {
        KernelTypes { path: None, btf: OnceLock::from(Some(btf)) }
    }

    /// The types.
    #[must_use]
    pub fn get(&self) -> Option<&Btf> {
        let read = || Btf::parse(&std::fs::read(self.path.as_ref()?).ok()?).ok();
        self.btf.get_or_init(read).as_ref()
    }
}
