//! Licences, as far as the ABI knows them: some helpers are for GPL programs only.

/// Licences that are compatible with the GPL (`license_is_gpl_compatible`, `include/linux/license.h`).
pub const GPL_COMPATIBLE: [&str; 6] =
    ["GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"];

/// Whether Linux takes a licence for compatible with the GPL.
#[must_use]
pub fn is_gpl_compatible(license: &str) -> bool {
    GPL_COMPATIBLE.contains(&license)
}
