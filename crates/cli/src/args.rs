//! The command line, defined once: help, completion and manual pages derive from here.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// eBPF programs: load, run and observe them, without root and without a kernel.
#[derive(Parser, Debug)]
#[command(name = "skep", version, max_term_width = 100, propagate_version = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(clap::Args, Debug)]
pub(crate) struct Global {
    /// Print JSON, for scripts
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
    /// Print indented JSON
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) pretty: bool,
    /// Who runs programs: skep in this process, or the Linux kernel
    #[arg(long, global = true, help_heading = "Global options", value_enum, default_value_t = EngineArg::Auto)]
    pub(crate) engine: EngineArg,
}

impl Global {
    /// Whether JSON is wanted.
    pub(crate) fn json(&self) -> bool {
        self.json || self.pretty
    }
}

/// Which engine is asked.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EngineArg {
    /// skep's own runtime, in this process
    User,
    /// The Linux kernel, through bpf(2): needs root or CAP_BPF
    Linux,
    /// The user engine, as long as a command does not need the kernel
    Auto,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run the programs of an object on the packets of a capture
    Run(RunArgs),
    /// Say whether the Linux kernel would take programs, and if not, why
    Check(CheckArgs),
    /// Assemble eBPF text to bytes
    Asm(AsmArgs),
    /// Disassemble eBPF bytes, or the programs of an object
    Disasm(DisasmArgs),
    /// Look into object files
    #[command(subcommand)]
    Object(ObjectCommand),
    /// Look into type information
    #[command(subcommand)]
    Btf(BtfCommand),
}

/// `skep run`.
#[derive(clap::Args, Debug)]
pub(crate) struct RunArgs {
    /// A BPF object file, or BPF C source (`.c`), which is compiled with clang
    #[arg(value_name = "OBJ.o|FILE.bpf.c", required_unless_present = "filter")]
    pub(crate) object: Option<PathBuf>,
    /// Run a classic filter instead, on the bytes that the capture has: a file as for `skep asm
    /// --classic`, or what `tcpdump -ddd` prints
    #[arg(long, value_name = "FILE|TEXT", conflicts_with_all = ["object", "programs", "prog_type", "semantics", "btf", "kconfig", "repeat", "unverified"])]
    pub(crate) filter: Option<String>,
    /// Run the classic filter as it is, without translating it to eBPF
    #[arg(long, requires = "filter")]
    pub(crate) interpret: bool,
    /// The packets: a pcap or pcapng file
    #[arg(long, value_name = "IN.pcap")]
    pub(crate) packets: PathBuf,
    /// Run this program; may be given several times [default: every program that takes packets]
    #[arg(long = "prog", value_name = "NAME")]
    pub(crate) programs: Vec<String>,
    /// Take the programs for this type, whatever their section says: xdp, tc, socket, …
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) prog_type: Option<String>,
    /// Write the frames that the program lets go on, as it left them
    #[arg(long, value_name = "OUT.pcap")]
    pub(crate) write: Option<PathBuf>,
    /// Run each packet this often; maps see every run
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) repeat: u32,
    /// How packets are treated where BPF_PROG_TEST_RUN and a network device differ
    #[arg(long, value_enum, default_value_t = SemanticsArg::TestRun)]
    pub(crate) semantics: SemanticsArg,
    /// End a run after this many instructions
    #[arg(long, value_name = "N", default_value_t = 1_000_000_000)]
    pub(crate) max_insns: u64,
    /// BTF to relocate against [default: this machine's, /sys/kernel/btf/vmlinux]
    #[arg(long, value_name = "FILE")]
    pub(crate) btf: Option<PathBuf>,
    /// Settings of the kernel that programs ask for: a file in the form of `.config`, compressed or
    /// not [default: those of the kernel that runs]
    #[arg(long, value_name = "FILE")]
    pub(crate) kconfig: Option<PathBuf>,
    /// Run programs that the verifier does not accept, in the interpreter, which checks every access
    #[arg(long)]
    pub(crate) unverified: bool,
}

/// Packet treatment.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SemanticsArg {
    /// As BPF_PROG_TEST_RUN: frames under 14 bytes are refused, VLAN tags stay in the data
    TestRun,
    /// As a device: frames of any length, an outer VLAN tag moves to the context of tc and socket
    /// programs
    Device,
}

/// `skep check`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Exit code: 0 if all programs are accepted, 1 if one is not, 2 if there is \
                        nothing to verify."
)]
pub(crate) struct CheckArgs {
    /// A BPF object file, BPF C source, or bare instructions: bytes, their hexadecimal text, or
    /// text for the assembler; `-` for standard input
    pub(crate) file: PathBuf,
    /// Verify this program; may be given several times [default: all]
    #[arg(long = "prog", value_name = "NAME")]
    pub(crate) programs: Vec<String>,
    /// Take the programs for this type, whatever their section says: xdp, tc, socket, …
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) prog_type: Option<String>,
    /// Take the programs for attached so: cgroup_inet4_connect, tcx_ingress, …
    #[arg(long, value_name = "TYPE")]
    pub(crate) attach_type: Option<String>,
    /// BTF of the kernel to verify for [default: this machine's, /sys/kernel/btf/vmlinux]
    #[arg(long, value_name = "FILE")]
    pub(crate) btf: Option<PathBuf>,
    /// Print what each verification took
    #[arg(long)]
    pub(crate) stats: bool,
    /// Print the log, in the kernel's format
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub(crate) log: Option<LogLevel>,
    /// Follow every path to its end: slow, and with the same verdicts
    #[arg(long)]
    pub(crate) no_pruning: bool,
}

