//! The ABI between eBPF programs and whoever runs them, as tables.
//!
//! Everything here is a fact of the Linux UAPI (`include/uapi/linux/bpf.h`) or a rule that the
//! kernel's verifier applies to it, through Linux 6.18: which program types exist, which helpers
//! each of them may call and with what arguments, what a context looks like, what a map type's
//! keys and values may be, what a return value means. Verifier, engines and command line read the
//! same tables, so that there is one place to be right.
//!
//! | module | subject |
//! |---|---|
//! | [`prog_type`] | program types |
//! | [`attach_type`] | attach types |
//! | [`map_type`] | map types |
//! | [`map_rules`] | sizes, flags and helpers of each map type |
//! | [`context`] | what r1 points to, and which of its fields a program may access |
//! | [`flags`] | flags of commands and helpers |
//! | [`format`](mod@format) | formats that programs print with |
//! | [`helper`] | helper numbers and names |
//! | [`license`] | which licences are compatible with the GPL |
//! | [`proto`] | helper prototypes, and who may call them |
//! | [`verdict`] | what return values mean, and which are allowed |
pub(crate) mod uapi;

pub mod argument;
pub mod attach_type;
pub mod context;
pub mod flags;
pub mod format;
pub mod helper;
pub mod license;
pub mod map_rules;
pub mod map_type;
pub mod prog_type;
pub mod proto;
pub mod verdict;

pub use attach_type::AttachType;
pub use helper::HelperId;
pub use map_type::MapType;
pub use prog_type::ProgType;
