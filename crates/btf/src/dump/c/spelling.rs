//! How C spells a type: inside out, from the name that is declared.

use std::rc::Rc;

use super::Writer;
use super::names::identifier;
use crate::error::Error;
use crate::types::{Enum, Float, FuncProto, Int, IntEncoding, Type, TypeId};

/// Words that names of integers in C are made of.
const INT_WORDS: [&str; 8] =
    ["_Bool", "__int128", "char", "int", "long", "short", "signed", "unsigned"];
/// A typedef that the compiler has already, and for BPF with another size than the machine's: what
/// it stands for is written in its place.
pub(super) const BUILTIN: &str = "__builtin_va_list";
/// Floating point types of C that clang knows for BPF.
const FLOATS: [&str; 4] = ["float", "double", "long double", "_Float16"];

impl<'a> Writer<'a> {
    /// The declaration of `name` as a value of type `id`, without its semicolon. Lines of an
    /// anonymous struct in it are indented by `indent` tabs.
    ///
    /// Recursion through parameters is bounded by the nesting that parsing allows, and its
    /// breadth by the text that may be made.
    pub(super) fn declaration(
        &mut self,
        id: TypeId,
        name: &str,
        indent: usize,
    ) -> Result<String, Error> {
        let mut id = id;
        let mut declarator = name.to_owned();
        let mut qualifiers = String::new();
        let mut is_pointer = false;
        loop {
            self.spend(id, declarator.len() + 1)?;
            let ty = self.btf.known(id);
            match ty {
                Type::Const(target) => qualify(&mut qualifiers, "const", &mut id, target),
                Type::Volatile(target) => qualify(&mut qualifiers, "volatile", &mut id, target),
                Type::Restrict(target) => qualify(&mut qualifiers, "restrict", &mut id, target),
                Type::TypeTag(tag) => {
                    let attribute = type_tag(tag.name, tag.is_attribute);
                    qualify(&mut qualifiers, &attribute, &mut id, tag.ty);
                }
                Type::Typedef(typedef) if typedef.name == BUILTIN => id = typedef.ty,
                Type::Ptr(target) => {
                    declarator.insert_str(0, &qualifiers);
                    declarator.insert(0, '*');
                    qualifiers.clear();
                    is_pointer = true;
                    id = target;
                }
                Type::Array(array) => {
                    // A qualifier of an array is one of its elements.
                    declarator = format!("{}[{}]", grouped(declarator, is_pointer), array.nelems);
                    is_pointer = false;
                    id = array.element;
                }
                Type::FuncProto(proto) => {
                    let params = self.params(&proto, indent)?;
                    declarator = format!("{}({params})", grouped(declarator, is_pointer));
                    qualifiers.clear();
                    is_pointer = false;
                    id = proto.ret;
                }
                Type::Void
                | Type::Int(_)
                | Type::Struct(_)
                | Type::Union(_)
                | Type::Enum(_)
                | Type::Fwd(_)
                | Type::Typedef(_)
                | Type::Func(_)
                | Type::Var(_)
                | Type::Datasec(_)
                | Type::Float(_)
                | Type::DeclTag(_)
                | Type::Enum64(_) => {
                    let base = self.base(id, &ty, indent)?;
                    let space = if declarator.is_empty() { "" } else { " " };
                    let text = [&*qualifiers, &base, space, &declarator].concat();
                    self.spend(id, text.len())?;
                    return Ok(text);
                }
            }
        }
    }

    fn params(&mut self, proto: &FuncProto<'_>, indent: usize) -> Result<String, Error> {
        if proto.params.is_empty() {
            return Ok("void".to_owned());
        }
        let params: Vec<String> = proto
            .params
            .iter()
            .map(|param| match (param.is_ellipsis(), param.name) {
                (true, _) => Ok("...".to_owned()),
                (false, "") => self.declaration(param.ty, "", indent),
                (false, name) => self.declaration(param.ty, &identifier(name), indent),
            })
            .collect::<Result<_, _>>()?;
        Ok(params.join(", "))
    }

    /// A type that is spelled by a name or by its body.
    fn base(&mut self, id: TypeId, ty: &Type<'a>, indent: usize) -> Result<Rc<str>, Error> {
        Ok(match ty {
            Type::Int(int) if is_c_integer(int.name) => int.name.into(),
            Type::Float(float) if FLOATS.contains(&float.name) => float.name.into(),
            Type::Int(Int { name, .. }) | Type::Float(Float { name, .. }) => {
                self.names.ordinary(id, name)
            }
            Type::Typedef(typedef) => self.names.ordinary(id, typedef.name),
            Type::Struct(composite) | Type::Union(composite) if composite.name.is_empty() => {
                self.inline(id, composite, indent)?.into()
            }
            Type::Enum(enumeration) | Type::Enum64(enumeration)
                if enumeration.variants.is_empty() =>
            {
                int_of_size(enumeration.size, enumeration.signed).into()
            }
            // Its values can be defined only once.
            Type::Enum(enumeration) | Type::Enum64(enumeration) if enumeration.name.is_empty() => {
                if self.values_written.contains(&id) {
                    int_of_size(enumeration.size, enumeration.signed).into()
                } else {
                    self.enumeration(id, enumeration)?.replace('\n', &newline(indent)).into()
                }
            }
            Type::Struct(_) | Type::Union(_) | Type::Enum(_) | Type::Enum64(_) | Type::Fwd(_) => {
                self.tag(id)
            }
            Type::Void
            | Type::Ptr(_)
            | Type::Array(_)
            | Type::Volatile(_)
            | Type::Const(_)
            | Type::Restrict(_)
            | Type::Func(_)
            | Type::FuncProto(_)
            | Type::Var(_)
            | Type::Datasec(_)
            | Type::DeclTag(_)
            | Type::TypeTag(_) => "void".into(),
        })
    }

