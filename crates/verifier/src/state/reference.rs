//! What a program holds and has to give back.

use skep_spec::InsnIdx;

use super::register::Id;
use crate::maps::MapIdx;

/// Something that a program has acquired: a socket, a record of a ring buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reference {
    /// Its name, which registers that point to it carry.
    pub id: Id,
    /// The instruction that acquired it.
    pub at: InsnIdx,
}

/// A spin lock that is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lock {
    /// The name of the map value that it is in.
    pub id: Option<Id>,
    /// The map.
    pub map: MapIdx,
    /// The instruction that took it.
    pub at: InsnIdx,
}
