//! The kernel's own words for a rejection.

use skep_spec::decode::DecodeError;

use crate::rejection::Rejection;

/// The last line that the kernel's log has on a rejection; empty where it says nothing.
#[must_use]
pub fn final_line(rejection: &Rejection) -> String {
    format!("{:?}", rejection.reason)
}

/// The same, of bytes that are no instructions.
#[must_use]
pub fn undecodable(error: &DecodeError) -> String {
    error.kind.to_string()
}
