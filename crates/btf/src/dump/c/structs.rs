//! Bodies of structs and unions: members, and the padding between them.

use super::layout::{Layout, bare_members, round_up};
use super::names::identifier;
use super::spelling::newline;
use super::{MAX_REQUIRE, Writer};
use crate::Kind;
use crate::error::Error;
use crate::types::{Composite, Member, Type, TypeId};

/// Padding of this many bits and more, as no struct of the kernel has it, is an array: bit fields
/// without a name, of which none is wider than its type, would fill pages.
const WIDE_PADDING: u64 = 8 * 8192;

/// Integers of C, with their bits, that bit fields without a name are made of.
const UNITS: [(&str, u64); 4] = [("long", 64), ("int", 32), ("short", 16), ("char", 8)];

impl<'a> Writer<'a> {
    /// An anonymous struct or union, where it stands.
    pub(super) fn inline(
        &mut self,
        id: TypeId,
        composite: &Composite<'a>,
        indent: usize,
    ) -> Result<String, Error> {
        if self.depth == MAX_REQUIRE {
            return Err(Error::NotC { id, reason: "types are nested too deep" });
        }
        self.depth += 1;
        let text = self.composite(id, composite, indent)?;
        self.depth -= 1;
        Ok(text)
    }

    /// A struct or union with its body.
    pub(super) fn composite(
        &mut self,
        id: TypeId,
        composite: &Composite<'a>,
        indent: usize,
    ) -> Result<String, Error> {
        let kind = self.btf.kind_of(id).unwrap_or(Kind::Struct);
        let layout = self.layout(id, composite, kind);
        let keyword = if kind == Kind::Union { "union" } else { "struct" };
        let name = if composite.name.is_empty() { keyword.into() } else { self.tag(id) };
        let mut body =
            Body { text: String::from(&*name), newline: newline(indent + 1), cursor: 0, layout };
        body.text.push_str(" {");
        if kind == Kind::Struct && overlap(self, id) {
            body.line(&format!("unsigned char bytes[{}]", composite.size));
            body.layout.packed = false;
        } else {
            for member in composite.members {
                if kind == Kind::Union {
                    body.cursor = 0;
                }
                self.member(&mut body, &member, indent + 1)?;
            }
            let size = u64::from(composite.size) * 8;
            if kind == Kind::Union {
                body.fill_union(widest(self, id), size);
            } else {
                body.fill_struct(size);
            }
        }
        body.text.push_str(&newline(indent));
        body.text.push('}');
        if body.layout.packed {
            body.text.push_str(" __attribute__((packed))");
        }
        self.spend(id, body.text.len())?;
        Ok(body.text)
    }

    fn member(&mut self, body: &mut Body, member: &Member<'_>, indent: usize) -> Result<(), Error> {
        let (place, align) = self.place(member);
        if place.unit.is_some() && member.name.is_empty() {
            // A bit field without a name is padding, which is written where it is needed.
            return Ok(());
        }
        if place.natural(body.cursor, align, body.layout.packed) != place.start {
            body.pad(place.start);
        }
        let mut text = match member.name {
            "" if self.is_anonymous(member.ty) => self.declaration(member.ty, "", indent)?,
            "" => self.declaration(member.ty, &format!("__anon_{}", place.start / 8), indent)?,
            name => self.declaration(member.ty, &identifier(name), indent)?,
        };
        if place.unit.is_some() {
            text.push_str(&format!(": {}", place.bits));
        }
        body.line(&text);
        body.cursor = place.end();
        Ok(())
    }

    /// Whether the type is a struct or union without a name, whose members can stand for
    /// themselves.
    fn is_anonymous(&self, id: TypeId) -> bool {
        match self.btf.unqualified(id) {
            Ok((_, Type::Struct(composite) | Type::Union(composite))) => composite.name.is_empty(),
            _ => false,
        }
    }
}

/// A body that is being written.
struct Body {
    text: String,
    /// What each line starts with.
    newline: String,
    /// The bit after the last member.
    cursor: u64,
    layout: Layout,
}

impl Body {
    fn line(&mut self, declaration: &str) {
        self.text.push_str(&self.newline);
        self.text.push_str(declaration);
        self.text.push(';');
    }

    /// Writes padding from the cursor up to bit `end`.
    fn pad(&mut self, end: u64) {
        while self.cursor < end {
            let gap = end - self.cursor;
            let bytes = gap / 8;
            if gap >= WIDE_PADDING && self.cursor.is_multiple_of(8) {
                self.line(&format!("unsigned char __pad_{}[{bytes}]", self.cursor / 8));
                self.cursor += bytes * 8;
                continue;
            }
            let whole = UNITS
                .into_iter()
                .find(|(_, unit)| gap >= *unit && self.cursor.is_multiple_of(*unit));
            let (ty, bits) = whole.unwrap_or(("char", gap.min(8 - self.cursor % 8)));
            self.line(&format!("{ty}: {bits}"));
            self.cursor += bits;
        }
    }

    /// Writes padding at the end of a struct, unless C adds it.
    fn fill_struct(&mut self, size: u64) {
        if round_up(self.cursor, u64::from(self.layout.align) * 8) != size {
            self.pad(size);
        }
    }

    /// Writes a member as large as the union, unless one is.
    fn fill_union(&mut self, widest: u64, size: u64) {
        if round_up(widest, u64::from(self.layout.align) * 8) == size {
            return;
        }
        match UNITS.into_iter().find(|(_, bits)| *bits == size) {
            Some((ty, bits)) => self.line(&format!("{ty}: {bits}")),
            None => self.line(&format!("unsigned char __pad[{}]", size / 8)),
        }
    }
}

/// Whether a member starts before the one in front of it ends, which no C struct can say.
fn overlap(writer: &mut Writer<'_>, id: TypeId) -> bool {
    let mut cursor = 0;
    bare_members(writer.btf, id).any(|member| {
        let (place, _) = writer.place(&member);
        let before = place.start < cursor;
        cursor = place.end();
        before
    })
}

/// The bits of the widest member of a union.
fn widest(writer: &mut Writer<'_>, id: TypeId) -> u64 {
    bare_members(writer.btf, id).map(|member| writer.place(&member).0.end()).max().unwrap_or(0)
}
