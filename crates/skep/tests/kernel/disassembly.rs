//! Our disassembly against the kernel's: its verifier's log begins, at level 2, with a table that
//! lists every instruction once.

use skep::load::{self, Options};
use skep::object::core::CoreTarget;
use skep::object::{Object, Program};
use skep::spec::Insn;
use skep::spec::disasm::Listing;
use skep::spec::insn::{Callee, Imm64};

/// The line before the table.
const HEADING: &str = "Live regs before insn:";

/// The instructions of the table: `  4: .1........ (bf) r6 = r1` without the live registers.
fn kernel_listing(log: &str) -> Vec<String> {
    let lines = log.lines().skip_while(|line| *line != HEADING).skip(1);
    let rows = lines.map_while(|line| {
        let (slot, rest) = line.split_once(": ")?;
        // Instructions of a loop have its number in front.
        let slot: u32 = slot.split_whitespace().next_back()?.parse().ok()?;
        let (_, text) = rest.split_once(" (")?;
        Some(format!("{slot:>4}: ({text}"))
    });
    rows.collect()
}

/// Our listing, one line an instruction.
fn our_listing(program: &Program) -> Vec<String> {
    Listing::new(&program.code).to_string().lines().map(str::to_owned).collect()
}

/// Replaces what differs from load to load: addresses of maps and functions, BTF ids.
fn mask(line: &str, insn: &Insn) -> String {
    let is_address = matches!(insn, Insn::LoadImm64 { imm, .. } if !matches!(imm, Imm64::Value(_)));
    let is_btf_id = matches!(insn, Insn::Call(Callee::Kfunc { .. }));
    if is_address || is_btf_id {
        let end = line.rfind(['=', '#']).unwrap_or(line.len());
        return format!("{}= …", &line[..end]);
    }
    line.to_owned()
}

#[track_caller]
fn check(object_name: &str) {
    let Some(engine) = crate::kernel() else { return };
    let object = crate::object(object_name);
    let types = skep::btf::Btf::parse(&crate::read("/sys/kernel/btf/vmlinux".as_ref())).unwrap();
    let target = CoreTarget::new(&types);
    let options = Options { target: Some(&target), log_level: 2, ..Options::default() };
    let loaded = load::load(&engine, &object, &options).unwrap();
    for program in &loaded.programs {
        let ours = joined(&object, program.name(), &target);
        let masked = |lines: Vec<String>| -> Vec<String> {
            assert_eq!(lines.len(), ours.code.iter().count(), "{}: {lines:#?}", program.name());
            lines.iter().zip(ours.code.iter()).map(|(line, (_, insn))| mask(line, insn)).collect()
        };
        let kernels = masked(kernel_listing(program.log()));
        assert_eq!(masked(our_listing(&ours)), kernels, "{}", program.name());
    }
}

fn joined(object: &Object, name: &str, target: &CoreTarget<'_>) -> Program {
    object.program(object.find_program(name).unwrap(), Some(target)).unwrap()
}

#[test]
fn listings_are_the_kernels() {
    for name in [
        "balancer",
        "counters",
        "dns",
        "firewall",
        "layout",
        "parser",
        "ratelimit",
        "spin",
        "tailcall",
        "tunnel",
    ] {
        check(name);
    }
}
