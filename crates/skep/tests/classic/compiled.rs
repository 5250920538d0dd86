//! The way back: what eBPF programs return, and the classic filters that they are compiled to.

use skep::compile as clang;
use skep::object::Object;
use skep::spec::Code;
use skep::spec::abi::ProgType;
use skep::spec::classic::ancillary::Ancillary;
use skep::spec::classic::compile::{CompileErrorKind, compile};
use skep::spec::classic::seccomp::DATA_BYTES;
use skep::spec::classic::translate::{Translated, translate};
use skep::spec::classic::{self, Listing, Rules, Skb};
use skep::spec::disasm;
use skep::spec::insn::{
    AluOp, Condition, Insn, Operand, PacketIndex, Reg, SignedFrom, Size, SwapKind, SwapSize, Width,
};

use crate::engine::judge_translated;
use crate::generate::{self, Kind, PACKET_MAX};
use crate::random::Random;
use crate::results::run_translated;

const PROGRAMS: usize = 3_000;
const INPUTS: usize = 4;

const SOCKET: Kind = Kind {
    rules: Rules::Socket,
    ancillary: &[
        Ancillary::Protocol,
        Ancillary::PktType,
        Ancillary::Mark,
        Ancillary::Queue,
        Ancillary::RxHash,
        Ancillary::AluXorX,
        Ancillary::VlanTag,
        Ancillary::VlanTagPresent,
        Ancillary::VlanTpid,
    ],
    link: false,
};
const SECCOMP: Kind = Kind { rules: Rules::Seccomp, ancillary: &[], link: false };

/// Compares a program with the filter that it is compiled to; `Err` if it cannot be.
fn compare(random: &mut Random, code: &Code, rules: Rules) -> Result<(), CompileErrorKind> {
    let prog_type = match rules {
        Rules::Socket => ProgType::SocketFilter,
        Rules::Seccomp => ProgType::Syscall,
    };
    let filter = compile(code, rules).map_err(|error| error.kind)?;
    let program = Translated { prog_type, code: code.clone() };
    let about = || format!("{}\n{}", disasm::Listing::new(code), Listing::new(filter.insns()));
    for _ in 0..INPUTS {
        let (expected, found) = match rules {
            Rules::Socket => {
                let len = 1 + random.below(PACKET_MAX);
                let packet = random.bytes(len);
                let skb = Skb { link_off: None, ..Skb::new(&packet) };
                (run_translated(&program, &packet), filter.run(&skb, &mut || 0))
            }
            Rules::Seccomp => {
                let mut data = [0; DATA_BYTES];
                data.fill_with(|| if random.chance(30) { 0 } else { random.byte() });
                (judge_translated(&program, &data), filter.judge(&data))
            }
        };
        assert_eq!(expected, found, "{}", about());
    }
    Ok(())
}

#[test]
fn translated_filters_compile_back() {
    for kind in [SOCKET, SECCOMP] {
        let mut random = Random::new(0xbac0);
        let mut compiled = 0;
        for _ in 0..PROGRAMS / 4 {
            let insns = generate::sound(&mut random, kind);
            let filter = classic::check(&classic::encode(&insns), kind.rules).unwrap();
            let translated = translate(&filter).unwrap();
            match compare(&mut random, &translated.code, kind.rules) {
                Ok(()) => compiled += 1,
                // All sixteen words, and the two registers besides.
                Err(CompileErrorKind::TooManyValues) => {}
                Err(error) => panic!("{error}\n{}", Listing::new(&insns)),
            }
        }
        println!("{:?}: {compiled} of {} compiled back", kind.rules, PROGRAMS / 4);
        assert!(compiled > PROGRAMS / 4 * 9 / 10);
    }
}

#[test]
fn random_programs() {
    for rules in [Rules::Socket, Rules::Seccomp] {
        let mut random = Random::new(0xeb9f);
        let mut compiled = 0;
        for _ in 0..PROGRAMS {
            let code = program(&mut random, rules);
            match compare(&mut random, &code, rules) {
                Ok(()) => compiled += 1,
                Err(CompileErrorKind::Wide { .. } | CompileErrorKind::NoNumber { .. }) => {}
                Err(error) => panic!("{error}\n{}", disasm::Listing::new(&code)),
            }
        }
        println!("{rules:?}: {compiled} of {PROGRAMS} random programs compiled");
        assert!(compiled > PROGRAMS / 4, "{compiled} compiled");
    }
}

