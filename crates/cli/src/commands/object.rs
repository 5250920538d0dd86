//! `skep object`: what is in an object file.

pub(crate) mod link;

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::{Value, json};
use skep::object::{ExternSource, Function, Object};

use crate::args::{Global, ObjectShowArgs};
use crate::failure::Failure;
use crate::table::{Align, Table, count};
use crate::{input, output};

/// `skep object show`.
pub(crate) fn show(global: &Global, args: &ObjectShowArgs) -> Result<ExitCode, Failure> {
    let object = input::object(&args.object)?;
    if global.json() {
        output::json(global, &as_json(&object))?;
    } else {
        print(&object, &mut io::stdout().lock())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything, for scripts.
fn as_json(object: &Object) -> Value {
    let programs = object.programs().map(|(_, function, kind)| {
        json!({
            "name": function.name,
            "section": function.section,
            "type": kind.prog_type.map(|prog_type| prog_type.name()),
            "attach_type": kind.attach_type.map(|attach_type| attach_type.name()),
            "target": kind.target,
            "sleepable": kind.sleepable,
            "optional": kind.optional,
            "insns": function.size / 8,
        })
    });
    let functions = called(object).map(|function| {
        json!({ "name": function.name, "section": function.section, "insns": function.size / 8 })
    });
    let maps = object.maps().iter().map(|map| {
        json!({
            "name": map.name,
            "type": map.def.map_type.name(),
            "bytes_key": map.def.key_size,
            "bytes_value": map.def.value_size,
            "max_entries": map.def.max_entries,
            "flags": map.def.flags,
            "section": map.section,
            "key_type": map.def.key_type.map(|id| id.0),
            "value_type": map.def.value_type.map(|id| id.0),
        })
    });
    let sections = object.sections().iter().map(|section| {
        json!({
            "name": section.name,
            "bytes": section.size,
            "executable": section.executable,
            "relocations": section.relocation_count,
        })
    });
    let externs = object.externs().iter().map(|symbol| {
        json!({ "name": symbol.name, "source": source(symbol.source), "weak": symbol.weak })
    });
    json!({
        "license": object.license(),
        "programs": programs.collect::<Vec<_>>(),
        "functions": functions.collect::<Vec<_>>(),
        "maps": maps.collect::<Vec<_>>(),
        "externs": externs.collect::<Vec<_>>(),
        "sections": sections.collect::<Vec<_>>(),
        "types": object.btf().map(|btf| btf.types().count()),
    })
}

/// The same for people.
fn print(object: &Object, out: &mut dyn Write) -> io::Result<()> {
    let types = object.btf().map_or_else(
        || "no BTF".into(),
        |btf| format!("{} types", count(btf.types().count() as u64)),
    );
    let license =
        object.license().map_or_else(|| "no licence".into(), |text| format!("licence {text}"));
    writeln!(out, "{}: {license}, {types}", object.name())?;
    section(out, "programs", programs(object))?;
    section(out, "functions they call", functions(object))?;
    section(out, "maps", maps(object))?;
    section(out, "externs", externs(object))?;
    section(out, "sections", sections(object))
}

/// A table under a title; nothing if it has no rows.
fn section(out: &mut dyn Write, title: &str, table: Table) -> io::Result<()> {
    if table.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}")?;
    table.write(out, "  ")
}

fn programs(object: &Object) -> Table {
    let mut table = Table::new(&[
        ("name", Align::Left),
        ("type", Align::Left),
        ("section", Align::Left),
        ("insns", Align::Right),
    ]);
    for (_, function, kind) in object.programs() {
        let prog_type = kind.prog_type.map_or("?", |prog_type| prog_type.name());
        table.row(vec![
            function.name.clone(),
            prog_type.to_owned(),
            function.section.clone(),
            count(function.size / 8),
        ]);
    }
    table
}

fn functions(object: &Object) -> Table {
    let columns = [
        ("name", Align::Left),
        ("section", Align::Left),
        ("linkage", Align::Left),
        ("insns", Align::Right),
    ];
    let mut table = Table::new(&columns);
    for function in called(object) {
        let linkage = if function.global { "global" } else { "static" };
        table.row(vec![
            function.name.clone(),
            function.section.clone(),
            linkage.to_owned(),
            count(function.size / 8),
        ]);
    }
    table
}

/// The functions that are no programs.
fn called(object: &Object) -> impl Iterator<Item = &Function> {
    let programs: Vec<_> = object.programs().map(|(index, _, _)| index.0).collect();
    let functions = object.functions().iter().enumerate();
    functions.filter(move |(index, _)| !programs.contains(index)).map(|(_, function)| function)
}

fn maps(object: &Object) -> Table {
    let mut table = Table::new(&[
        ("name", Align::Left),
        ("type", Align::Left),
        ("key", Align::Right),
        ("value", Align::Right),
        ("entries", Align::Right),
    ]);
    for map in object.maps() {
        table.row(vec![
            map.name.clone(),
            map.def.map_type.name().to_owned(),
            format!("{} B", count(map.def.key_size.into())),
            format!("{} B", count(map.def.value_size.into())),
            count(map.def.max_entries.into()),
        ]);
    }
    table
}

fn externs(object: &Object) -> Table {
    let mut table = Table::new(&[("name", Align::Left), ("from", Align::Left), ("", Align::Left)]);
    for symbol in object.externs() {
        let weak = if symbol.weak { "weak" } else { "" };
        table.row(vec![symbol.name.clone(), source(symbol.source).to_owned(), weak.to_owned()]);
    }
    table
}

fn sections(object: &Object) -> Table {
    let columns = [("name", Align::Left), ("bytes", Align::Right), ("relocations", Align::Right)];
    let mut table = Table::new(&columns);
    for section in object.sections().iter().filter(|section| !section.name.is_empty()) {
        let relocations = match section.relocation_count {
            0 => String::new(),
            some => count(some as u64),
        };
        table.row(vec![section.name.clone(), count(section.size), relocations]);
    }
    table
}

/// Where an extern comes from, in a few words.
fn source(source: ExternSource) -> &'static str {
    match source {
        ExternSource::Kconfig => "kernel configuration",
        ExternSource::KernelVariable => "kernel variable",
        ExternSource::KernelFunction => "kernel function",
        ExternSource::Unknown => "another object",
    }
}