/// How much of a log there is to be.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LogLevel {
    /// The path that fails, and what each instruction changes
    #[value(name = "1")]
    Changes,
    /// All paths
    #[value(name = "2")]
    All,
    /// What the verification took
    #[value(name = "4")]
    Statistics,
}

/// `skep asm`.
#[derive(clap::Args, Debug)]
pub(crate) struct AsmArgs {
    /// Text in the syntax of the kernel's verifier log; `-` for standard input
    pub(crate) file: PathBuf,
    /// Write the bytes to this file [default: hexadecimal on standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The text is a classic filter: in the syntax of bpf_asm, or as `tcpdump -d`, `-dd` or `-ddd`
    /// prints it
    #[arg(long)]
    pub(crate) classic: bool,
    /// How to print the classic filter [default: hexadecimal]
    #[arg(long, value_enum, requires = "classic")]
    pub(crate) format: Option<ClassicFormat>,
}

/// Forms of classic filters.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ClassicFormat {
    /// Bytes in hexadecimal
    Hex,
    /// C initialisers, as `tcpdump -dd`
    C,
    /// Decimal numbers after their count, as `tcpdump -ddd`
    Decimal,
    /// Numbered instructions, as `tcpdump -d`
    Listing,
    /// Source for bpf_asm
    Asm,
    /// The eBPF program that the filter is translated to
    Ebpf,
}

/// `skep disasm`.
#[derive(clap::Args, Debug)]
pub(crate) struct DisasmArgs {
    /// An object file, instruction bytes, or their hexadecimal text; `-` for standard input
    pub(crate) file: PathBuf,
    /// Of an object: this program only
    #[arg(long = "prog", value_name = "NAME")]
    pub(crate) program: Option<String>,
    /// The file holds a classic filter: bytes, their hexadecimal text, or what `tcpdump -dd` or
    /// `-ddd` prints
    #[arg(long, conflicts_with = "program")]
    pub(crate) classic: bool,
    /// How to print the classic filter [default: source for bpf_asm]
    #[arg(long, value_enum, requires = "classic")]
    pub(crate) format: Option<ClassicFormat>,
}

/// `skep object …`.
#[derive(Subcommand, Debug)]
pub(crate) enum ObjectCommand {
    /// Show programs, maps, sections, externs and relocations
    Show(ObjectShowArgs),
    /// Link several objects into one, as `bpftool gen object` does
    Link(ObjectLinkArgs),
}

/// `skep object link`.
#[derive(clap::Args, Debug)]
pub(crate) struct ObjectLinkArgs {
    /// The object file to write
    #[arg(long, short, value_name = "OUT.o")]
    pub(crate) output: PathBuf,
    /// BPF object files, or BPF C sources
    #[arg(value_name = "OBJ.o|FILE.bpf.c", required = true)]
    pub(crate) objects: Vec<PathBuf>,
}

/// `skep object show`.
#[derive(clap::Args, Debug)]
pub(crate) struct ObjectShowArgs {
    /// A BPF object file, or BPF C source
    #[arg(value_name = "OBJ.o|FILE.bpf.c")]
    pub(crate) object: PathBuf,
}

/// `skep btf …`.
#[derive(Subcommand, Debug)]
pub(crate) enum BtfCommand {
    /// Print all types
    Dump(BtfDumpArgs),
    /// Write the types of a kernel that objects look at, and no others
    Min(BtfMinArgs),
    /// Write the types of several files, each type once
    Merge(BtfMergeArgs),
}

/// `skep btf dump`.
#[derive(clap::Args, Debug)]
pub(crate) struct BtfDumpArgs {
    /// A BPF object file or another ELF file, raw BTF such as /sys/kernel/btf/vmlinux, or BPF C
    /// source; bpftool's `file FILE format c` is understood too
    #[arg(required = true, num_args = 1..=4, value_name = "FILE")]
    pub(crate) words: Vec<PathBuf>,
    /// The form: bpftool's list of types, or C [default: raw]
    #[arg(long, value_enum)]
    pub(crate) format: Option<BtfFormat>,
    /// The BTF that a kernel module's BTF builds on [default: the kernel's, for files in
    /// /sys/kernel/btf]
    #[arg(short = 'B', long, alias = "base-btf", value_name = "FILE")]
    pub(crate) base: Option<PathBuf>,
}

/// `skep btf min`.
#[derive(clap::Args, Debug)]
pub(crate) struct BtfMinArgs {
    /// The objects, whose CO-RE relocations say which types
    #[arg(required = true, value_name = "OBJ.o|FILE.bpf.c")]
    pub(crate) objects: Vec<PathBuf>,
    /// The types of the kernel that they are to run on [default: this machine's,
    /// /sys/kernel/btf/vmlinux]
    #[arg(long, value_name = "FILE")]
    pub(crate) btf: Option<PathBuf>,
    /// The file to write, raw BTF
    #[arg(short, long, value_name = "OUT.btf")]
    pub(crate) output: PathBuf,
}

/// `skep btf merge`.
#[derive(clap::Args, Debug)]
pub(crate) struct BtfMergeArgs {
    /// Objects or raw BTF
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The file to write, raw BTF
    #[arg(short, long, value_name = "OUT.btf")]
    pub(crate) output: PathBuf,
}

/// Forms of a dump.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BtfFormat {
    /// One line a type, with its number
    Raw,
    /// Declarations that a C compiler takes
    C,
}
