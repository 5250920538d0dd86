//! The objects of `bpftool -j btf dump file FILE`.

use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};

use super::fields::{Entries, Entry, Field, fields, name_or_anon};
use crate::{Btf, Type, TypeId};

/// Types as data: see [`json`].
#[derive(Clone, Copy, Debug)]
pub struct Json<'a>(&'a Btf);

/// The types as `bpftool -j btf dump file FILE` prints them, to be serialized:
/// `{"types":[{"id":1,"kind":"INT","name":"int",…},…]}`. Of a split BTF the types that are not
/// the base's.
pub fn json(btf: &Btf) -> Json<'_> {
    Json(btf)
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("types", &Types(self.0))?;
        map.end()
    }
}

struct Types<'a>(&'a Btf);

impl Serialize for Types<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.own_types().map(|(id, ty)| Object { id, ty }))
    }
}

struct Object<'a> {
    id: TypeId,
    ty: Type<'a>,
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id.0)?;
        map.serialize_entry("kind", self.ty.kind_name())?;
        map.serialize_entry("name", name_or_anon(self.ty.name()))?;
        fields(&self.ty, |key, field| map.serialize_entry(key, &field))?;
        if let Some(entries) = Entries::of(&self.ty) {
            map.serialize_entry(entries.key(), &entries)?;
        }
        map.end()
    }
}

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        self.each(|entry| seq.serialize_element(&entry))?;
        seq.end()
    }
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(name) = self.name() {
            map.serialize_entry("name", name_or_anon(name))?;
        }
        self.fields(|key, field| map.serialize_entry(key, &field))?;
        map.end()
    }
}

impl Serialize for Field<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                (Ok(number), _) => serializer.serialize_i64(number),
                (_, Ok(number)) => serializer.serialize_u64(number),
                (Err(error), _) => Err(S::Error::custom(error)),
            },
        }
    }
}
