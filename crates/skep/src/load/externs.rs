//! What an object uses and does not define, found in a kernel: settings, variables, functions.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::fs;

use skep_btf::compare::Comparison;
use skep_btf::{Btf, Kind, Type, TypeId};
use skep_object::{Binding, Extern, ExternSource, MapIdx, Object, Settings, Target};
use skep_spec::insn::{Callee, Imm64};

use crate::map::Map;

/// Where the externs of an object are.
pub(super) struct Externs<'a> {
    object: &'a Object,
    /// The kernel's types.
    kernel: Option<&'a Btf>,
    settings: Option<Settings>,
    /// The addresses of variables that have no type; read when the first of them is asked for.
    addresses: OnceCell<HashMap<String, u64>>,
}

impl<'a> Externs<'a> {
    pub(super) fn new(
        object: &'a Object,
        kernel: Option<&'a Btf>,
        settings: Option<Settings>,
    ) -> Externs<'a> {
        Externs { object, kernel, settings, addresses: OnceCell::new() }
    }

    /// What takes the place of a reference; `None` if there is no such thing.
    pub(super) fn binding(&self, maps: &[Map], target: &Target) -> Option<Binding> {
        let handle_of = |index: MapIdx| Some(maps.get(index.index())?.handle().0);
        let value = |map, off| Some(Binding::Imm64(Imm64::MapValue { fd: handle_of(map)?, off }));
        match target {
            Target::Map(map) => Some(Binding::Imm64(Imm64::MapFd(handle_of(*map)?))),
            Target::MapValue { map, off } => value(*map, *off),
            Target::Kfunc(symbol) => {
                let btf_id = self.typed(symbol, Kind::Func)?;
                Some(Binding::Callee(Callee::Kfunc { btf_id, module: 0 }))
            }
            Target::Extern(symbol) => match symbol.source {
                ExternSource::Kconfig => {
                    let settings = self.settings.as_ref()?;
                    value(settings.map(), settings.place(symbol)?)
                }
                ExternSource::KernelVariable if self.is_typeless(symbol) => {
                    let address = *self.addresses().get(&symbol.name)?;
                    Some(Binding::Imm64(Imm64::Value(address)))
                }
                ExternSource::KernelVariable => self.address(symbol, Kind::Var),
                ExternSource::KernelFunction => self.address(symbol, Kind::Func),
                ExternSource::Unknown => None,
            },
        }
    }

    fn address(&self, symbol: &Extern, kind: Kind) -> Option<Binding> {
        let btf_id = self.typed(symbol, kind)?;
        Some(Binding::Imm64(Imm64::BtfVar { btf_id, module_fd: 0 }))
    }

    /// The number of a symbol among the kernel's types, if the kernel has it and its type is what
    /// the object thinks it is.
    fn typed(&self, symbol: &Extern, kind: Kind) -> Option<i32> {
        let (kernel, local) = (self.kernel?, self.object.btf()?);
        let id = kernel.find_by_name(&symbol.name, kind)?;
        if let (Some(mine), Some(theirs)) = (type_of(local, symbol.type_id?), type_of(kernel, id)) {
            Comparison::new(local, kernel).compatible(mine, theirs).ok().filter(|&same| same)?;
        }
        i32::try_from(id.0).ok()
    }

    /// Whether the object gives a variable no type: `extern const void x __ksym`.
    fn is_typeless(&self, symbol: &Extern) -> bool {
        let local = self.object.btf().zip(symbol.type_id);
        let ty = local.and_then(|(btf, id)| btf.resolve(type_of(btf, id)?).ok());
        matches!(ty, Some((TypeId::VOID, _)))
    }

    /// The addresses of all variables without a type, which the kernel tells root alone.
    fn addresses(&self) -> &HashMap<String, u64> {
        self.addresses.get_or_init(|| {
            let externs = self.object.externs().iter();
            let wanted = externs.filter(|symbol| symbol.source == ExternSource::KernelVariable);
            let wanted: HashSet<&str> = wanted.map(|symbol| symbol.name.as_str()).collect();
            addresses(&fs::read_to_string("/proc/kallsyms").unwrap_or_default(), &wanted)
        })
    }
}

/// The addresses of symbols in the lines of `/proc/kallsyms`: address, type, name, and for those of
/// modules, the module. Of several with one name, the first; one at 0 is kept from us.
fn addresses(lines: &str, wanted: &HashSet<&str>) -> HashMap<String, u64> {
    let mut found = HashMap::new();
    for line in lines.lines() {
        let mut words = line.split_whitespace();
        let (Some(address), _, Some(name)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        if !wanted.contains(name) {
            continue;
        }
        if let Some(address) = u64::from_str_radix(address, 16).ok().filter(|&found| found != 0) {
            found.entry(name.to_owned()).or_insert(address);
        }
    }
    found
}

/// The type of a variable or function.
fn type_of(btf: &Btf, id: TypeId) -> Option<TypeId> {
    match btf.ty(id).ok()? {
        Type::Var(var) => Some(var.ty),
        Type::Func(func) => Some(func.proto),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_of_the_kernel() {
        let lines = "ffffffff81000000 T _text\nffffffff81000040 t twice\nffffffff81000080 t twice\n\
                     0000000000000000 D hidden\nffffffffc0000000 d inside [module]\nbroken\n";
        let found = addresses(lines, &HashSet::from(["twice", "hidden", "inside"]));
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort();
        let expected = [("inside", 0xffff_ffff_c000_0000), ("twice", 0xffff_ffff_8100_0040)];
        assert_eq!(found, expected.map(|(name, address)| (name.to_owned(), address)));
    }
}
