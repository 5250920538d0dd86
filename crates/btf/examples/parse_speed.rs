//! How long reading the kernel's BTF takes:
//! `cargo run --release -p skep-btf --example parse_speed [FILE]`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use skep_btf::{Btf, Error, Kind, dump};

/// Runs of each question, of which the fastest counts.
const RUNS: u32 = 10;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "/sys/kernel/btf/vmlinux".into());
    let bytes = std::fs::read(&file)?;
    let btf = Btf::parse(&bytes)?;
    println!("{file}: {} bytes, {} types", bytes.len(), btf.last_id());
    report("parse", || Btf::parse(&bytes).map(|btf| btf.last_id().0))?;
    // A copy has not been asked anything yet.
    report("parse, and find the first name", || {
        Btf::parse(&bytes)
            .map(|btf| btf.find_by_name("task_struct", Kind::Struct).map_or(0, |id| id.0))
    })?;
    report("find a name", || Ok(btf.find_by_name("sk_buff", Kind::Struct).map_or(0, |id| id.0)))?;
    report("look at each type", || Ok(btf.types().filter(|(_, ty)| ty.name() == "x").count()))?;
    report("list", || Ok(dump::raw(&btf).to_string().len()))?;
    report("write as C", || dump::c(&btf).map(|text| text.len()))?;
    Ok(())
}

fn report<T>(what: &str, mut run: impl FnMut() -> Result<T, Error>) -> Result<(), Error> {
    let mut fastest = Duration::MAX;
    for _ in 0..RUNS {
        let start = Instant::now();
        black_box(run()?);
        fastest = fastest.min(start.elapsed());
    }
    println!("{what:32} {fastest:>12.1?}");
    Ok(())
}
