//! Fields of the context.

use skep_spec::abi::context::{self, Access, Context, FieldKind};
use skep_spec::insn::{Insn, Reg, Size};

use super::stack::most;
use super::{CTX, Generator, Kind};

fn size_of(bytes: u32) -> Size {
    match bytes {
        1 => Size::B,
        2 => Size::H,
        4 => Size::W,
        _ => Size::DW,
    }
}

impl Generator<'_> {
    /// An access of the context that the program type has, or any at times.
    fn context_access(&mut self, store: bool) -> Option<(Access, bool)> {
        let context = context::of(self.hook.prog_type);
        let (from, to) = match context {
            Context::Struct(fields) => (0, fields.layout.bytes),
            Context::Bytes { from, writable: false, .. } if !store => (from, 256),
            Context::Bytes { from, writable: true, .. } => (from, 256),
            Context::Typed if !store => (0, 32),
            Context::Bytes { .. } | Context::Typed | Context::Inherited => return None,
        };
        for _ in 0..40 {
            let bytes = self.random.pick(&[1, 2, 4, 4, 4, 8, 8]);
            let places = (to - from) / bytes;
            let place = u32::try_from(self.random.below(places as usize)).unwrap_or(0);
            let offset = from + place * bytes;
            let access = Access { offset, bytes, store, sign_extend: false };
            let Context::Struct(fields) = context else {
                return Some((access, true));
            };
            match fields.access(access, self.hook.attach) {
                Ok(hit) => return Some((access, hit.field.kind == FieldKind::Scalar)),
                Err(_) if self.random.chance(1) => return Some((access, true)),
                Err(_) => {}
            }
        }
        None
    }

    pub(super) fn context_load(&mut self) {
        if self.function.kind(CTX) != Kind::Context {
            return self.arithmetic();
        }
        let Some((access, number)) = self.context_access(false) else {
            return self.arithmetic();
        };
        let typed = matches!(context::of(self.hook.prog_type), Context::Typed);
        let dst = self.target();
        let size = size_of(access.bytes);
        let off = i16::try_from(access.offset).unwrap_or(0);
        if typed {
            // Arguments are known by the kernel's types; they are loaded and left alone.
            self.assembler.load(Size::DW, dst, CTX, off / 8 * 8);
            self.function.set(dst, Kind::Unreadable);
            return;
        }
        let signed = number && size != Size::DW && self.random.chance(8);
        self.assembler.emit(Insn::Load { size, signed, dst, src: CTX, off });
        let kind = match number {
            true if signed => Kind::Scalar(u64::MAX),
            true => Kind::Scalar(most(size)),
            false => Kind::Unreadable,
        };
        self.function.set(dst, kind);
    }

    pub(super) fn context_store(&mut self) {
        if self.function.kind(CTX) != Kind::Context {
            return self.arithmetic();
        }
        let Some((access, _)) = self.context_access(true) else {
            return self.context_load();
        };
        let off = i16::try_from(access.offset).unwrap_or(0);
        let src: Reg = self.scalar();
        self.assembler.store(size_of(access.bytes), CTX, off, src);
    }
}
