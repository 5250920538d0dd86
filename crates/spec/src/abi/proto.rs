//! Prototypes of all helpers: arguments, result, effects, and who may call.
//!
//! One row a helper, in tables by family (`proto/*.rs`); read with [`proto`] and [`available`].
//! The facts are those of Linux 6.18 (`struct bpf_func_proto` and the `*_func_proto` functions of
//! each program type); which types may call what is checked against the running kernel by a test.
//!
//! Two things depend on more than the helper. Some program types see another prototype under the
//! same number (`get_socket_cookie` takes a context in a tc program and a socket in a tracing
//! program): those stand in [`variants`](self). And within some program types a helper is only
//! there for certain attach types, see [`narrowed_to`].
//!
//! ```
//! use skep_spec::abi::proto::{self, Arg, Ret};
//! use skep_spec::abi::{AttachType, HelperId, ProgType};
//!
//! let lookup = proto::proto(HelperId::MapLookupElem, ProgType::Xdp, None).unwrap();
//! assert_eq!(lookup.args, &[Arg::ConstMap, Arg::MapKey]);
//! assert_eq!(lookup.ret, Ret::MapValueOrNull);
//! assert!(!proto::available(HelperId::SkbLoadBytes, ProgType::Xdp, None));
//! ```
mod arg;
mod attach;
mod row;
mod variants;

mod cgroup;
mod general;
mod map;
mod net;
mod skb;
mod socket;
mod task;
mod tracing;
mod xdp;

#[cfg(test)]
mod tests;

pub use arg::{Arg, Callback, DynptrKind, DynptrRole, MemAccess, MemSize, Ret};
pub use attach::narrowed_to;

use super::{AttachType, HelperId, ProgType, prog_type::ProgTypes};

/// What a caller must hold for a helper, beyond what loading its program type takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Nothing more.
    Nothing,
    /// `CAP_BPF`.
    Bpf,
    /// `CAP_PERFMON`: the helper can reveal what the caller could not see otherwise.
    Perfmon,
}

/// The prototype of a helper.
///
/// What hangs on the value of an argument rather than on its kind (which map types a helper takes,
/// flags that are reserved) is not here: map types are in [`MapType`](super::MapType)'s table, the
/// rest is the helper's own affair at run time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proto {
    /// The helper.
    pub helper: HelperId,
    /// Its arguments, r1 upwards; at most five.
    pub args: &'static [Arg],
    /// What is in r0 afterwards.
    pub ret: Ret,
    /// The program types that may call it, in this form.
    pub types: ProgTypes,
    /// What the loader must hold.
    pub needs: Needs,
    /// Only programs with a GPL-compatible licence may call it.
    pub gpl_only: bool,
    /// Pointers into the packet may be passed where memory is asked for (if the program type has
    /// direct packet access at all).
    pub pkt_access: bool,
    /// It can sleep, so that only sleepable programs may call it.
    pub might_sleep: bool,
    /// It can move or resize the packet: every packet pointer is invalid afterwards. See
    /// [`Proto::changes_packet_of_callers`] for tail calls.
    pub changes_packet: bool,
    /// Its result is a reference that the program has to release.
    pub acquires: bool,
}

impl Proto {
    /// Whether a function that calls the helper may have changed the packet when it returns.
    ///
    /// A tail call changes nothing for what follows it, as that runs only if the call fails. But
    /// in a function of its own it returns to the caller from another program, which may have
    /// done anything.
    #[must_use]
    pub fn changes_packet_of_callers(&self) -> bool {
        self.changes_packet || self.helper == HelperId::TailCall
    }

    /// The index of the argument whose reference the call releases.
    #[must_use]
    pub fn released_arg(&self) -> Option<usize> {
        self.args.iter().position(|arg| arg.releases())
    }

    /// The callback that the helper calls, if it takes one.
    #[must_use]
    pub fn callback(&self) -> Option<Callback> {
        self.args
            .iter()
            .find_map(|arg| if let Arg::Callback(callback) = arg { Some(*callback) } else { None })
    }
}

/// One past the highest helper number.
const HELPERS: usize = HelperId::ALL.len() + 1;

/// The families, each a table of rows.
const FAMILIES: &[(&str, &[Proto])] = &[
    ("map", map::HELPERS),
    ("general", general::HELPERS),
    ("task", task::HELPERS),
    ("tracing", tracing::HELPERS),
    ("skb", skb::HELPERS),
    ("xdp", xdp::HELPERS),
    ("net", net::HELPERS),
    ("socket", socket::HELPERS),
    ("cgroup", cgroup::HELPERS),
];

/// The rows by helper number. A helper without a row, or with two, does not compile.
static BY_NUMBER: [Option<&'static Proto>; HELPERS] = by_number();

const fn by_number() -> [Option<&'static Proto>; HELPERS] {
    let mut table = [None; HELPERS];
    let mut family = 0;
    let mut rows = 0;
    while family < FAMILIES.len() {
        let mut row = 0;
        while row < FAMILIES[family].1.len() {
            let proto = &FAMILIES[family].1[row];
            let slot = &mut table[proto.helper.number() as usize];
            assert!(slot.is_none(), "a helper has two rows");
            *slot = Some(proto);
            rows += 1;
            row += 1;
        }
        family += 1;
    }
    assert!(rows == HelperId::ALL.len(), "a helper has no row");
    table
}

/// The common form of a helper, as most program types see it.
#[must_use]
pub fn common(helper: HelperId) -> &'static Proto {
    BY_NUMBER[helper.number() as usize].expect("proto: every helper has a row")
}

/// The name of the family that a helper belongs to: what it works on.
#[must_use]
pub fn family(helper: HelperId) -> &'static str {
    let has = |rows: &[Proto]| rows.iter().any(|row| row.helper == helper);
    let family = FAMILIES.iter().find(|(_, rows)| has(rows));
    family.expect("proto: every helper has a row").0
}

/// The prototype that programs of `prog_type`, attached at `attach`, see; `None` where they may not
/// call the helper.
///
/// Without an attach type (programs that are run and not attached, or whose attach type is not yet
/// known) a helper counts as available if it is so for any attach type of the program type.
#[must_use]
pub fn proto(
    helper: HelperId,
    prog_type: ProgType,
    attach: Option<AttachType>,
) -> Option<&'static Proto> {
    if let (Some(allowed), Some(attach)) = (narrowed_to(helper, prog_type), attach)
        && !allowed.contains(&attach)
    {
        return None;
    }
    let variant = variants::VARIANTS.iter().find(|variant| {
        variant.proto.helper == helper
            && variant.proto.types.contains(prog_type)
            && variant.attach.is_none_or(|only| attach.is_some_and(|at| only.contains(&at)))
    });
    match variant {
        Some(variant) => Some(&variant.proto),
        None => Some(common(helper)).filter(|proto| proto.types.contains(prog_type)),
    }
}

/// Whether programs of `prog_type`, attached at `attach`, may call `helper`. See [`proto`].
#[must_use]
pub fn available(helper: HelperId, prog_type: ProgType, attach: Option<AttachType>) -> bool {
    proto(helper, prog_type, attach).is_some()
}
