//! The kernel's formatted output as programs may use it: `bpf_trace_printk`, `bpf_trace_vprintk`,
//! `bpf_snprintf`.
//!
//! Linux works in three steps, and each shows in results, so they are kept apart here too:
//!
//! 1. [`Pieces`] reads the format and says what is allowed in it (`bpf_bprintf_prepare`);
//! 2. [`arguments`] copies every argument into an area of 512 bytes, strings and printed addresses
//!    included, which is where `-ENOSPC` comes from;
//! 3. [`print`] makes text from format and area (`bstr_printf`), counting what does not fit.
//!
//! Facts are those of Linux 6.18, asked from a running kernel; `tests/format` holds them as cases.

mod arguments;
mod print;
#[cfg(test)]
mod tests;

use skep_command::Errno;
use skep_spec::abi::format::{BadFormat, Piece, Pieces};

pub(crate) use arguments::Source;

/// The largest number of arguments (`MAX_BPRINTF_VARARGS`).
pub(crate) const ARGS_MAX: usize = 12;

/// Text, and how long it would have been with room enough.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Printed {
    /// What fits, without the terminating zero.
    pub(crate) text: Vec<u8>,
    /// The length of the whole text, as Linux counts it.
    pub(crate) len: u64,
}

/// Prints `args` by `format` into a buffer of `capacity` bytes, the last of which is kept for the
/// terminating zero.
///
/// `format` ends at its first zero byte; without one it is `EINVAL`. `EINVAL` is also the answer to
/// a directive that is not allowed and to one without an argument; arguments without a directive
/// are ignored. `ENOSPC`: the arguments take more than 512 bytes.
pub(crate) fn print(
    format: &[u8],
    args: &[u64],
    memory: &dyn Source,
    capacity: usize,
) -> Result<Printed, Errno> {
    let end = format.iter().position(|byte| *byte == 0).ok_or(Errno::EINVAL)?;
    let format = format.get(..end).unwrap_or_default();
    let mut area = arguments::Area::default();
    let mut args = args.iter();
    let mut pieces = Vec::new();
    for piece in Pieces::new(format) {
        let piece = piece.map_err(|BadFormat| Errno::EINVAL)?;
        if let Piece::Directive(directive) = &piece {
            let arg = args.next().ok_or(Errno::EINVAL)?;
            area.push(directive.conversion, *arg, memory)?;
        }
        pieces.push(piece);
    }
    Ok(print::print(&pieces, &area, capacity))
}
