//! Types of global data, completed: compilers leave the sizes of sections and the places of their
//! variables to the loader.

use std::collections::HashMap;

use skep_btf::{Btf, FuncLinkage, Kind, Type, TypeId, VarLinkage};

use crate::elf::{Binding, Elf, Home, SymbolKind};
use crate::error::{Error, Place, Problem, Result};
use crate::externs::{Extern, KSYMS_SECTION};
use crate::function::Function;
use crate::map::{KCONFIG_SECTION, Map};

/// Writes the size of each section, and the place of each global variable in it. Static variables
/// have theirs from the compiler.
pub(crate) fn place(btf: &Btf, elf: &Elf<'_>, maps: &[Map], externs: &[Extern]) -> Result<Btf> {
    let wrong = |error| Place::section(".BTF").error(Problem::Btf(error));
    let mut symbols: HashMap<(usize, &str), u64> = HashMap::new();
    for symbol in &elf.symbols {
        let data = matches!(symbol.kind, SymbolKind::Object | SymbolKind::Other);
        if let (Home::Section(section), true) =
            (symbol.home, data && symbol.binding != Binding::Local)
        {
            symbols.insert((section, symbol.name), symbol.value);
        }
    }
    let sections: HashMap<&str, usize> = elf
        .sections
        .iter()
        .enumerate()
        .rev()
        .map(|(index, section)| (section.name, index))
        .collect();
    let mut edit = btf.edit();
    for (id, datasec) in btf.datasecs() {
        let Some(&index) = sections.get(datasec.name) else { continue };
        let Some(section) = elf.sections.get(index) else { continue };
        let size = u32::try_from(section.size).map_err(|_| {
            Place::section(section.name).error(Problem::TooMany {
                what: "bytes of global data",
                found: section.size,
                limit: u32::MAX.into(),
            })
        })?;
        edit.place_datasec(id, size, |_, var| match var.linkage {
            VarLinkage::Global => {
                symbols.get(&(index, var.name)).and_then(|&value| u32::try_from(value).ok())
            }
            VarLinkage::Static | VarLinkage::Extern => None,
        })
        .map_err(wrong)?;
    }
    let settings = maps.iter().find(|map| map.section == KCONFIG_SECTION);
    if let (Some(map), Some((id, _))) = (settings, btf.find_datasec(KCONFIG_SECTION)) {
        let places: HashMap<_, _> =
            externs.iter().map(|symbol| (symbol.type_id, symbol.kconfig_off)).collect();
        edit.place_datasec(id, map.def.value_size, |var, _| {
            places.get(&Some(var)).copied().flatten()
        })
        .map_err(wrong)?;
    }
    edit.finish().map_err(wrong)
}

/// The types as the kernel takes them: it knows no extern variables, and verifies functions that
/// are hidden like static ones.
///
/// # Errors
///
/// [`Problem::NotForKernel`] for what the kernel would refuse.
pub(crate) fn for_kernel(btf: &Btf, functions: &[Function]) -> Result<Btf> {
    let wrong = |error| Place::section(".BTF").error(Problem::Btf(error));
    let mut edit = btf.edit();
    for (id, ty) in btf.types() {
        match ty {
            Type::Func(func) if func.linkage == FuncLinkage::Extern => {
                return Err(not_for_kernel(func.name));
            }
            Type::Datasec(datasec) if datasec.name == KSYMS_SECTION => {
                return Err(not_for_kernel(datasec.name));
            }
            Type::Var(var) if var.linkage == VarLinkage::Extern => {
                edit.set_var_linkage(id, VarLinkage::Global).map_err(wrong)?;
            }
            _ => {}
        }
    }
    for function in functions.iter().filter(|function| function.hidden) {
        if let Some(id) = global_function(btf, &function.name) {
            edit.set_func_linkage(id, FuncLinkage::Static).map_err(wrong)?;
        }
    }
    edit.finish().map_err(wrong)
}

fn not_for_kernel(name: &str) -> Error {
    Place::section(".BTF").error(Problem::NotForKernel { name: name.to_owned() })
}

fn global_function(btf: &Btf, name: &str) -> Option<TypeId> {
    let id = btf.find_by_name(name, Kind::Func)?;
    match btf.ty(id) {
        Ok(Type::Func(func)) if func.linkage == FuncLinkage::Global => Some(id),
        _ => None,
    }
}
