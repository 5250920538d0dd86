//! `skep btf`: type information.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use skep::btf::{Btf, dump};

use crate::args::{BtfDumpArgs, BtfFormat, Global};
use crate::failure::Failure;
use crate::{input, output};

/// The first bytes of an ELF file.
const ELF_MAGIC: &[u8] = b"\x7fELF";

/// `skep btf dump`.
pub(crate) fn dump(global: &Global, args: &BtfDumpArgs) -> Result<ExitCode, Failure> {
    let base = args.base.as_deref().map(|path| read(path, None)).transpose()?;
    let btf = read(&args.file, base.map(Arc::new))?;
    if global.json() {
        output::json(global, &dump::json(&btf))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    match args.format {
        BtfFormat::Raw => write!(out, "{}", dump::raw(&btf))?,
        BtfFormat::C => {
            let header = dump::c(&btf).map_err(|error| Failure::at(args.file.display(), error))?;
            out.write_all(header.as_bytes())?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// The types in a file: raw BTF, or the section `.BTF` of an object.
fn read(path: &Path, base: Option<Arc<Btf>>) -> Result<Btf, Failure> {
    let bytes = input::object_bytes(path)?;
    if bytes.starts_with(ELF_MAGIC) {
        let object = input::parse_object(path, &bytes)?;
        return object.btf().cloned().ok_or_else(|| {
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
