//! What fuzzing drives: functions of any bytes that must neither panic nor take long.
//!
//! Coverage-guided fuzzers call these; so does a test with seeded random bytes, on every machine.

use crate::compare::{Comparison, candidates};
use crate::dedup::Dedup;
use crate::types::{Type, TypeId};
use crate::{Btf, BtfBuilder, Ext, Kind, Minimal, decode_value, dump};

/// Types that each type is compared with.
const PAIRS_EACH: u32 = 4;
/// Bytes of a value that is read.
const MAX_VALUE: u32 = 1 << 14;

/// Parses; what parses must be written to bytes that mean the same, and every question about it
/// must have an answer.
pub fn btf(bytes: &[u8]) {
    let Ok(btf) = Btf::parse(bytes) else { return };
    let listing = dump::raw(&btf).to_string();
    let again = Btf::parse(&btf.to_bytes()).expect("btf: what was written is read");
    assert_eq!(dump::raw(&again).to_string(), listing, "btf: written bytes mean the same");
    let mut builder = BtfBuilder::new();
    for (_, ty) in btf.types() {
        builder.add(&ty);
    }
    let copy = builder.build().expect("btf: a copy of checked types is right");
    assert_eq!(dump::raw(&copy).to_string(), listing, "btf: a copy means the same");
    let _ = dump::c(&btf);
    for (id, ty) in btf.types() {
        questions(&btf, id, &ty);
    }
    edits(&btf);
}

/// Parses a length of four bytes, BTF of that length, and the `.BTF.ext` that follows.
pub fn ext(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first_chunk() else { return };
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let Some((btf, ext)) = rest.split_at_checked(length) else { return };
    let Ok(btf) = Btf::parse(btf) else { return };
    let Ok(ext) = Ext::parse(&btf, ext) else { return };
    for info in ext.line_info.iter().flat_map(|section| &section.records) {
        assert!(btf.string(info.line_off).is_some(), "ext: every string is there");
    }
    for relocation in ext.relocations.iter().flat_map(|section| &section.records) {
        btf.ty(relocation.ty).expect("ext: every type is there");
    }
}

/// Parses, puts the types twice behind each other, and removes what is there twice: at most the
/// variables and sections are still there twice then, and doing it again changes nothing.
pub fn dedup(bytes: &[u8]) {
    let Ok(btf) = Btf::parse(bytes) else { return };
    let mut builder = BtfBuilder::new();
    let first = builder.append(&btf).expect("btf: small inputs have few types");
    let second = builder.append(&btf).expect("btf: small inputs have few types");
    let both = builder.build().expect("btf: a copy of checked types is right");
    // A declaration may be completed by what makes a type too deep to be written.
    let Ok(once) = Dedup::new(&both).run() else { return };
    assert!(once.btf.last_id() <= both.last_id(), "dedup: there are no new types");
    for (id, ty) in btf.types() {
        let [first, second] = [&first, &second].map(|ids| ids.then(&once.ids).get(id));
        let apart = matches!(ty.kind(), Some(Kind::Var | Kind::Datasec | Kind::DeclTag));
        assert!(apart || first == second, "dedup: both copies are the same");
        let now = once.btf.ty(first.expect("dedup: nothing goes")).expect("dedup: ids are right");
        assert_eq!(now.name(), ty.name(), "dedup: a type keeps its name");
    }
    let again = Dedup::new(&once.btf).run().expect("dedup: what it made is right");
    assert_eq!(dump::raw(&again.btf).to_string(), dump::raw(&once.btf).to_string());
}

/// Parses, and keeps what the numbers of types say: what is kept is right, and has
/// the name that it had.
pub fn minimal(bytes: &[u8]) {
    let Ok(btf) = Btf::parse(bytes) else { return };
    let mut minimal = Minimal::new(&btf);
    for (id, _) in btf.types() {
        let kept = match id.0 % 4 {
            0 => minimal.shape(id),
            1 => minimal.whole(id),
            2 => minimal.field(id, &[0, id.0 % 3, id.0 % 5]).or(Ok(())),
            _ => Ok(()),
        };
        kept.expect("minimal: the id is one of this BTF");
    }
    let (few, ids) = minimal.build().expect("minimal: less of what is right is right");
    for (id, now) in ids.iter() {
        let [was, is] = [btf.ty(id), few.ty(now)].map(|ty| ty.expect("minimal: ids are right"));
        assert_eq!((was.kind_name(), was.name()), (is.kind_name(), is.name()));
    }
}

fn questions(btf: &Btf, id: TypeId, ty: &Type<'_>) {
    let pattern = [0xa5; MAX_VALUE as usize];
    if btf.size_of(id).is_ok_and(|size| size <= MAX_VALUE)
        && let Ok(value) = decode_value(btf, id, &pattern)
    {
        let _ = value.to_string();
    }
    if let Some(kind) = ty.kind().filter(|kind| !ty.name().is_empty() && *kind != Kind::DeclTag) {
        let found = btf.find_by_name(ty.name(), kind).expect("btf: every name is found");
        assert!(found <= id, "btf: the first of a name is found");
        assert!(candidates(btf, id, btf).contains(&id), "compare: a type is its own candidate");
    }
    let _ = (btf.pointee(id), btf.signature(id), btf.decl_tags(id).count());
    let mut comparison = Comparison::new(btf, btf);
    for other in (id.0.saturating_sub(PAIRS_EACH)..=id.0).map(TypeId) {
        let _ = comparison.field(id, other);
        let _ = comparison.compatible(id, other);
        let _ = comparison.matches(id, other);
    }
}

fn edits(btf: &Btf) {
    for (id, _) in btf.datasecs() {
        let mut edit = btf.edit();
        edit.place_datasec(id, 64, |var, _| Some(var.0)).expect("edit: the id is a section");
        let _ = edit.finish();
    }
}
