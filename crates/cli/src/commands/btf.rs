//! `skep btf`: type information.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::ValueEnum;
use serde_json::json;
use skep::btf::dedup::Dedup;
use skep::btf::{Btf, BtfBuilder, dump};
use skep::object::core::{CoreTarget, Needs};

use crate::args::{BtfDumpArgs, BtfFormat, BtfMergeArgs, BtfMinArgs, Global};
use crate::failure::Failure;
use crate::{input, output};

/// Where Linux shows the types of its modules, which continue its own.
const MODULES: &str = "/sys/kernel/btf";

/// `skep btf dump`.
pub(crate) fn dump(global: &Global, args: &BtfDumpArgs) -> Result<ExitCode, Failure> {
    let (file, format) = file_and_format(args)?;
    let base = args.base.clone().or_else(|| base_of(file));
    let base = base.map(|path| read(&path, None)).transpose()?;
    let btf = read(file, base.map(Arc::new))?;
    if global.json() {
        output::json(global, &dump::json(&btf))?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = match format {
        BtfFormat::Raw => {
            let mut text = String::new();
            write!(text, "{}", dump::raw(&btf))
                .map_err(|error| Failure::at(file.display(), error))?;
            text
        }
        BtfFormat::C => dump::c(&btf).map_err(|error| Failure::at(file.display(), error))?,
    };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// What is to be dumped, and how: `FILE`, or bpftool's `file FILE format FORMAT`.
fn file_and_format(args: &BtfDumpArgs) -> Result<(&Path, BtfFormat), Failure> {
    let is = |word: &PathBuf, expected: &str| word.as_os_str() == expected;
    let words = match args.words.as_slice() {
        [first, rest @ ..] if is(first, "file") && !rest.is_empty() => rest,
        words => words,
    };
    let (file, format) = match words {
        [file] => (file, None),
        [file, word, format] if is(word, "format") => (file, Some(format)),
        _ => {
            return Err(Failure::new("one file is dumped at a time")
                .help("skep btf dump FILE --format c, or skep btf dump file FILE format c"));
        }
    };
    let format = match (format, args.format) {
        (None, format) => format.unwrap_or(BtfFormat::Raw),
        (Some(_), Some(_)) => return Err(Failure::new("the format is given twice")),
        (Some(name), None) => BtfFormat::from_str(&name.to_string_lossy(), false)
            .map_err(|_| Failure::new(format!("there is no format `{}`", name.display())))
            .map_err(|failure| failure.help("known are raw, c"))?,
    };
    Ok((file, format))
}

/// What the types in a file continue, if that is known from where the file is.
fn base_of(file: &Path) -> Option<PathBuf> {
    let modules = Path::new(MODULES);
    let kernel = modules.join("vmlinux");
    (file.parent() == Some(modules) && file != kernel).then_some(kernel)
}

/// `skep btf min`.
pub(crate) fn min(global: &Global, args: &BtfMinArgs) -> Result<ExitCode, Failure> {
    let path = args.btf.clone().unwrap_or_else(|| Path::new(MODULES).join("vmlinux"));
    let target = read(&path, None)?;
    let mut needs = Needs::new(&CoreTarget::new(&target));
    for path in &args.objects {
        let object = input::object(path)?;
        needs.add(&object).map_err(|error| Failure::at(path.display(), error))?;
    }
    let btf = needs.build().map_err(|error| Failure::at(args.output.display(), error))?;
    save(global, &btf, &args.output)
}

/// `skep btf merge`.
pub(crate) fn merge(global: &Global, args: &BtfMergeArgs) -> Result<ExitCode, Failure> {
    let mut builder = BtfBuilder::new();
    for path in &args.files {
        let btf = read(path, None)?;
        builder.append(&btf).map_err(|error| Failure::at(path.display(), error))?;
    }
    let merged = builder.build().and_then(|all| Dedup::new(&all).run());
    let merged = merged.map_err(|error| Failure::at(args.output.display(), error))?;
    save(global, &merged.btf, &args.output)
}

/// Writes types to a file, and says how many.
fn save(global: &Global, btf: &Btf, path: &Path) -> Result<ExitCode, Failure> {
    let bytes = btf.to_bytes();
    std::fs::write(path, &bytes).map_err(|error| Failure::at(path.display(), error))?;
    let types = btf.last_id().0;
    if global.json() {
        output::json(global, &json!({ "types": types, "bytes": bytes.len() }))?;
    } else {
        writeln!(io::stdout(), "{}: {types} types, {} bytes", path.display(), bytes.len())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The types in a file: raw BTF, or the section `.BTF` of an object as it is written there.
fn read(path: &Path, base: Option<Arc<Btf>>) -> Result<Btf, Failure> {
    let bytes = input::object_bytes(path)?;
    if input::is_object(&bytes) {
        let types = skep::object::types(&bytes, base);
        return types.map_err(|error| Failure::at(path.display(), error))?.ok_or_else(|| {
            Failure::at(path.display(), "the object has no section .BTF")
                .help("compile it with debug information: clang -g")
        });
    }
    match base {
        Some(base) => Btf::parse_split(base, &bytes),
        None => Btf::parse(&bytes),
    }
    .map_err(|error| Failure::at(path.display(), error))
}
