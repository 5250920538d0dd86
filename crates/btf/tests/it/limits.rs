//! Small BTF that asks for endless work is refused, or answered in bounded time.

use skep_btf::compare::Comparison;
use skep_btf::{
    Btf, BtfBuilder, IntEncoding, MAX_DEPTH, MAX_NAME, Member, Param, TypeId, Value, Variant,
    decode_value, dump,
};

fn member(name: &str, ty: TypeId) -> Member<'_> {
    Member { name, ty, bit_offset: 0, bitfield_size: None }
}

/// Unions of two members each, `levels` deep, around an integer.
fn doubling_unions(levels: u32, name: impl Fn(u32) -> String) -> (Btf, TypeId) {
    let mut builder = BtfBuilder::new();
    let mut inner = builder.int("int", 4, IntEncoding::Signed);
    for level in 0..levels {
        inner = builder.union(&name(level), 4, &[member("a", inner), member("b", inner)]);
    }
    (builder.build().unwrap(), inner)
}

#[test]
fn nesting_by_value_has_a_limit() {
    let structs = |levels: u32| {
        let mut builder = BtfBuilder::new();
        let mut inner = builder.int("int", 4, IntEncoding::Signed);
        for _ in 0..levels {
            inner = builder.structure("s", 4, &[member("a", inner)]);
        }
        builder.build().map(|btf| decode_value(&btf, inner, &[0; 4]).unwrap().to_string().len())
    };
    structs(MAX_DEPTH).unwrap();
    let error = structs(MAX_DEPTH + 1).unwrap_err().to_string();
    assert_eq!(error, "type 66: types are nested deeper than 64");
    structs(100_000).unwrap_err();
}

#[test]
fn nesting_of_pointers_has_a_limit() {
    let pointers = |levels: u32| {
        let mut builder = BtfBuilder::new();
        // Each refers to the next, so that the first is the deepest.
        for level in 1..=levels {
            builder.ptr(TypeId(if level == levels { 0 } else { level + 1 }));
        }
        builder.build()
    };
    pointers(MAX_DEPTH).unwrap();
    pointers(MAX_DEPTH + 1).unwrap_err();
    pointers(100_000).unwrap_err();
}

#[test]
fn values_that_double_with_each_level_are_refused() {
    let (btf, id) = doubling_unions(6, |_| String::new());
    decode_value(&btf, id, &[0; 4]).unwrap();
    let (btf, id) = doubling_unions(60, |_| String::new());
    let error = decode_value(&btf, id, &[0; 4]).unwrap_err().to_string();
    assert_eq!(error, "a value of type 61: more than 4096 parts");
}

#[test]
fn many_elements_without_a_byte_are_refused() {
    let mut builder = BtfBuilder::new();
    let empty = builder.structure("empty", 0, &[]);
    let int = builder.int("int", 4, IntEncoding::Signed);
    let array = builder.array(empty, int, u32::MAX);
    decode_value(&builder.build().unwrap(), array, &[]).unwrap_err();
}

#[test]
fn text_that_doubles_with_each_level_is_refused() {
    let (btf, _) =
        doubling_unions(60, |level| if level == 59 { "top".into() } else { String::new() });
    let error = dump::c(&btf).unwrap_err().to_string();
    assert!(error.contains("much longer than its types"), "{error}");

    let mut builder = BtfBuilder::new();
    let mut inner = TypeId::VOID;
    for _ in 0..30 {
        let pointer = builder.ptr(inner);
        let param = Param { name: "p", ty: pointer };
        inner = builder.func_proto(pointer, &[param, param]);
    }
    builder.typedef("f", inner);
    dump::c(&builder.build().unwrap()).unwrap_err();
}

#[test]
fn anonymous_structs_around_themselves_are_refused_in_c() {
    let mut builder = BtfBuilder::new();
    let next = TypeId(2);
    let itself = builder.structure("", 8, &[member("next", next)]);
    builder.ptr(itself);
    builder.typedef("list", itself);
    let error = dump::c(&builder.build().unwrap()).unwrap_err().to_string();
    assert_eq!(error, "type 1 cannot be written in C: types are nested too deep");
}

#[test]
fn long_names_are_refused() {
    let named = |length: usize| {
        let mut builder = BtfBuilder::new();
        builder.structure(&"x".repeat(length), 0, &[]);
        builder.structure("y", 0, &[]);
        builder.build()
    };
    named(MAX_NAME).unwrap();
    let error = named(MAX_NAME + 1).unwrap_err().to_string();
    assert_eq!(error, "type 1: type: name at 1 is longer than 4096 bytes");
}

/// Lines of source are as long as they are.
#[test]
fn long_texts_that_are_no_names_are_taken() {
    let mut builder = BtfBuilder::new();
    builder.structure("y", 0, &[]);
    let mut bytes = builder.to_bytes().unwrap();
    let length = u32::from(bytes[20]) + 1_000_001;
    bytes[20..24].copy_from_slice(&length.to_le_bytes());
    bytes.resize(bytes.len() + 1_000_000, b'x');
    bytes.push(0);
    let btf = Btf::parse(&bytes).unwrap();
    assert_eq!(btf.ty(TypeId(1)).unwrap().name(), "y");
    assert_eq!(btf.string(3).unwrap().len(), 1_000_000);
}

#[test]
fn comparisons_have_a_limit() {
    // A member of each struct differs at the very end, after 2^60 pairs.
    let make = |size| {
        let mut builder = BtfBuilder::new();
        let mut inner = builder.int("int", size, IntEncoding::Signed);
        for _ in 0..60 {
            inner = builder.union("u", 8, &[member("x", inner), member("x", inner)]);
        }
        (builder.build().unwrap(), inner)
    };
    let ((local, mine), (target, theirs)) = (make(4), make(8));
    let mut comparison = Comparison::new(&local, &target);
    comparison.matches(mine, theirs).unwrap_err();
    // A list leads back to itself.
    let mut builder = BtfBuilder::new();
    let list = builder.structure("list", 8, &[member("next", TypeId(2))]);
    let pointer = builder.ptr(list);
    let btf = builder.build().unwrap();
    assert!(Comparison::new(&btf, &btf).matches(pointer, pointer).unwrap());
    assert!(Comparison::new(&btf, &btf).matches(list, list).unwrap());
}

#[test]
fn many_types_of_one_name_are_named_in_c() {
    let mut builder = BtfBuilder::new();
    for _ in 0..20_000 {
        builder.structure("same", 0, &[]);
    }
    let text = dump::c(&builder.build().unwrap()).unwrap();
    assert!(text.contains("struct same___20000 {"));
}

#[test]
fn many_values_of_a_large_enumeration_are_found() {
    let variants: Vec<_> =
        (0..60_000).map(|value| Variant { name: "v", value: i128::from(value) }).collect();
    let mut builder = BtfBuilder::new();
    let large = builder.enumeration("large", 2, &variants);
    let array = builder.array(large, large, 100_000);
    let btf = builder.build().unwrap();
    let bytes = [0x10, 0xe0].repeat(100_000);
    let Value::Array(values) = decode_value(&btf, array, &bytes).unwrap() else { panic!() };
    assert!(values.iter().all(|value| *value == Value::Enum { name: Some("v"), value: 0xe010 }));
}
