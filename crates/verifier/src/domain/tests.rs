//! Soundness, by trying: whatever an operation of [`skep_spec::semantics`] gives for numbers that
//! abstract operands admit, the abstract result must admit.
//!
//! Bits and ranges are tried exhaustively at small widths. Scalars are tried for every pair of
//! numbers at which something changes, for every scalar of four bits, and for random numbers.
//! That they are no *less* precise than the kernel's is for the test `scalars` to say, which asks
//! the kernel.

mod bits;
mod branches;
mod ranges;
mod samples;
mod scalars;
