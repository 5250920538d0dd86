//! Reads the listing that `bpftool btf dump` prints: the text form of BTF for tests.

use std::collections::HashMap;
use std::str::Lines;

use skep_btf::{
    BtfBuilder, DatasecVar, FuncLinkage, FwdKind, IntEncoding, Member, Param, TypeId, VarLinkage,
    Variant,
};

/// The types of a listing, in order; their numbers are not looked at. Lines that start with `;`
/// are comments.
pub(crate) fn parse(listing: &str) -> BtfBuilder {
    let mut builder = BtfBuilder::new();
    let mut lines = listing.lines();
    while let Some(line) = lines.next() {
        if line.starts_with('[') {
            let entries = Fields::take_entries(&mut lines);
            add(&mut builder, &Fields::parse(line), &entries);
        }
    }
    builder
}

/// A line: words in front, a name in quotes, and fields.
struct Fields<'a> {
    kind: &'a str,
    name: &'a str,
    fields: HashMap<&'a str, &'a str>,
}

impl<'a> Fields<'a> {
    fn parse(line: &'a str) -> Self {
        let mut quoted = line.splitn(3, '\'');
        let (front, name, rest) = match (quoted.next(), quoted.next(), quoted.next()) {
            (Some(front), Some(name), Some(rest)) if !front.contains('=') => (front, name, rest),
            _ => ("", "", line),
        };
        let fields = rest.split([' ', ',']).filter_map(|field| field.trim().split_once('='));
        Self {
            kind: front.split_whitespace().last().unwrap_or(""),
            name: if name == "(anon)" { "" } else { name },
            fields: fields.collect(),
        }
    }

    /// The lines that belong to a type: they start with a tab.
    fn take_entries(lines: &mut Lines<'a>) -> Vec<Self> {
        let mut entries = Vec::new();
        while let Some(line) = lines.clone().next().filter(|line| line.starts_with('\t')) {
            entries.push(Self::parse(line));
            lines.next();
        }
        entries
    }

    fn text(&self, key: &str) -> &'a str {
        self.fields.get(key).unwrap_or_else(|| panic!("{} {}: no {key}", self.kind, self.name))
    }

    fn number(&self, key: &str) -> u32 {
        self.text(key).parse().unwrap_or_else(|error| panic!("{} {key}: {error}", self.name))
    }

    fn target(&self) -> TypeId {
        TypeId(self.number("type_id"))
    }

    fn member(&self) -> Member<'a> {
        Member {
            name: self.name,
            ty: self.target(),
            bit_offset: self.number("bits_offset"),
            bitfield_size: self.fields.get("bitfield_size").map(|bits| bits.parse().unwrap()),
        }
    }

    fn variant(&self) -> Variant<'a> {
        let digits = self.text("val").trim_end_matches(['U', 'L']);
        Variant { name: self.name, value: digits.parse().unwrap() }
    }
}

fn add(builder: &mut BtfBuilder, line: &Fields<'_>, entries: &[Fields<'_>]) -> TypeId {
    let name = line.name;
    match line.kind {
        "INT" => builder.int(name, line.number("size"), encoding(line.text("encoding"))),
        "PTR" => builder.ptr(line.target()),
        "ARRAY" => {
            let index = TypeId(line.number("index_type_id"));
            builder.array(line.target(), index, line.number("nr_elems"))
        }
        "STRUCT" | "UNION" => {
            let members: Vec<_> = entries.iter().map(Fields::member).collect();
            match line.kind {
                "STRUCT" => builder.structure(name, line.number("size"), &members),
                _ => builder.union(name, line.number("size"), &members),
            }
        }
        "ENUM" | "ENUM64" => {
            let variants: Vec<_> = entries.iter().map(Fields::variant).collect();
            builder.enumeration(name, line.number("size"), &variants)
        }
        "FWD" if line.text("fwd_kind") == "union" => builder.fwd(name, FwdKind::Union),
        "FWD" => builder.fwd(name, FwdKind::Struct),
        "TYPEDEF" => builder.typedef(name, line.target()),
        "VOLATILE" => builder.volatile(line.target()),
        "CONST" => builder.constant(line.target()),
        "RESTRICT" => builder.restrict(line.target()),
        "TYPE_TAG" => builder.type_tag(name, line.target()),
        "FLOAT" => builder.float(name, line.number("size")),
        "FUNC" => builder.func(
            name,
            line.target(),
            match line.text("linkage") {
                "static" => FuncLinkage::Static,
                "global" => FuncLinkage::Global,
                _ => FuncLinkage::Extern,
            },
        ),
        "FUNC_PROTO" => {
            let params: Vec<_> = entries
                .iter()
                .map(|entry| Param { name: entry.name, ty: entry.target() })
                .collect();
            builder.func_proto(TypeId(line.number("ret_type_id")), &params)
        }
        "VAR" => builder.var(
            name,
            line.target(),
            match line.text("linkage") {
                "static" => VarLinkage::Static,
                "global" => VarLinkage::Global,
                _ => VarLinkage::Extern,
            },
        ),
        "DATASEC" => {
            let vars: Vec<_> = entries
                .iter()
                .map(|entry| DatasecVar {
                    ty: entry.target(),
                    offset: entry.number("offset"),
                    size: entry.number("size"),
                })
                .collect();
            builder.datasec(name, line.number("size"), &vars)
        }
        "DECL_TAG" => {
            let component = line.text("component_idx").parse().ok();
            builder.decl_tag(name, line.target(), component)
        }
        kind => panic!("no kind {kind}"),
    }
}

fn encoding(name: &str) -> IntEncoding {
    match name {
        "SIGNED" => IntEncoding::Signed,
        "CHAR" => IntEncoding::Char,
        "BOOL" => IntEncoding::Bool,
        _ => IntEncoding::Unsigned,
    }
}
