//! Types of global data, completed: compilers leave the sizes of sections and the places of their
//! variables to the loader.

use std::collections::HashMap;

use skep_btf::{
    Btf, DatasecVar, Edit, Error as BtfError, FuncLinkage, IntEncoding, Kind, Type, TypeId,
    VarLinkage,
};

use crate::elf::{Binding, Elf, Home, SymbolKind};
use crate::error::{Error, Place, Problem, Result};
use crate::externs::{Extern, KSYMS_SECTION};
use crate::function::Function;
use crate::map::{KCONFIG_SECTION, Map};

/// Bytes of whatever is in the section of the kernel's own.
const KSYM_SIZE: u32 = 4;

/// The variable that stands for functions there.
const KSYM_FUNCTION: &str = "dummy_ksym";

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

/// The types as the kernel takes them: it knows nothing extern, and verifies functions that are
/// hidden like static ones.
///
/// # Errors
///
/// [`Problem::NotForKernel`] for what the kernel would refuse.
pub(crate) fn for_kernel(btf: &Btf, functions: &[Function]) -> Result<Btf> {
    let wrong = |error| Place::section(".BTF").error(Problem::Btf(error));
    let mut edit = btf.edit();
    for (id, ty) in btf.types() {
        if let Type::Var(var) = ty
            && var.linkage == VarLinkage::Extern
        {
            edit.set_var_linkage(id, VarLinkage::Global).map_err(wrong)?;
        }
    }
    for function in functions.iter().filter(|function| function.hidden) {
        if let Some(id) = global_function(btf, &function.name) {
            edit.set_func_linkage(id, FuncLinkage::Static).map_err(wrong)?;
        }
    }
    allocate_ksyms(btf, &mut edit).map_err(wrong)?;
    let edited = edit.finish().map_err(wrong)?;
    let externs = edited.types().find_map(|(_, ty)| match ty {
        Type::Func(func) if func.linkage == FuncLinkage::Extern => Some(func.name),
        _ => None,
    });
    match externs {
        Some(name) => Err(not_for_kernel(name)),
        None => Ok(edited),
    }
}

/// Makes a section of four-byte variables of what is the kernel's own, as libbpf does: nothing but
/// variables can be in a section, and extern they cannot be. All functions are the same variable
/// there, and global.
fn allocate_ksyms(btf: &Btf, edit: &mut Edit) -> std::result::Result<(), BtfError> {
    let Some((section, datasec)) = btf.find_datasec(KSYMS_SECTION) else { return Ok(()) };
    let is_int = |ty: &Type<'_>| matches!(ty, Type::Int(int) if int.size == KSYM_SIZE);
    let (int, function) = edit.append(|types| {
        let found = btf.types().find(|(_, ty)| is_int(ty));
        let int =
            found.map_or_else(|| types.int("int", KSYM_SIZE, IntEncoding::Signed), |(int, _)| int);
        (int, types.var(KSYM_FUNCTION, int, VarLinkage::Global))
    })?;
    let mut kinds = Vec::new();
    for var in datasec.vars {
        let kind = match btf.ty(var.ty) {
            Ok(Type::Func(func)) => {
                edit.set_func_linkage(var.ty, FuncLinkage::Global)?;
                edit.name_params(func.proto, function)?;
                function
            }
            Ok(Type::Var(_)) => {
                edit.set_var_type(var.ty, int)?;
                var.ty
            }
            Ok(_) | Err(_) => var.ty,
        };
        kinds.push(kind);
    }
    let count = u32::try_from(kinds.len()).unwrap_or(u32::MAX);
    let mut place = 0;
    edit.set_datasec_vars(section, count.saturating_mul(KSYM_SIZE), |number, var| {
        let offset = place;
        place += KSYM_SIZE;
        let ty = kinds.get(number).copied().unwrap_or(var.ty);
        DatasecVar { ty, offset, size: KSYM_SIZE }
    })?;
    Ok(())
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
