//! What is known of a number: the abstract domain of scalars.
//!
//! A [`Scalar`] stands for a set of 64-bit numbers. It describes the set five times over: by its
//! known bits ([`Tnum`]), and by four [`Range`]s, of the whole register and of its lower half, each
//! read as unsigned and as signed. The set is what all five admit. Five views are kept because
//! programs ask all five kinds of question, and because each operation is exact in some of them
//! and blind in others: `& 0xff` speaks of bits, `+ 4` of ranges, `if w1 s< 0` of the signed lower
//! half. [`Scalar::sync`] carries what one view has learned over to the others.
//!
//! Every operation here is *sound*: its result admits each number that the concrete operation
//! ([`skep_spec::semantics`]) can give for operands that the abstract operands admit. And every one
//! is exactly as precise as Linux 6.18, no less and no more, since a verdict that differs from the
//! kernel's is a wrong verdict either way. Where a rule looks needlessly blunt, that is why.
//!
//! - [`tnum`], [`range`]: the two kinds of view
//! - [`scalar`]: all five together; `bounds` keeps them in step
//! - [`alu`]: arithmetic; [`cast`]: truncation, extension and loads
//! - [`branch`]: whether a condition can hold, and what is learned when it does or does not
//! - [`display`]: the text of the kernel's log

mod bounds;

pub mod alu;
pub mod branch;
pub mod cast;
pub mod display;
pub mod range;
pub mod scalar;
pub mod tnum;

#[cfg(test)]
mod tests;

pub use branch::Refined;
pub use range::Range;
pub use scalar::Scalar;
pub use tnum::Tnum;
