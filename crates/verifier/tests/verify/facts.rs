//! What a verification has found out about each instruction, as text.

use std::fmt::Write;

use skep_spec::insn::{Imm64, Insn};
use skep_verifier::state::Kind;
use skep_verifier::{Maps, Report, Verified};

/// A line for each instruction of which something is known.
pub(crate) fn text(report: &Report, verified: &Verified) -> String {
    let mut text = String::new();
    let extended = verified.zero_extensions();
    for (at, insn) in verified.code().iter() {
        let facts = verified.facts().at(at);
        let mut said = Vec::new();
        if !facts.seen {
            said.push("dead".to_owned());
        }
        said.extend(facts.pointer.on().map(|kind| pointer(kind, facts.packet_bytes, &report.maps)));
        said.extend(facts.map.on().map(|map| format!("map {}", report.maps.facts(map).name)));
        said.extend(facts.tail_index.on().map(|index| format!("index {index}")));
        said.extend(facts.inlined_loop.on().map(|function| format!("loop of function {function}")));
        if extended.needed(at) {
            said.push("extends".to_owned());
        }
        let is_map = matches!(insn, Insn::LoadImm64 { imm: Imm64::MapFd(_), .. });
        if !said.is_empty() && !is_map {
            writeln!(text, "{}: {}", at.0, said.join(", ")).expect("a string takes it");
        }
    }
    for function in 0..report.statistics.stack_depth.len() {
        let slots =
            verified.facts().uninit_slots(u16::try_from(function).expect("at most 256 functions"));
        if slots != 0 {
            writeln!(text, "function {function}: slots to zero {slots:#b}")
                .expect("a string takes it");
        }
    }
    text
}

fn pointer(kind: Kind, packet_bytes: u16, maps: &Maps) -> String {
    match kind {
        Kind::Context => "context".to_owned(),
        Kind::Packet { .. } => format!("packet, {packet_bytes} bytes"),
        Kind::Stack { frame } => format!("stack of frame {frame}"),
        Kind::MapValue { map, .. } => format!("value of {}", maps.facts(map).name),
        other => format!("{other:?}"),
    }
}
