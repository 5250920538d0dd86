//! Helpers.

mod checksum;
mod format;

use skep_spec::abi::HelperId;

use crate::fault::Fault;
use crate::run::Run;

/// A helper: negative errnos travel in `Ok`; `Err` is what no verified program does.
pub(crate) type Helper = fn(&mut Run<'_>, [u64; 5]) -> Result<u64, Fault>;

/// The helper with this number.
pub(crate) fn find(_id: HelperId) -> Option<Helper> {
    None
}
