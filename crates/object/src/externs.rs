//! Externs: what an object uses and does not define.

use std::collections::HashMap;

use skep_btf::{Btf, FuncLinkage, Type, TypeId, VarLinkage};

use crate::elf::{Binding, Elf, Home};
use crate::map::KCONFIG_SECTION;

/// Number of an extern in [`Object::externs`](crate::Object::externs).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ExternIdx(pub usize);

/// A symbol that the kernel, or whoever loads the object, has to provide.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Extern {
    /// Its name.
    pub name: String,
    /// What kind of thing provides it.
    pub source: ExternSource,
    /// Whether programs cope with its absence: its address, or the setting, is then 0.
    pub weak: bool,
    /// Its type in the object's BTF, a variable or a function.
    pub type_id: Option<TypeId>,
    /// Number of its symbol in the file.
    pub(crate) symbol: u32,
    /// Where a setting is in the map of settings.
    pub(crate) kconfig_off: Option<u32>,
}

/// The section of kernel variables and functions, which exists in type information alone.
pub(crate) const KSYMS_SECTION: &str = ".ksyms";

/// Where an extern comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExternSource {
    /// A setting of the kernel's configuration (`__kconfig`).
    Kconfig,
    /// A variable of the kernel (`__ksym`).
    KernelVariable,
    /// A function of the kernel (`__ksym`), a kfunc.
    KernelFunction,
    /// Nothing says: most often a function or variable of a source file that was not linked in.
    Unknown,
}

impl Extern {
    /// The section that says where it comes from.
    pub fn section(&self) -> &'static str {
        match self.source {
            ExternSource::Kconfig => KCONFIG_SECTION,
            ExternSource::KernelVariable | ExternSource::KernelFunction => KSYMS_SECTION,
            ExternSource::Unknown => "undefined symbol",
        }
    }

    /// What to do if nobody provides it.
    pub fn remedy(&self) -> &'static str {
        match self.source {
            ExternSource::Kconfig => {
                "the kernel's configuration does not have it, or was not given; declare it __weak to \
                 have it as 0"
            }
            ExternSource::KernelVariable => {
                "the kernel has no such variable, or its types were not given; declare it __weak to \
                 have its address as 0"
            }
            ExternSource::KernelFunction => {
                "the kernel has no such function, or its types were not given; declare it __weak \
                 and test it with bpf_ksym_exists before calling it"
            }
            ExternSource::Unknown => {
                "link the object that defines it (skep object link), or mark it __ksym or __kconfig"
            }
        }
    }
}

/// All externs of an object, in the order of its symbols.
pub(crate) fn externs(elf: &Elf<'_>, btf: Option<&Btf>) -> Vec<Extern> {
    let declared = btf.map(declarations).unwrap_or_default();
    elf.symbols
        .iter()
        .zip(0u32..)
        .filter(|(symbol, _)| {
            symbol.home == Home::Undefined
                && symbol.binding != Binding::Local
                && !symbol.name.is_empty()
        })
        .map(|(symbol, number)| {
            let declaration = declared.get(symbol.name);
            Extern {
                name: symbol.name.to_owned(),
                source: declaration.map_or(ExternSource::Unknown, |&(source, _)| source),
                weak: symbol.binding == Binding::Weak,
                type_id: declaration.map(|&(_, id)| id),
                symbol: number,
                kconfig_off: None,
            }
        })
        .collect()
}

/// What the type information says about externs: the section of each.
fn declarations(btf: &Btf) -> HashMap<&str, (ExternSource, TypeId)> {
    let mut declared = HashMap::new();
    for (_, section) in btf.datasecs() {
        let kconfig = match section.name {
            KCONFIG_SECTION => true,
            KSYMS_SECTION => false,
            _ => continue,
        };
        for entry in section.vars {
            match btf.ty(entry.ty) {
                Ok(Type::Var(var)) if var.linkage == VarLinkage::Extern => {
                    let source =
                        if kconfig { ExternSource::Kconfig } else { ExternSource::KernelVariable };
                    declared.insert(var.name, (source, entry.ty));
                }
                Ok(Type::Func(func)) if func.linkage == FuncLinkage::Extern && !kconfig => {
                    declared.insert(func.name, (ExternSource::KernelFunction, entry.ty));
                }
                _ => {}
            }
        }
    }
    declared
}
