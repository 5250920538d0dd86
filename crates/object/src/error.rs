//! What can be wrong with an object, where, and what was required instead.
//!
//! There is one [`Error`]: a [`Place`] and a [`Problem`]. Both are values that a caller can match
//! on; the sentence is made of the two, place first.

use std::fmt;

use skep_spec::InsnIdx;

use crate::reloc::RelocKind;

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an object, or one of its programs, cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error(Box<(Place, Problem)>);

impl Error {
    /// An error at a place.
    pub(crate) fn new(place: Place, problem: Problem) -> Error {
        Error(Box::new((place, problem)))
    }

    /// The same, of one of several objects.
    #[must_use]
    pub(crate) fn of(self, object: &str) -> Error {
        let (place, problem) = *self.0;
        Error::new(place.of(object), problem)
    }

    /// Where it was found.
    pub fn place(&self) -> &Place {
        &self.0.0
    }

    /// What was found.
    pub fn problem(&self) -> &Problem {
        &self.0.1
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), self.problem())
    }
}

impl std::error::Error for Error {}

/// Where in an object something is.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Place {
    /// In the file as a whole, at a byte offset where there is one to name.
    File {
        /// Byte offset from the beginning of the file.
        offset: Option<u64>,
    },
    /// In a section, at a byte offset where there is one to name.
    Section {
        /// The section's name.
        name: String,
        /// Byte offset from the beginning of the section.
        offset: Option<u64>,
    },
    /// At an instruction of a function, counted in slots from the function's beginning.
    Function {
        /// The function's name.
        name: String,
        /// The section it is in.
        section: String,
        /// The instruction.
        at: InsnIdx,
    },
    /// In the definition of a map.
    Map {
        /// The map's name.
        name: String,
    },
    /// A symbol.
    Symbol {
        /// The symbol's name.
        name: String,
    },
    /// In one of several objects.
    Of {
        /// What the object is called.
        object: String,
        /// Where in it.
        place: Box<Place>,
    },
    /// In a program as a whole.
    Program {
        /// The program's name.
        name: String,
    },
}

impl Place {
    /// The file as a whole.
    pub(crate) const FILE: Place = Place::File { offset: None };

    /// A section as a whole.
    pub(crate) fn section(name: &str) -> Place {
        Place::Section { name: name.to_owned(), offset: None }
    }

    /// A byte of a section.
    pub(crate) fn section_at(name: &str, offset: u64) -> Place {
        Place::Section { name: name.to_owned(), offset: Some(offset) }
    }

    /// A map's definition.
    pub(crate) fn map(name: &str) -> Place {
        Place::Map { name: name.to_owned() }
    }

    /// A program as a whole.
    pub(crate) fn program(name: &str) -> Place {
        Place::Program { name: name.to_owned() }
    }

    /// A symbol.
    pub(crate) fn symbol(name: &str) -> Place {
        Place::Symbol { name: name.to_owned() }
    }

    /// The same place, in one of several objects.
    pub(crate) fn of(self, object: &str) -> Place {
        Place::Of { object: object.to_owned(), place: Box::new(self) }
    }

    /// An error here.
    pub(crate) fn error(self, problem: Problem) -> Error {
        Error::new(self, problem)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { offset: None } => f.write_str("object file"),
            Place::File { offset: Some(offset) } => write!(f, "object file, offset {offset:#x}"),
            Place::Section { name, offset: None } => write!(f, "section '{name}'"),
            Place::Section { name, offset: Some(offset) } => {
                write!(f, "section '{name}', offset {offset:#x}")
            }
            Place::Function { name, section, at } => {
                write!(f, "function '{name}' (section '{section}'), instruction {at}")
            }
            Place::Map { name } => write!(f, "map '{name}'"),
            Place::Symbol { name } => write!(f, "symbol '{name}'"),
            Place::Of { object, place } => write!(f, "{object}: {place}"),
            Place::Program { name } => write!(f, "program '{name}'"),
        }
    }
}

