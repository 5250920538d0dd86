//! The commands, a file each.

mod asm;
mod btf;
mod check;
mod classic;
mod disasm;
mod object;
mod run;

use std::process::ExitCode;

use crate::args::{Args, BtfCommand, Command, ObjectCommand};
use crate::failure::Failure;

/// Runs the command that was asked for.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let global = &args.global;
    match &args.command {
        Command::Run(run_args) => run::run(global, run_args),
        Command::Check(check_args) => check::run(global, check_args),
        Command::Asm(asm_args) => asm::run(global, asm_args),
        Command::Disasm(disasm_args) => disasm::run(global, disasm_args),
        Command::Object(ObjectCommand::Show(show_args)) => object::show(global, show_args),
        Command::Object(ObjectCommand::Link(link_args)) => object::link::link(global, link_args),
        Command::Btf(BtfCommand::Dump(dump_args)) => btf::dump(global, dump_args),
        Command::Btf(BtfCommand::Min(min_args)) => btf::min(global, min_args),
        Command::Btf(BtfCommand::Merge(merge_args)) => btf::merge(global, merge_args),
    }
}
