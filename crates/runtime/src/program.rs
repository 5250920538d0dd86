//! A loaded program.

use std::fmt;
use std::sync::Arc;

use skep_spec::Code;
use skep_spec::abi::{AttachType, ProgType};

use crate::maps::Map;
use crate::memory::MapSpans;

/// A loaded program.
pub struct Program {
    id: u32,
    name: String,
    prog_type: ProgType,
    expected_attach_type: Option<AttachType>,
    license: String,
    code: Code,
    maps: Vec<Arc<Map>>,
    spans: Arc<MapSpans>,
}

impl Program {
    /// The engine-wide id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type.
    pub fn prog_type(&self) -> ProgType {
        self.prog_type
    }

    /// Where it is meant to be attached.
    pub fn expected_attach_type(&self) -> Option<AttachType> {
        self.expected_attach_type
    }

    /// Its licence.
    pub fn license(&self) -> &str {
        &self.license
    }

    /// Its instructions, as they were loaded.
    pub fn code(&self) -> &Code {
        &self.code
    }

    /// The maps that it uses.
    pub fn maps(&self) -> &[Arc<Map>] {
        &self.maps
    }

    /// The values of its maps.
    pub(crate) fn spans(&self) -> &Arc<MapSpans> {
        &self.spans
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Program({}, {}, {} slots)", self.name, self.prog_type, self.code.len())
    }
}