/// Registers that hold numbers.
const NUMBERS: [Reg; 7] = [Reg::R0, Reg::R1, Reg::R2, Reg::R3, Reg::R7, Reg::R8, Reg::R9];
/// What is on the stack, by size.
const STACK: [(i16, Size); 4] = [(-8, Size::DW), (-16, Size::DW), (-20, Size::W), (-24, Size::W)];

/// A random program without loops and calls, most of it in 32 bits.
fn program(random: &mut Random, rules: Rules) -> Code {
    let mut insns = vec![mov(Width::W64, Reg::R6, Operand::Reg(Reg::R1))];
    for reg in NUMBERS {
        insns.push(mov(Width::W32, reg, imm(random)));
    }
    for (off, size) in STACK {
        insns.push(Insn::Store { size, dst: Reg::FP, off, src: Operand::Imm(7) });
    }
    let len = 1 + random.below(25);
    for at in 0..len {
        let before = insns.len();
        one(random, rules, &mut insns);
        // A jump over what comes, whose length is known when it has come.
        if at + 1 < len && random.chance(25) {
            insns.insert(before, branch(random, insns.len() - before));
        }
    }
    insns.push(Insn::Exit);
    insns.into_iter().collect()
}

fn one(random: &mut Random, rules: Rules, insns: &mut Vec<Insn>) {
    let (dst, src) = (random.choose(&NUMBERS), random.choose(&NUMBERS));
    let width = if random.chance(75) { Width::W32 } else { Width::W64 };
    match random.next() % 20 {
        0..8 => {
            let op = random.choose(&[
                AluOp::Add,
                AluOp::Sub,
                AluOp::Mul,
                AluOp::Div,
                AluOp::Mod,
                AluOp::Or,
                AluOp::And,
                AluOp::Xor,
                AluOp::Lsh,
                AluOp::Rsh,
                AluOp::Arsh,
            ]);
            let src = operand(random, op, width, src);
            insns.push(Insn::Alu { width, op, dst, src });
        }
        8 => insns.push(Insn::Neg { width, dst }),
        9 => insns.push(mov(width, dst, Operand::Reg(src))),
        10 => insns.push(mov(width, dst, imm(random))),
        11 => {
            let from = random.choose(&[SignedFrom::S8, SignedFrom::S16]);
            insns.push(Insn::MovSx { width, from, dst, src });
        }
        12 => {
            let kind = random.choose(&[SwapKind::ToBe, SwapKind::ToLe, SwapKind::Always]);
            let size = random.choose(&[SwapSize::S16, SwapSize::S32]);
            insns.push(Insn::Swap { kind, size, dst });
        }
        13 => {
            // To the upper half and down again, as before there were 32-bit operations.
            let bits = Operand::Imm(32 + i32::try_from(random.below(32)).unwrap());
            let down = random.choose(&[AluOp::Rsh, AluOp::Arsh]);
            insns.push(Insn::Alu { width: Width::W64, op: AluOp::Lsh, dst, src: bits });
            insns.push(Insn::Alu { width: Width::W64, op: down, dst, src: bits });
        }
        14 => {
            let (off, size) = random.choose(&STACK);
            insns.push(Insn::Store { size, dst: Reg::FP, off, src: Operand::Reg(src) });
        }
        15 => {
            let (off, size) = random.choose(&STACK);
            insns.push(Insn::Load { size, signed: false, dst, src: Reg::FP, off });
        }
        _ => load(random, rules, insns, dst),
    }
}

fn load(random: &mut Random, rules: Rules, insns: &mut Vec<Insn>, dst: Reg) {
    let size = random.choose(&[Size::B, Size::H, Size::W]);
    if rules == Rules::Seccomp {
        let off = i16::try_from(random.below(DATA_BYTES / size.bytes()) * size.bytes()).unwrap();
        let signed = random.chance(30);
        insns.push(Insn::Load { size, signed, dst, src: Reg::R6, off });
        return;
    }
    if random.chance(30) {
        // Length, type, mark, protocol.
        let off = random.choose(&[0, 4, 8, 16]);
        insns.push(Insn::Load { size: Size::W, signed: false, dst, src: Reg::R6, off });
        return;
    }
    let imm = i32::try_from(random.below(PACKET_MAX / 3)).unwrap();
    if random.chance(60) {
        insns.push(Insn::LoadPacket { size, index: PacketIndex::Abs, imm });
    } else {
        insns.push(mov(Width::W32, Reg::R9, Operand::Imm(imm)));
        insns.push(Insn::LoadPacket { size, index: PacketIndex::Ind(Reg::R9), imm: 2 });
    }
    for reg in [Reg::R1, Reg::R2, Reg::R3] {
        insns.push(mov(Width::W32, reg, Operand::Imm(imm)));
    }
}

