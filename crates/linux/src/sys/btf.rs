//! BTF: loading.

use std::os::fd::OwnedFd;

use skep_command::attr::{Cmd, Wire, btf};

use super::{Result, address, address_mut, bpf_new_fd, length};

/// Loads BTF, with a log if there is room for one.
pub(crate) fn load(bytes: &[u8], log: &mut [u8]) -> Result<OwnedFd> {
    let mut attr = btf::Load {
        btf: address(bytes),
        btf_size: length(bytes.len())?,
        btf_log_size: length(log.len())?,
        btf_log_level: u32::from(!log.is_empty()),
        btf_log_buf: address_mut(log),
        ..Default::default()
    }
    .encode();
    // SAFETY: both pointers lead to slices of the lengths that stand beside them, or are null where
    // these are 0, and live until the call returns. The command returns a descriptor.
    unsafe { bpf_new_fd(Cmd::BtfLoad, &mut attr) }
}
