//! Several objects into one: static linking, as `bpftool gen object` does it.
//!
//! Sections of one name are put behind each other, symbols are resolved by name, relocations follow
//! them, and types are there once. What one object declares (`extern`) and another defines, be it a
//! function, a variable or a map, is from then on as if it stood in the same source file. What
//! nobody defines stays an extern.
//!
//! | symbol here | symbol there | outcome |
//! |---|---|---|
//! | declared | defined | the definition |
//! | weak | strong | the strong definition |
//! | weak | weak | that of the object that comes first |
//! | strong | strong | an error |
//!
//! Hidden wins over visible, and a strong declaration makes a declaration strong. A definition that
//! lost stays where it is, as instructions that nothing leads to.
//!
//! | step | module |
//! |---|---|
//! | sections behind each other | `sections` |
//! | symbols and relocations | `symbols` |
//! | BTF and `.BTF.ext` | `types` |
//! | the file | `write` |

mod sections;
mod symbols;
mod types;
mod write;

use skep_btf::{Btf, Ext};

use crate::elf::Elf;
use crate::error::{Place, Problem, Result};
use crate::object;
use sections::Placed;

/// Objects that are linked at once.
const MAX_OBJECTS: usize = 1024;

/// An object to be linked.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// What to call it in messages.
    pub name: &'a str,
    /// The file.
    pub bytes: &'a [u8],
}

/// An object that is being linked.
struct File<'a> {
    name: &'a str,
    elf: Elf<'a>,
    btf: Option<Btf>,
    ext: Ext,
    /// Where its sections went, by their number.
    placed: Vec<Option<Placed>>,
    /// The numbers that its symbols have now.
    symbols: Vec<Option<usize>>,
}

impl<'a> File<'a> {
    fn parse(input: &Input<'a>) -> Result<File<'a>> {
        let elf = Elf::parse(input.bytes)?;
        let btf = object::btf(&elf)?;
        let ext = object::ext(&elf, btf.as_ref())?;
        let placed = vec![None; elf.sections.len()];
        let symbols = vec![None; elf.symbols.len()];
        Ok(File { name: input.name, elf, btf, ext, placed, symbols })
    }

    /// Where a section went.
    fn placed(&self, section: usize) -> Option<Placed> {
        self.placed.get(section).copied().flatten()
    }

    /// The place of a symbol, in messages.
    fn symbol_place(&self, name: &str) -> Place {
        Place::symbol(name).of(self.name)
    }
}

/// Links objects; returns the file that they become.
///
/// # Errors
///
/// What is wrong with one of the objects, or does not go together: two definitions of a symbol,
/// declarations of another type, sections of one name and different kind, two licences.
///
/// ```
/// use skep_object::{Object, merge};
///
/// let [counters, dns] = [
///     &include_bytes!("../../../bpf/obj/counters.bpf.o")[..],
///     include_bytes!("../../../bpf/obj/dns.bpf.o"),
/// ];
/// let input = |name, bytes| merge::Input { name, bytes };
/// let both = merge::objects(&[input("counters.o", counters), input("dns.o", dns)])?;
/// let both = Object::parse("both", &both)?;
/// assert_eq!(both.programs().count(), 2);
///
/// let twice = merge::objects(&[input("a.o", dns), input("b.o", dns)]).unwrap_err();
/// assert!(twice.to_string().contains("is defined in a.o as well"), "{twice}");
/// # Ok::<(), skep_object::Error>(())
/// ```
pub fn objects(inputs: &[Input<'_>]) -> Result<Vec<u8>> {
    if inputs.len() > MAX_OBJECTS {
        let (found, limit) = (inputs.len() as u64, MAX_OBJECTS as u64);
        return Err(Place::FILE.error(Problem::TooMany { what: "objects to link", found, limit }));
    }
    let mut files = Vec::with_capacity(inputs.len());
    for input in inputs {
        files.push(File::parse(input).map_err(|error| error.of(input.name))?);
    }
    let mut sections = sections::place(&mut files)?;
    let symbols = symbols::resolve(&mut files, sections.len())?;
    symbols::relocate(&files, &mut sections)?;
    let types = types::merge(&files, &sections, &symbols)?;
    write::file(&sections, &symbols, types.as_ref())
}