fn branch(random: &mut Random, over: usize) -> Insn {
    let width = if random.chance(70) { Width::W32 } else { Width::W64 };
    let cond = random.choose(&[
        Condition::Eq,
        Condition::Ne,
        Condition::Gt,
        Condition::Ge,
        Condition::Lt,
        Condition::Le,
        Condition::Set,
        Condition::SGt,
        Condition::SGe,
        Condition::SLt,
        Condition::SLe,
    ]);
    let src = if random.chance(50) { Operand::Reg(random.choose(&NUMBERS)) } else { imm(random) };
    let off = i16::try_from(over).unwrap();
    Insn::Branch { width, cond, dst: random.choose(&NUMBERS), src, off }
}

fn operand(random: &mut Random, op: AluOp, width: Width, src: Reg) -> Operand {
    match op {
        AluOp::Lsh | AluOp::Rsh | AluOp::Arsh if random.chance(70) || width == Width::W64 => {
            Operand::Imm(i32::try_from(random.below(32)).unwrap())
        }
        AluOp::Div | AluOp::Mod if random.chance(50) => {
            Operand::Imm(1 + i32::try_from(random.below(1000)).unwrap())
        }
        _ if random.chance(50) || matches!(op, AluOp::Div | AluOp::Mod) => Operand::Reg(src),
        _ => imm(random),
    }
}

fn imm(random: &mut Random) -> Operand {
    Operand::Imm(random.number().cast_signed())
}

fn mov(width: Width, dst: Reg, src: Operand) -> Insn {
    Insn::Mov { width, dst, src }
}

/// Small filters of seccomp, in C.
const SOURCE: &str = r#"
typedef unsigned int u32;
typedef unsigned long long u64;
struct seccomp_data { int nr; u32 arch; u64 instruction_pointer; u64 args[6]; };
#define SEC(name) __attribute__((section(name), used))

SEC("syscall") int by_number(struct seccomp_data *data)
{
	if (data->arch != 0xc000003e)
		return 0x80000000;
	if (data->nr == 0 || data->nr == 60 || data->nr == 231)
		return 0x7fff0000;
	if (data->nr >= 400 && data->nr < 450)
		return 0x00050000 | 13;
	return 0;
}

SEC("syscall") int by_argument(struct seccomp_data *data)
{
	u32 flags = data->args[1];
	if (data->nr == 9 && (flags & 6) == 6)
		return 0x00050000 | 1;
	if (data->nr == 41 && (u32)data->args[0] > 2)
		return 0x00050000 | 97;
	return 0x7fff0000;
}

SEC("syscall") int arithmetic(struct seccomp_data *data)
{
	u32 sum = data->nr * 3u + (u32)data->args[2] / 7u;
	int signed_one = (int)(u32)data->args[3];
	if (signed_one < -5 || (unsigned char)data->args[4] == 'x')
		sum ^= 0x1234;
	return sum << (data->nr & 7);
}

char _license[] SEC("license") = "GPL";
"#;

#[test]
fn clangs_filters_of_seccomp() {
    let folder = std::env::temp_dir().join(format!("skep-classic-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("seccomp.bpf.c");
    std::fs::write(&path, SOURCE).unwrap();
    let bytes = clang::compile(&path);
    std::fs::remove_dir_all(&folder).unwrap();
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(clang::Error::NoClang(_)) => return testkit::skip("no clang for filters in C"),
        Err(error) => panic!("{error}"),
    };
    let object = Object::parse("seccomp", &bytes).unwrap();
    let mut random = Random::new(0xc1a46);
    let mut compiled = 0;
    for (index, function, _) in object.programs() {
        let program = object.program(index, None).unwrap();
        for _ in 0..50 {
            if let Err(error) = compare(&mut random, &program.code, Rules::Seccomp) {
                panic!("{}: {error}\n{}", function.name, disasm::Listing::new(&program.code));
            }
        }
        compiled += 1;
    }
    assert_eq!(compiled, 3);
}
