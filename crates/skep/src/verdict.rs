//! What a program's return value means for its packet.

use std::fmt;

use skep_spec::abi::{ProgType, verdict};

/// The return value of a program of some type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Verdict {
    prog_type: ProgType,
    code: u32,
}

impl Verdict {
    /// What this type of program means by this return value.
    pub fn new(prog_type: ProgType, retval: u32) -> Verdict {
        // A socket filter returns how many bytes to keep: all that keep some say the same.
        let code = match prog_type {
            ProgType::SocketFilter => u32::from(retval != 0),
            _ => retval,
        };
        Verdict { prog_type, code }
    }

    /// Its name: `XDP_DROP`, `TC_ACT_OK`, `accept`; `None` for a code without one.
    pub fn name(&self) -> Option<&'static str> {
        verdict::name(self.prog_type, None, self.code.cast_signed())
    }

    /// Whether the packet goes on, changed or not, to the stack or to another device.
    pub fn goes_on(&self) -> bool {
        let code = self.code.cast_signed();
        match self.prog_type {
            ProgType::Xdp => {
                use verdict::xdp::{PASS, REDIRECT, TX};
                matches!(code, PASS | TX | REDIRECT)
            }
            ProgType::SchedCls | ProgType::SchedAct => {
                use verdict::tc::{OK, PIPE, RECLASSIFY, REDIRECT, UNSPEC};
                matches!(code, UNSPEC | OK | RECLASSIFY | PIPE | REDIRECT)
            }
            _ => code != 0,
        }
    }
}

impl fmt::Display for Verdict {
    /// The name, or the number of a code without one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => self.code.cast_signed().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(prog_type: ProgType, retval: u32, expected: &str, goes_on: bool) {
        let verdict = Verdict::new(prog_type, retval);
        assert_eq!((verdict.to_string().as_str(), verdict.goes_on()), (expected, goes_on));
    }

    #[test]
    fn names_and_fates() {
        check(ProgType::Xdp, 1, "XDP_DROP", false);
        check(ProgType::Xdp, 4, "XDP_REDIRECT", true);
        check(ProgType::Xdp, 5, "5", false);
        check(ProgType::SchedCls, u32::MAX, "TC_ACT_UNSPEC", true);
        check(ProgType::SchedCls, 2, "TC_ACT_SHOT", false);
        check(ProgType::SocketFilter, 96, "accept", true);
        check(ProgType::SocketFilter, 0, "drop", false);
    }
}