/// What is wrong, with what was found and what was required.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file does not begin like an ELF file.
    #[error("no ELF file: it begins with {found:02x?}, not 7f 45 4c 46")]
    NotElf {
        /// The first bytes, at most four.
        found: Vec<u8>,
    },
    /// The file is not 64-bit.
    #[error("ELF class {found}, where 2 (64-bit) is required")]
    Class {
        /// The `EI_CLASS` byte.
        found: u8,
    },
    /// The file is big-endian, or worse.
    #[error("ELF data encoding {found}{}, where 1 (little-endian) is required: compile with -target bpfel", if *.found == 2 { " (big-endian)" } else { "" })]
    ByteOrder {
        /// The `EI_DATA` byte.
        found: u8,
    },
    /// The file is code for another machine.
    #[error("code for ELF machine {found}{}, where 247 (EM_BPF) is required: compile with -target bpf", machine_name(*.found))]
    Machine {
        /// The `e_machine` field.
        found: u16,
    },
    /// The file is not relocatable.
    #[error(
        "ELF file type {found}, where 1 (ET_REL, relocatable) is required: compile with -c and do not link"
    )]
    FileType {
        /// The `e_type` field.
        found: u16,
    },
    /// Something is cut off or points outside.
    #[error("{what} needs {required} bytes, {found} are there")]
    Truncated {
        /// What is cut off.
        what: &'static str,
        /// Bytes present.
        found: u64,
        /// Bytes required.
        required: u64,
    },
    /// A field of the file has a value that makes no sense.
    #[error("{what} is {found}, {required} is required")]
    Field {
        /// Which field.
        what: &'static str,
        /// Its value.
        found: u64,
        /// What it must be.
        required: &'static str,
    },
    /// More of something than anybody needs.
    #[error("{found} {what}, at most {limit} are supported")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many there are.
        found: u64,
        /// How many there can be.
        limit: u64,
    },
    /// Two sections share bytes of the file.
    #[error("its bytes overlap those of section '{other}'")]
    Overlap {
        /// The other section.
        other: String,
    },
    /// Two functions share instructions.
    #[error("function '{name}' overlaps function '{other}'")]
    FunctionOverlap {
        /// The later function.
        name: String,
        /// The earlier function.
        other: String,
    },
    /// The ELF reader refuses a structure.
    #[error("{what} cannot be read: {reason}")]
    Unreadable {
        /// What it is.
        what: &'static str,
        /// The reader's reason.
        reason: String,
    },
    /// A part that every object has is not there.
    #[error("there is no {what}; {remedy}")]
    Missing {
        /// What is missing.
        what: &'static str,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A name is not UTF-8.
    #[error("{what} is not UTF-8")]
    NotUtf8 {
        /// Whose name.
        what: &'static str,
    },
    /// A function lies outside its section, or between instructions.
    #[error(
        "function '{name}' of {size} bytes is no range of whole instructions within the section's {section_size} bytes"
    )]
    FunctionRange {
        /// The function's name.
        name: String,
        /// Its size in bytes.
        size: u64,
        /// The section's size in bytes.
        section_size: u64,
    },
    /// There is no such program.
    #[error("the object has no program of this name; it has: {known}")]
    NoSuchProgram {
        /// The names of those it has.
        known: String,
    },
    /// The bytes at an instruction mean nothing.
    #[error(transparent)]
    Decode(skep_spec::decode::DecodeErrorKind),
    /// The type information cannot be read.
    #[error("type information: {0}")]
    Btf(skep_btf::Error),
    /// A relocation names a symbol that does not exist.
    #[error("relocation against symbol number {found}, of {count} symbols")]
    NoSuchSymbol {
        /// The symbol's number.
        found: u32,
        /// How many symbols there are.
        count: usize,
    },
    /// A relocation is of a kind that has no meaning at its place.
    #[error("relocation {found} against '{symbol}', where only {required} is understood")]
    RelocationKind {
        /// The kind found.
        found: RelocKind,
        /// The symbol that it names.
        symbol: String,
        /// The kinds that have a meaning there.
        required: &'static str,
    },
    /// A relocation is at an instruction that it cannot change.
    #[error("relocation {kind} against '{symbol}' at `{found}`, where {required} is required")]
    RelocationSite {
        /// The relocation's kind.
        kind: RelocKind,
        /// The symbol that it names.
        symbol: String,
        /// The instruction found.
        found: String,
        /// The instruction required.
        required: &'static str,
    },
    /// A relocation leads to something that nobody knows how to refer to.
    #[error("reference to '{symbol}' in section '{section}', {reason}")]
    RelocationTarget {
        /// The symbol.
        symbol: String,
        /// The section that the symbol is in.
        section: String,
        /// Why that cannot be referred to.
        reason: &'static str,
    },
    /// A relocation is outside the code that it should change.
    #[error("a relocation against '{symbol}' is at no instruction of this function")]
    RelocationOffset {
        /// The symbol that it names.
        symbol: String,
    },
    /// A tag names a function that does not exist.
    #[error("its exception callback '{name}' is no function of the object")]
    NoExceptionCallback {
        /// The name in the tag.
        name: String,
    },
    /// Two sections of instructions have one name, by which types and lines belong to them.
    #[error("there are two sections of instructions with this name, {first} and {second}")]
    SameName {
        /// Number of one in the file.
        first: usize,
        /// Number of the other.
        second: usize,
    },
    /// A call or a function reference leads to where no function begins.
    #[error("{what} leads to byte {offset:#x} of section '{section}', where no function begins")]
    NoFunction {
        /// The instruction.
        what: &'static str,
        /// The section it leads to.
        section: String,
        /// The byte offset it leads to.
        offset: i64,
    },
    /// A reference to the object's other parts has no relocation to say which.
    #[error("`{insn}` refers to something outside the program, but has no relocation to say what")]
    Unrelocated {
        /// The instruction.
        insn: String,
    },
    /// A map's definition is no struct.
    #[error("its type is no struct of fields (__uint, __type, __array)")]
    MapType,
    /// A map's definition has a field that makes no sense.
    #[error("field '{field}' {reason}")]
    MapField {
        /// The field's name.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The map holds pointers that are filled in by relocations, and those are not understood.
    #[error(
        "global data of section '{section}' holds the address of '{symbol}' ({kind}) at byte {offset:#x}, and nobody fills in addresses in global data: index an array, or choose with a switch"
    )]
    DataRelocation {
        /// The data section.
        section: String,
        /// The symbol whose address is stored.
        symbol: String,
        /// The relocation's kind.
        kind: RelocKind,
        /// Where in the section it is stored.
        offset: u64,
    },
    /// An extern that nobody resolved.
    #[error("extern '{name}' ({section}) is not resolved: {remedy}")]
    Extern {
        /// The symbol's name.
        name: String,
        /// The section that says what kind of extern it is.
        section: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// Two objects define a symbol.
    #[error("it is defined in {first} as well; make one of them __weak or static")]
    DefinedTwice {
        /// The object that comes first.
        first: String,
    },
    /// Two objects say different things of what a symbol is.
    #[error("it has another type in {first}; declare it in one header that both include")]
    OtherType {
        /// The object whose type counts.
        first: String,
    },
    /// Two objects have something that cannot be put together.
    #[error("this {what} is unlike that of the objects before; {remedy}")]
    Unlike {
        /// What it is.
        what: &'static str,
        /// What to do about it.
        remedy: &'static str,
    },
    /// Something that cannot be linked.
    #[error("it {reason}")]
    Unlinkable {
        /// Why.
        reason: &'static str,
    },
    /// A file cannot be made.
    #[error("{what} cannot be written: {reason}")]
    Unwritable {
        /// What it is.
        what: &'static str,
        /// The writer's reason.
        reason: String,
    },
    /// A kernel setting has a value that its variable cannot hold.
    #[error("the kernel's setting '{name}' is `{value}`, but the variable {reason}")]
    Setting {
        /// The setting's name.
        name: String,
        /// Its value in the kernel's configuration.
        value: String,
        /// What the variable is.
        reason: &'static str,
    },
    /// The program adapts itself to a kernel's types, and no kernel types were given.
    #[error(
        "the program has {relocations} CO-RE relocations, and there is no target type information; name a BTF file, such as /sys/kernel/btf/vmlinux"
    )]
    NoTargetBtf {
        /// How many relocations there are.
        relocations: usize,
    },
    /// A CO-RE relocation that makes no sense.
    #[error("CO-RE relocation {spec}: {reason}")]
    Core {
        /// The relocation, in libbpf's notation.
        spec: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Types that the kernel does not take: those of functions that are extern, and not its own.
    #[error("the type of '{name}', which is extern, cannot be loaded into the kernel")]
    NotForKernel {
        /// The name of the function.
        name: String,
    },
    /// Binding gave a reference something of another kind.
    #[error("`{insn}` cannot refer to {found}")]
    Binding {
        /// The instruction.
        insn: String,
        /// What it should have referred to.
        found: &'static str,
    },
}

/// The names of machines that objects are compiled for by mistake.
fn machine_name(machine: u16) -> &'static str {
    match machine {
        3 => " (i386)",
        40 => " (arm)",
        62 => " (x86-64)",
        183 => " (aarch64)",
        243 => " (riscv)",
        _ => "",
    }
}
