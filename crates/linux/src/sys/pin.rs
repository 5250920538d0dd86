//! Pins.

use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

use skep_command::attr::{Cmd, Wire, object};

use super::{Result, address, bpf, bpf_new_fd, number};

/// Pins an object.
pub(crate) fn pin(object: BorrowedFd<'_>, path: &CStr) -> Result<()> {
    let mut attr = pin_attr(path, number(object));
    // SAFETY: the path ends in a zero and lives until the call returns; there is no other pointer.
    unsafe { bpf(Cmd::ObjPin, &mut attr) }?;
    Ok(())
}

/// Opens a pinned object.
pub(crate) fn get(path: &CStr) -> Result<OwnedFd> {
    let mut attr = pin_attr(path, 0);
    // SAFETY: the path ends in a zero and lives until the call returns; there is no other pointer.
    // The command returns a descriptor.
    unsafe { bpf_new_fd(Cmd::ObjGet, &mut attr) }
}

fn pin_attr(path: &CStr, bpf_fd: u32) -> Vec<u8> {
    object::Pin { pathname: address(path.to_bytes_with_nul()), bpf_fd, ..Default::default() }
        .encode()
}
