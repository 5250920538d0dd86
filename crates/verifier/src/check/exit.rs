//! The end of a function.

use skep_spec::insn::Reg;

use crate::explore::{Next, Walk};
use crate::rejection::Check;

impl Walk<'_> {
    /// `exit`.
    pub(crate) fn check_exit(&mut self) -> Check<Next> {
        self.read(Reg::R0)?;
        Ok(Next::End)
    }
}
