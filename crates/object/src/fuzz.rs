//! What fuzzing drives: functions of any bytes that must neither panic nor take long.

use crate::Object;
use crate::core::CoreTarget;

/// Programs looked at in one object; there can be thousands, all alike.
const MAX_PROGRAMS: usize = 32;

/// Reads an object and joins its programs, without types to adapt to and with its own; binds what
/// can be bound to nothing at all.
pub fn object(bytes: &[u8]) {
    let Ok(object) = Object::parse("fuzz", bytes) else { return };
    let target = object.btf().map(CoreTarget::new);
    for (index, function, _) in object.programs().take(MAX_PROGRAMS) {
        let adapted = object.program(index, target.as_ref());
        let plain = object.program(index, None);
        for program in adapted.iter().chain(&plain) {
            let slots: u32 = program.subprograms.iter().map(|subprogram| subprogram.slots).sum();
            assert_eq!(program.code.len(), slots, "{}: slots of its functions", function.name);
            let found = program.references.iter().all(|each| program.code.get(each.at).is_some());
            assert!(found, "{}: a reference is at no instruction", function.name);
            let bound = program.bind(|_| None).map_err(|error| error.to_string());
            assert!(bound.is_ok_and(|code| code.len() == slots) || !program.references.is_empty());
        }
        for relocation in object.core_relocations(index) {
            assert!(!relocation.spec.is_empty());
        }
    }
    let _ = object.btf_for_kernel();
}
