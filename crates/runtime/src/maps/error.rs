//! Why a map cannot be made.

use skep_command::Errno;
use skep_spec::abi::MapType;
use thiserror::Error;

/// Why a map cannot be made: the errno that Linux returns, and what was found against what is
/// required.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{map_type} map: {what}")]
pub struct MapError {
    /// What Linux returns, or would return.
    pub errno: Errno,
    /// The type that was asked for.
    pub map_type: MapType,
    /// What is wrong.
    pub what: String,
}

impl MapError {
    pub(crate) fn new(errno: Errno, map_type: MapType, what: impl Into<String>) -> MapError {
        MapError { errno, map_type, what: what.into() }
    }
}
