//! The listing of `bpftool btf dump file FILE`, line by line.

use std::fmt;

use super::fields::{Entries, Entry, Field, fields, name_or_anon};
use crate::{Btf, Type, TypeId};

/// Types as a listing: see [`raw`].
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a>(&'a Btf);

/// The types as `bpftool btf dump file FILE` lists them: a line for each type, then one for each
/// member. Of a split BTF the types that are not the base's.
///
/// ```
/// use skep_btf::{BtfBuilder, IntEncoding, dump};
///
/// let mut builder = BtfBuilder::new();
/// builder.int("int", 4, IntEncoding::Signed);
/// assert_eq!(
///     dump::raw(&builder.build()?).to_string(),
///     "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED\n",
/// );
/// # Ok::<(), skep_btf::Error>(())
/// ```
pub fn raw(btf: &Btf) -> Raw<'_> {
    Raw(btf)
}

impl fmt::Display for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.own_types().try_for_each(|(id, ty)| self.write(f, id, &ty))
    }
}

impl Raw<'_> {
    fn write(&self, f: &mut fmt::Formatter<'_>, id: TypeId, ty: &Type<'_>) -> fmt::Result {
        write!(f, "[{id}] {} '{}'", ty.kind_name(), name_or_anon(ty.name()))?;
        let comma = matches!(ty, Type::Var(_));
        fields(ty, |key, field| match field {
            Field::Text(text) if comma => write!(f, ", {key}={text}"),
            Field::Text(text) => write!(f, " {key}={text}"),
            Field::Number(number) => write!(f, " {key}={number}"),
        })?;
        f.write_str("\n")?;
        let suffix = match ty {
            Type::Enum64(enumeration) if enumeration.signed => "LL",
            Type::Enum64(_) => "ULL",
            _ => "",
        };
        match Entries::of(ty) {
            Some(entries) => entries.each(|entry| self.entry(f, entry, suffix)),
            None => Ok(()),
        }
    }

    fn entry(&self, f: &mut fmt::Formatter<'_>, entry: Entry<'_>, suffix: &str) -> fmt::Result {
        f.write_str("\t")?;
        let mut space = "";
        if let Some(name) = entry.name() {
            write!(f, "'{}'", name_or_anon(name))?;
            space = " ";
        }
        entry.fields(|key, field| {
            match field {
                Field::Text(text) => write!(f, "{space}{key}={text}")?,
                Field::Number(number) => write!(f, "{space}{key}={number}{suffix}")?,
            }
            space = " ";
            Ok(())
        })?;
        if let Entry::Var(var) = entry {
            let found = self.0.known(var.ty);
            write!(f, " ({} '{}')", found.kind_name(), name_or_anon(found.name()))?;
        }
        f.write_str("\n")
    }
}
