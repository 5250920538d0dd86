//! Test tools of skep.
#![forbid(unsafe_code)]
