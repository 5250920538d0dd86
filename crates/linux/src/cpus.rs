//! How many CPUs the machine has, as sysfs says.

use std::fs;

/// CPUs that may ever be there: what the kernel sizes per-CPU values by.
const POSSIBLE: &str = "/sys/devices/system/cpu/possible";

/// CPUs that run now.
const ONLINE: &str = "/sys/devices/system/cpu/online";

/// The number of possible CPUs: one past the highest number.
pub(crate) fn possible() -> Option<u32> {
    list(&fs::read_to_string(POSSIBLE).ok()?)?.last()?.checked_add(1)
}

/// The numbers of the CPUs that run.
pub(crate) fn online() -> Option<Vec<u32>> {
    list(&fs::read_to_string(ONLINE).ok()?)
}

/// The highest CPU number believed: no kernel is built for more (`NR_CPUS` on x86-64 is 8192).
const MOST: u32 = 1 << 16;

/// The numbers in a list such as `0-3,5`.
fn list(text: &str) -> Option<Vec<u32>> {
    let mut cpus = Vec::new();
    for range in text.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if last > MOST {
            return None;
        }
        cpus.extend(first..=last);
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::list;

    #[test]
    fn lists() {
        let check = |text, expected: Option<&[u32]>| assert_eq!(list(text).as_deref(), expected);
        check("0\n", Some(&[0]));
        check("0-2,5\n", Some(&[0, 1, 2, 5]));
        check("", None);
        check("0-x", None);
        check("0-4294967295", None);
    }
}
