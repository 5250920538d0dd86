//! The skep library.
#![forbid(unsafe_code)]
