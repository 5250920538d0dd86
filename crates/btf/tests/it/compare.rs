//! The three questions of CO-RE, each with its nearest no.

use crate::listing;
use skep_btf::compare::{Comparison, candidates, essential_name};
use skep_btf::{Btf, TypeId};

/// A program's types first, those of a machine second: the last of each are compared.
fn compare(local: &str, target: &str) -> (bool, bool, bool) {
    let parse = |listing: &str| -> Btf {
        let common = "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED
[2] INT 'long' size=8 bits_offset=0 nr_bits=64 encoding=SIGNED
[3] INT 'unsigned int' size=4 bits_offset=0 nr_bits=32 encoding=(none)
[4] PTR '(anon)' type_id=0
[5] FLOAT 'double' size=8
";
        listing::parse(&format!("{common}{listing}")).build().unwrap()
    };
    let (local, target) = (parse(local), parse(target));
    let mut comparison = Comparison::new(&local, &target);
    let (mine, theirs) = (local.last_id(), target.last_id());
    (
        comparison.field(mine, theirs).unwrap(),
        comparison.compatible(mine, theirs).unwrap(),
        comparison.matches(mine, theirs).unwrap(),
    )
}

/// Whether the answers are: readable as a field, compatible, matching.
fn check(local: &str, target: &str, field: bool, compatible: bool, matches: bool) {
    assert_eq!(compare(local, target), (field, compatible, matches), "{local}\n{target}");
}

#[test]
fn integers() {
    check("[6] TYPEDEF 'a' type_id=1", "[6] CONST '(anon)' type_id=1", true, true, true);
    check("[6] TYPEDEF 'a' type_id=1", "[6] TYPEDEF 'a' type_id=2", true, true, false);
    check("[6] TYPEDEF 'a' type_id=1", "[6] TYPEDEF 'a' type_id=3", true, true, false);
    check("[6] TYPEDEF 'a' type_id=1", "[6] TYPEDEF 'a' type_id=5", false, false, false);
    check("[6] TYPEDEF 'a' type_id=1", "[6] TYPEDEF 'a' type_id=4", false, false, false);
    check("[6] TYPEDEF 'a' type_id=0", "[6] TYPEDEF 'a' type_id=0", false, true, true);
}

#[test]
fn structs() {
    let one = "[6] STRUCT 's___mine' size=4 vlen=1\n\t'a' type_id=1 bits_offset=0";
    let two = "[6] STRUCT 's' size=8 vlen=2\n\t'b' type_id=3 bits_offset=0\n\t'a' type_id=1 bits_offset=32";
    let wide = "[6] STRUCT 's' size=8 vlen=1\n\t'a' type_id=2 bits_offset=0";
    let union = "[6] UNION 's' size=4 vlen=1\n\t'a' type_id=1 bits_offset=0";
    let other = "[6] STRUCT 't' size=4 vlen=1\n\t'a' type_id=1 bits_offset=0";
    check(one, two, true, true, true);
    check(two, one, true, true, false);
    check(one, wide, true, true, false);
    check(one, union, true, false, false);
    check(one, other, true, true, false);
}

#[test]
fn behind_a_pointer_names_are_enough() {
    let one =
        "[6] STRUCT 's' size=4 vlen=1\n\t'a' type_id=1 bits_offset=0\n[7] PTR '(anon)' type_id=6";
    let wide =
        "[6] STRUCT 's' size=8 vlen=1\n\t'a' type_id=2 bits_offset=0\n[7] PTR '(anon)' type_id=6";
    let declared = "[6] FWD 's' fwd_kind=struct\n[7] PTR '(anon)' type_id=6";
    let declared_union = "[6] FWD 's' fwd_kind=union\n[7] PTR '(anon)' type_id=6";
    check(one, wide, true, true, true);
    check(one, declared, true, false, true);
    check(one, declared_union, true, false, false);
    check(declared, one, true, false, true);
    check(declared, declared_union, true, true, false);
}

#[test]
fn enumerations() {
    let one = "[6] ENUM 'e' encoding=UNSIGNED size=4 vlen=1\n\t'A' val=1";
    let two = "[6] ENUM 'e___x' encoding=UNSIGNED size=4 vlen=2\n\t'B' val=1\n\t'A___x' val=2";
    let wide = "[6] ENUM64 'e' encoding=UNSIGNED size=8 vlen=1\n\t'A' val=1ULL";
    let other = "[6] ENUM 'f' encoding=UNSIGNED size=4 vlen=1\n\t'A' val=1";
    let nameless = "[6] ENUM '(anon)' encoding=UNSIGNED size=4 vlen=1\n\t'A' val=1";
    check(one, two, true, true, true);
    check(two, one, true, true, false);
    check(one, wide, true, true, false);
    check(one, other, false, true, false);
    check(one, nameless, true, true, false);
}

#[test]
fn arrays_and_signatures() {
    let three = "[6] ARRAY '(anon)' type_id=1 index_type_id=1 nr_elems=3";
    let four = "[6] ARRAY '(anon)' type_id=1 index_type_id=1 nr_elems=4";
    let doubles = "[6] ARRAY '(anon)' type_id=5 index_type_id=1 nr_elems=3";
    check(three, three, true, true, true);
    check(three, four, true, true, false);
    check(three, doubles, false, false, false);
    let one = "[6] FUNC_PROTO '(anon)' ret_type_id=1 vlen=1\n\t'a' type_id=1";
    let renamed = "[6] FUNC_PROTO '(anon)' ret_type_id=1 vlen=1\n\t'b' type_id=1";
    let two = "[6] FUNC_PROTO '(anon)' ret_type_id=1 vlen=2\n\t'a' type_id=1\n\t'b' type_id=1";
    let void = "[6] FUNC_PROTO '(anon)' ret_type_id=0 vlen=1\n\t'a' type_id=1";
    check(one, renamed, false, true, true);
    check(one, two, false, false, false);
    check(one, void, false, false, false);
}

#[test]
fn flavours() {
    let check = |name, expected| assert_eq!(essential_name(name), expected);
    check("task_struct___old", "task_struct");
    check("a___b___c", "a___b");
    check("task___", "task___");
    check("___task", "___task");
    check("a____b", "a____b");
    check("a___b____c", "a");
    check("___", "___");
    check("", "");
}

#[test]
fn candidates_have_the_kind_and_the_essential_name() {
    let local =
        listing::parse("[1] FWD 's___mine' fwd_kind=struct\n[2] STRUCT 's___x' size=0 vlen=0")
            .build()
            .unwrap();
    let target = listing::parse(
        "[1] UNION 's' size=0 vlen=0
[2] STRUCT 's' size=0 vlen=0
[3] STRUCT 's___y' size=0 vlen=0
[4] STRUCT 'st' size=0 vlen=0
[5] FWD 's' fwd_kind=union
",
    )
    .build()
    .unwrap();
    assert_eq!(candidates(&local, TypeId(2), &target), [TypeId(2), TypeId(3)]);
    assert_eq!(candidates(&local, TypeId(1), &target), [TypeId(5)]);
    assert_eq!(candidates(&local, TypeId(3), &target), []);
}
