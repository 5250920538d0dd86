//! Random filters: sound ones, and ones with a fault.

use skep::spec::classic::ancillary::{AD_OFF, Ancillary, LL_OFF, NET_OFF};
use skep::spec::classic::insn::{
    AluOp, Cell, Condition, Insn, Place, Register, Returned, Size, Source, Value,
};
use skep::spec::classic::{Raw, Rules, encode};

use crate::random::Random;

/// The longest packet that filters are run on.
pub(crate) const PACKET_MAX: usize = 120;

/// What a filter may be made of.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) rules: Rules,
    /// The ancillary loads.
    pub(crate) ancillary: &'static [Ancillary],
    /// Whether offsets may count from the link header.
    pub(crate) link: bool,
}

/// A filter that keeps the rules.
pub(crate) fn sound(random: &mut Random, kind: Kind) -> Vec<Insn> {
    let most = if random.chance(5) { 600 } else { 40 };
    let len = 1 + random.below(most);
    let mut insns = Vec::with_capacity(len + Cell::COUNT as usize);
    // Words that are written at once, so that every path may read them.
    let cells: Vec<Cell> = Cell::all().filter(|_| random.chance(40)).collect();
    for cell in &cells {
        if random.chance(50) {
            let value = Value::Imm(random.number());
            insns.push(Insn::Load { to: Register::A, value });
        }
        insns.push(Insn::Store { from: Register::A, cell: *cell });
    }
    for at in 0..len {
        let ahead = len - at - 1;
        let insn = one(random, kind, &cells, ahead);
        insns.push(insn);
    }
    insns.push(Insn::Return(if random.chance(70) {
        Returned::A
    } else {
        Returned::K(random.number())
    }));
    insns
}

/// An instruction that `ahead` others and the last return follow.
fn one(random: &mut Random, kind: Kind, cells: &[Cell], ahead: usize) -> Insn {
    let register = random.choose(&[Register::A, Register::X]);
    match random.next() % 100 {
        0..30 => load(random, kind),
        30..36 => Insn::Load { to: register, value: Value::Imm(random.number()) },
        36..38 => Insn::Load { to: register, value: Value::Len },
        38..46 if !cells.is_empty() => {
            Insn::Load { to: register, value: Value::Mem(random.choose(cells)) }
        }
        46..52 if !cells.is_empty() => Insn::Store { from: register, cell: random.choose(cells) },
        38..68 => alu(random, kind),
        68..70 => Insn::Neg,
        70..75 => Insn::Tax,
        75..80 => Insn::Txa,
        80..82 if ahead > 0 => Insn::Goto { k: u32::try_from(random.below(ahead)).unwrap() },
        82 => Insn::Return(Returned::A),
        83 => Insn::Return(Returned::K(random.word() % 200)),
        _ => {
            let skip = |random: &mut Random| {
                let most = ahead.min(if random.chance(80) { 8 } else { 255 });
                u8::try_from(random.below(most + 1)).unwrap()
            };
            Insn::Branch {
                cond: random.choose(&Condition::ALL),
                source: source(random),
                jt: skip(random),
                jf: skip(random),
            }
        }
    }
}

fn source(random: &mut Random) -> Source {
    if random.chance(40) { Source::X } else { Source::K(random.number()) }
}

fn alu(random: &mut Random, kind: Kind) -> Insn {
    let op = random.choose(&AluOp::ALL);
    let source = source(random);
    match (op, source) {
        (AluOp::Mod, _) if kind.rules == Rules::Seccomp => Insn::Neg,
        (AluOp::Div | AluOp::Mod, Source::K(0)) => Insn::Alu { op, source: Source::K(7) },
        (AluOp::Lsh | AluOp::Rsh, Source::K(k)) => Insn::Alu { op, source: Source::K(k & 31) },
        _ => Insn::Alu { op, source },
    }
}

fn load(random: &mut Random, kind: Kind) -> Insn {
    if kind.rules == Rules::Seccomp {
        let place = Place::Abs(4 * u32::try_from(random.below(16)).unwrap());
        return Insn::LoadPacket { size: Size::W, place };
    }
    let size = random.choose(&Size::ALL);
    let near = |random: &mut Random| u32::try_from(random.below(PACKET_MAX / 2)).unwrap();
    let place = match random.next() % 100 {
        0..50 => Place::Abs(near(random)),
        50..75 => Place::Ind(near(random)),
        75..77 => Place::Ind(random.number()),
        77..82 => Place::Abs(NET_OFF + near(random)),
        82..85 if kind.link => Place::Abs(LL_OFF + near(random)),
        82..86 if !kind.ancillary.is_empty() => Place::Ancillary(random.choose(kind.ancillary)),
        86..92 if !kind.ancillary.is_empty() => Place::Ancillary(random.choose(kind.ancillary)),
        92..93 => Place::Abs(random.number().min(LL_OFF - 1)),
        _ => return Insn::LoadHeaderLen { k: near(random) },
    };
    Insn::LoadPacket { size, place }
}

/// A filter that may break a rule, or two.
pub(crate) fn any(random: &mut Random, kind: Kind) -> Vec<Raw> {
    let mut raws = encode(&sound(random, kind));
    while !raws.is_empty() && random.chance(60) {
        break_one(random, &mut raws);
    }
    raws
}

/// Changes something that may break a rule.
fn break_one(random: &mut Random, raws: &mut Vec<Raw>) {
    let len = raws.len();
    let at = random.below(len);
    let last = len - 1;
    let cell = random.word() % 18;
    let number = random.number();
    let raw = &mut raws[at];
    match random.next() % 14 {
        0 => raw.code = u16::from(random.byte()),
        1 => raw.code ^= 1 << random.below(16),
        2 => raw.k = number,
        3 => (raw.jt, raw.jf) = (random.byte() % 16, random.byte() % 16),
        4 => raw.jt = random.byte(),
        5 => *raw = Raw { code: 0x60, k: cell, ..*raw },
        6 => *raw = Raw { code: 0x61, k: cell, ..*raw },
        7 => *raw = Raw { code: random.choose(&[0x02, 0x03]), k: cell, ..*raw },
        8 => *raw = Raw { code: random.choose(&[0x34, 0x94, 0x64, 0x74]), k: number % 40, ..*raw },
        9 => *raw = Raw { code: 0x05, k: number % 50, ..*raw },
        10 => *raw = Raw { code: 0x20, k: AD_OFF.wrapping_add(number % 70), ..*raw },
        11 => raws[last].code = random.choose(&[0x00, 0x06, 0x0e, 0x16, 0x07]),
        12 => drop(raws.remove(at)),
        _ => raws.truncate(at),
    }
}