    /// An enumeration with its body. Its size is forced if it is not the one that C would choose.
    pub(super) fn enumeration(
        &mut self,
        id: TypeId,
        enumeration: &Enum<'a>,
    ) -> Result<String, Error> {
        self.values_written.insert(id);
        let name = if enumeration.name.is_empty() { "enum".into() } else { self.tag(id) };
        let mut text = String::from(&*name);
        text.push_str(" {\n");
        for variant in enumeration.variants {
            text.push('\t');
            text.push_str(&self.names.value(variant.name));
            text.push_str(" = ");
            text.push_str(&literal(variant.value));
            text.push_str(",\n");
        }
        text.push('}');
        text.push_str(match enumeration.size {
            1 => " __attribute__((mode(QI)))",
            2 => " __attribute__((mode(HI)))",
            8 => " __attribute__((mode(DI)))",
            _ => "",
        });
        self.spend(id, text.len())?;
        Ok(text)
    }

    /// Defines an integer that has no name in C, as those of other languages.
    pub(super) fn define_int(&mut self, id: TypeId, int: &Int<'a>) -> Result<(), Error> {
        let hidden = int.name.is_empty() || int.name == "__ARRAY_SIZE_TYPE__";
        if is_c_integer(int.name) || hidden || self.names.given(id).is_some() {
            return Ok(());
        }
        let signed = int.encoding == IntEncoding::Signed;
        let base = match int.encoding {
            IntEncoding::Bool if int.size == 1 => "_Bool",
            _ => int_of_size(int.size, signed),
        };
        let name = self.names.ordinary(id, int.name);
        self.write(id, &format!("\ntypedef {base} {name};\n"))
    }

    /// Defines a floating point number that has no name in C, as bytes.
    pub(super) fn define_float(&mut self, id: TypeId, float: &Float<'a>) -> Result<(), Error> {
        if FLOATS.contains(&float.name) || self.names.given(id).is_some() {
            return Ok(());
        }
        let name = self.names.ordinary(id, float.name);
        let align = self.align(id);
        let bytes = float.size;
        let aligned = format!("__attribute__((aligned({align})))");
        self.write(
            id,
            &format!(
                "\ntypedef struct {{\n\tunsigned char bytes[{bytes}];\n}} {aligned} {name};\n"
            ),
        )
    }
}

/// Adds a qualifier, unless it is there: an array may have the one of its elements too.
fn qualify(qualifiers: &mut String, word: &str, id: &mut TypeId, target: TypeId) {
    if !word.is_empty() && !qualifiers.split(' ').any(|known| known == word) {
        qualifiers.push_str(word);
        qualifiers.push(' ');
    }
    *id = target;
}

/// Parentheses around a pointer to an array or to a function.
fn grouped(declarator: String, is_pointer: bool) -> String {
    if is_pointer { format!("({declarator})") } else { declarator }
}

/// The attribute of a type tag. A whole attribute of the compiler is left out: it may be one that
/// changes the type.
fn type_tag(text: &str, is_attribute: bool) -> String {
    if is_attribute || text.contains(|letter: char| letter.is_control()) {
        return String::new();
    }
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("__attribute__((btf_type_tag(\"{text}\")))")
}

/// A line break and the indentation of what follows.
pub(super) fn newline(indent: usize) -> String {
    format!("\n{}", "\t".repeat(indent))
}

fn is_c_integer(name: &str) -> bool {
    !name.is_empty() && name.split(' ').all(|word| INT_WORDS.contains(&word))
}

/// The integer of C with this size in bytes.
fn int_of_size(size: u32, signed: bool) -> &'static str {
    match (size, signed) {
        (1, true) => "signed char",
        (1, false) => "unsigned char",
        (2, true) => "short",
        (2, false) => "unsigned short",
        (8, true) => "long long",
        (8, false) => "unsigned long long",
        (16, true) => "__int128",
        (16, false) => "unsigned __int128",
        (_, true) => "int",
        (_, false) => "unsigned int",
    }
}

/// A number that C reads as of this value, whatever its size.
fn literal(value: i128) -> String {
    if value == i128::from(i64::MIN) {
        // The minus is an operator, and what follows it would not fit.
        format!("({}LL - 1)", i64::MIN + 1)
    } else if i32::try_from(value).is_ok() {
        value.to_string()
    } else if u32::try_from(value).is_ok() {
        format!("{value}U")
    } else if value < 0 {
        format!("{value}LL")
    } else {
        format!("{value}ULL")
    }
}
