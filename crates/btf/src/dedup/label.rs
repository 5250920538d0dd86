//! What a type says itself: everything in its record but the ids of other types.

use std::collections::HashMap;

use crate::bytes::{checked_u32, index};
use crate::types::TypeId;
use crate::{Btf, Kind, references};

/// Numbers that types have in common if they look alike, whatever they refer to.
pub(super) struct Labels {
    /// By type.
    numbers: Vec<u32>,
    /// One more than the largest.
    end: u32,
}

impl Labels {
    /// The labels of all types, those of the base included.
    pub(super) fn new(btf: &Btf) -> Self {
        let mut names = NameNumbers::new(btf);
        let mut words = Vec::new();
        let mut known: HashMap<Vec<u32>, u32> = HashMap::new();
        let mut numbers = Vec::with_capacity(index(btf.end_id()));
        for id in (0..btf.end_id()).map(TypeId) {
            read(btf, id, &mut names, &mut words);
            numbers.push(match known.get(&words) {
                Some(&number) => number,
                None => {
                    let next = u32::try_from(known.len()).expect("btf: ids have 20 bits");
                    known.insert(words.clone(), next);
                    next
                }
            });
        }
        let end = u32::try_from(known.len()).expect("btf: ids have 20 bits");
        Self { numbers, end }
    }

    /// The label of a type.
    pub(super) fn get(&self, id: TypeId) -> Option<u32> {
        self.numbers.get(index(id.0)).copied()
    }

    /// The labels of all types. Those that another stands for have one of their own: nothing
    /// refers to them any more.
    pub(super) fn of(&self, stands_for: &[TypeId]) -> Vec<u32> {
        let own = |(id, &label): (TypeId, &u32)| {
            if stands_for[index(id.0)] == id { label } else { self.end }
        };
        (0..).map(TypeId).zip(&self.numbers).map(own).collect()
    }
}

/// Reads the words of a record, names by number, ids left out. `void` has none.
fn read<'a>(btf: &'a Btf, id: TypeId, names: &mut NameNumbers<'a>, words: &mut Vec<u32>) {
    words.clear();
    let Some((raw, record)) = btf.raw(id).zip(btf.record_bytes(id)) else { return };
    words.extend((0..record.len() / 4).map(|place| checked_u32(record, place * 4)));
    for at in references::types(raw.kind, raw.vlen) {
        words[at / 4] = 0;
    }
    for at in references::names(raw.kind, raw.vlen) {
        words[at / 4] = names.number(words[at / 4]);
    }
    match raw.kind {
        // Each is a place in memory of its own.
        Kind::Var | Kind::Datasec => words.push(id.0),
        // These words have no meaning, and compilers do not agree on them.
        Kind::Array | Kind::Fwd => words[2] = 0,
        Kind::Int
        | Kind::Ptr
        | Kind::Struct
        | Kind::Union
        | Kind::Enum
        | Kind::Typedef
        | Kind::Volatile
        | Kind::Const
        | Kind::Restrict
        | Kind::Func
        | Kind::FuncProto
        | Kind::Float
        | Kind::DeclTag
        | Kind::TypeTag
        | Kind::Enum64 => {}
    }
}

/// Numbers of names: the same for equal names, wherever they stand.
struct NameNumbers<'a> {
    btf: &'a Btf,
    by_offset: Vec<Option<u32>>,
    by_name: HashMap<&'a str, u32>,
}

impl<'a> NameNumbers<'a> {
    fn new(btf: &'a Btf) -> Self {
        let by_offset = vec![None; index(btf.names_end()).max(1)];
        Self { btf, by_offset, by_name: HashMap::new() }
    }

    fn number(&mut self, offset: u32) -> u32 {
        if let Some(number) = self.by_offset[index(offset)] {
            return number;
        }
        let next = u32::try_from(self.by_name.len()).expect("btf: offsets have 32 bits");
        let number = *self.by_name.entry(self.btf.name_at(offset)).or_insert(next);
        self.by_offset[index(offset)] = Some(number);
        number
    }
}
