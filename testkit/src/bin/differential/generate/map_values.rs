//! Values of maps: looked up and checked, or by address.

use skep_spec::abi::flags::map as flag;
use skep_spec::abi::{HelperId, MapType, map_rules};
use skep_spec::insn::{AluOp, Imm64, Reg};

use super::{Generator, Kind};
use crate::maps::{FROZEN, SHAPES, SINGLE, Shape};

/// The handle that a map's number stands for in instructions.
pub(super) fn handle(map: usize) -> i32 {
    i32::try_from(map).unwrap_or(-1)
}

impl Generator<'_> {
    /// A map that a helper takes.
    pub(super) fn map_for(&mut self, helper: HelperId) -> Option<usize> {
        let fits = |map: &usize| {
            let map_type = SHAPES[*map].map_type;
            map_rules::compatible(map_type, helper)
                && (!self.hook.sleepable() || map_rules::of(map_type).sleepable)
        };
        let fitting: Vec<usize> = self.maps.iter().copied().filter(fits).collect();
        (!fitting.is_empty()).then(|| self.random.pick(&fitting))
    }

    /// Puts the address of a map into a register.
    pub(super) fn map_address(&mut self, reg: Reg, map: usize) {
        self.assembler.load_imm64(reg, Imm64::MapFd(handle(map)));
        self.function.set(reg, Kind::Unreadable);
    }

    /// Puts a key of a map on the stack and its address into a register.
    pub(super) fn key(&mut self, reg: Reg, shape: &Shape) {
        let off = self.filled_stack(shape.key.max(1));
        if shape.map_type == MapType::LpmTrie || self.random.chance(50) {
            // Small numbers are found more often.
            let small = self.random.between(0, 5);
            self.assembler.store(skep_spec::insn::Size::W, Reg::FP, off, small);
            self.function.written(off, 4);
        }
        self.stack_address(reg, off);
    }

    /// Looks up a value, checks for null and uses it.
    pub(super) fn lookup(&mut self) {
        let Some(map) = self.map_for(HelperId::MapLookupElem) else {
            return self.arithmetic();
        };
        let shape = &SHAPES[map];
        self.key(Reg::R2, shape);
        self.map_address(Reg::R1, map);
        self.assembler.call(HelperId::MapLookupElem.number().cast_signed());
        self.function.called(Kind::Unreadable);
        let memory = match shape.map_type {
            // A map, a socket: nothing to read here.
            MapType::ArrayOfMaps
            | MapType::HashOfMaps
            | MapType::Sockmap
            | MapType::Sockhash
            | MapType::Xskmap => {
                let holds_sockets = matches!(shape.map_type, MapType::Sockmap | MapType::Sockhash);
                if holds_sockets && self.offers(HelperId::SkRelease) {
                    self.release_socket(Reg::R0);
                }
                return;
            }
            _ => value_of(map),
        };
        let keep = if self.random.chance(50) { Reg::R0 } else { self.target() };
        if keep != Reg::R0 {
            self.assembler.mov(keep, Reg::R0);
        }
        let checked = if self.random.chance(50) { keep } else { Reg::R0 };
        self.function.set(keep, Kind::Unreadable);
        self.guarded(
            |made, to| made.null_check(checked, to),
            |made| {
                made.function.set(keep, memory);
                made.use_value(keep);
            },
        );
    }

    /// The value of an array by its address.
    pub(super) fn direct_value(&mut self) {
        let map = self.random.pick(&[SINGLE, SINGLE, FROZEN]);
        if !self.maps.contains(&map) {
            return self.arithmetic();
        }
        let bytes = SHAPES[map].value;
        let off = u32::try_from(self.random.below(bytes as usize / 8)).unwrap_or(0) * 8;
        let reg = self.target();
        self.assembler.load_imm64(reg, Imm64::MapValue { fd: handle(map), off });
        let Kind::Memory { writable, .. } = value_of(map) else { return };
        self.function.set(reg, Kind::Memory { room: bytes - off, writable, packet: false });
        self.use_value(reg);
    }

    /// Reads and writes a value, at an offset that varies at times.
    fn use_value(&mut self, reg: Reg) {
        let Kind::Memory { room, writable, packet } = self.function.kind(reg) else { return };
        if room > 8 && !self.function.pinned.contains(&reg) && self.random.chance(40) {
            let most = i32::try_from(room).unwrap_or(8) - 8;
            let index = self.bounded(most, &[reg]);
            if self.function.kind(reg) != (Kind::Memory { room, writable, packet }) {
                return;
            }
            self.assembler.alu(AluOp::Add, reg, index);
            self.function.set(reg, Kind::Memory { room: 8, writable, packet });
            // Where it points to is not aligned: bytes alone.
            for _ in 0..1 + self.random.below(2) {
                let dst = self.target_not(&[reg]);
                let off = self.random.pick(&[0_i16, 3, 7]);
                self.assembler.load(skep_spec::insn::Size::B, dst, reg, off);
                self.function.set(dst, Kind::Scalar(255));
            }
            if !self.random.chance(20) {
                self.function.set(reg, Kind::Unreadable);
            }
            return;
        }
        for _ in 0..1 + self.random.below(3) {
            self.access(reg);
        }
    }
}

/// The value of a map.
pub(super) fn value_of(map: usize) -> Kind {
    let shape = &SHAPES[map];
    if shape.flags & flag::WRONLY_PROG != 0 {
        // Cannot be read; nothing is made of it.
        return Kind::Unreadable;
    }
    let writable = shape.flags & flag::RDONLY_PROG == 0;
    Kind::Memory { room: shape.value, writable, packet: false }
}
