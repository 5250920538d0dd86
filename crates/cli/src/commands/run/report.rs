//! What a run found, for people and for scripts.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use skep::btf::Value;
use skep::command::map::Event;
use skep::load::Loaded;
use skep::map::{Entry, Map, Typed};
use skep::replay::Tally;
use skep::spec::abi::ProgType;

use super::place::Place;
use crate::args::Global;
use crate::failure::Failure;
use crate::output;
use crate::table::{Align, Table, clip, count};

/// Rows of a map that are printed for people; JSON has all.
const ROWS_SHOWN: usize = 16;
/// Records of a ring, and lines of a trace, that are kept for people; JSON has all.
const LINES_SHOWN: usize = 16;

/// What a run found.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    engine: String,
    programs: Vec<ProgramReport>,
    #[serde(serialize_with = "by_name")]
    maps: Vec<MapReport<'a>>,
    trace: Vec<String>,
    #[serde(skip)]
    trace_lines: usize,
    #[serde(skip)]
    keep_all: bool,
}

/// One program's part.
struct ProgramReport {
    name: String,
    prog_type: &'static str,
    tally: Tally,
}

/// One map's part.
struct MapReport<'a> {
    name: String,
    kind: String,
    max_entries: u32,
    is_global_data: bool,
    is_read_only: bool,
    is_ring: bool,
    rows: Vec<Row<'a>>,
    records: usize,
    lost: u64,
}

/// An entry of a map, or a record of a ring.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Typed<'a>>,
    value: Cell<'a>,
    #[serde(skip)]
    is_zero: bool,
}

/// What stands under a key.
#[derive(Serialize)]
#[serde(untagged)]
enum Cell<'a> {
    One(Typed<'a>),
    /// A value for each CPU.
    PerCpu(Vec<CpuValue<'a>>),
}

/// One CPU's value.
#[derive(Serialize)]
#[serde(transparent)]
struct CpuValue<'a> {
    typed: Typed<'a>,
    #[serde(skip)]
    is_zero: bool,
}

impl<'a> Report<'a> {
    /// A report on programs that have not run.
    pub(crate) fn new(
        place: &Place,
        loaded: &'a Loaded,
        programs: &[String],
        global: &Global,
    ) -> Report<'a> {
        let programs = programs
            .iter()
            .filter_map(|name| loaded.program(name))
            .map(|program| ProgramReport {
                name: program.name().to_owned(),
                prog_type: program.prog_type().name(),
                tally: Tally::default(),
            })
            .collect();
        let maps = loaded
            .maps
            .iter()
            .map(|map| MapReport {
                name: map.name().to_owned(),
                kind: map.def().map_type.name().to_owned(),
                max_entries: map.def().max_entries,
                is_global_data: map.is_global_data(),
                is_read_only: map.is_read_only(),
                is_ring: map.is_event_ring(),
                rows: Vec::new(),
                records: 0,
                lost: 0,
            })
            .collect();
        Report {
            engine: place.engine.kind().to_string(),
            programs,
            maps,
            trace: Vec::new(),
            trace_lines: 0,
            keep_all: global.json(),
        }
    }

    /// A report on a classic filter that has not run.
    pub(crate) fn of_filter(engine: String, global: &Global) -> Report<'a> {
        let program = ProgramReport {
            name: "filter".to_owned(),
            prog_type: ProgType::SocketFilter.name(),
            tally: Tally::default(),
        };
        Report {
            engine,
            programs: vec![program],
            maps: Vec::new(),
            trace: Vec::new(),
            trace_lines: 0,
            keep_all: global.json(),
        }
    }

    /// The programs' counts, in the order of the programs.
    pub(crate) fn tallies(&mut self) -> impl Iterator<Item = &mut Tally> {
        self.programs.iter_mut().map(|program| &mut program.tally)
    }

    /// Takes what programs sent since the last time: trace lines and records of rings.
    pub(crate) fn collect(&mut self, place: &Place, loaded: &Loaded) -> skep::Result<()> {
        for line in place.take_trace() {
            self.trace_lines += 1;
            if self.keep_all || self.trace.len() < LINES_SHOWN {
                self.trace.push(line.text);
            }
        }
        for (map, report) in loaded.maps.iter().zip(&mut self.maps) {
            if !map.is_event_ring() {
                continue;
            }
            let keep_all = self.keep_all;
            map.consume(&mut |event| match event {
                Event::Record { cpu: _, data } => {
                    report.records += 1;
                    if keep_all || report.rows.len() < LINES_SHOWN {
                        let value = Cell::One(Typed::Bytes(data.to_vec()));
                        report.rows.push(Row { key: None, value, is_zero: false });
                    }
                }
                Event::Lost { cpu: _, count } => report.lost += count,
            })?;
        }
        Ok(())
    }

    /// Reads the maps as the programs left them.
    pub(crate) fn read_maps(&mut self, loaded: &'a Loaded) -> skep::Result<()> {
        for (map, report) in loaded.maps.iter().zip(&mut self.maps) {
            let mut entries = map.entries()?;
            // Hash maps have an order of their own in each run; readers want to compare runs.
            if !map.is_indexed() {
                entries.sort_by(|one, other| one.key.cmp(&other.key));
            }
            for entry in &entries {
                report.rows.push(row(map, entry)?);
            }
        }
        Ok(())
    }

    /// Prints it.
    pub(crate) fn print(&self, global: &Global) -> Result<(), Failure> {
        if global.json() {
            return output::json(global, self);
        }
        let mut out = io::stdout().lock();
        for (at, program) in self.programs.iter().enumerate() {
            if at > 0 {
                writeln!(out)?;
            }
            program.print(&mut out)?;
        }
        for map in &self.maps {
            map.print(&mut out)?;
        }
        if !self.trace.is_empty() {
            writeln!(out, "\ntrace: {} lines", count(self.trace_lines as u64))?;
            for line in &self.trace {
                writeln!(out, "{}", clip(&format!("  {line}")))?;
            }
            more(&mut out, self.trace_lines - self.trace.len())?;
        }
        Ok(())
    }
}

/// Says where the frames that go on went.
pub(crate) fn print_written(global: &Global, path: &Path, frames: u64) -> Result<(), Failure> {
    if !global.json() {
        writeln!(io::stdout(), "\nwrote {} frames to {}", count(frames), path.display())?;
    }
    Ok(())
}

fn row<'a>(map: &'a Map, entry: &Entry) -> skep::Result<Row<'a>> {
    let is_zero = |value: &[u8]| value.iter().all(|&byte| byte == 0);
    let value = match entry.values.as_slice() {
        [value] if !map.is_per_cpu() => Cell::One(map.typed_value(value)?),
        values => {
            let each = values.iter().map(|value| {
                Ok(CpuValue { typed: map.typed_value(value)?, is_zero: is_zero(value) })
            });
            Cell::PerCpu(each.collect::<skep::Result<_>>()?)
        }
    };
    let is_zero = entry.values.iter().all(|value| is_zero(value));
    Ok(Row { key: Some(map.typed_key(&entry.key)?), value, is_zero })
}

impl ProgramReport {
    fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let tally = &self.tally;
        writeln!(
            out,
            "{} ({}): {} packets, {:.0} ns a packet",
            self.name,
            self.prog_type,
            count(tally.packets),
            tally.ns_per_packet()
        )?;
        let mut table = Table::new(&[
            ("verdict", Align::Left),
            ("packets", Align::Right),
            ("share", Align::Right),
        ]);
        for (verdict, packets) in &tally.verdicts {
            #[expect(clippy::cast_precision_loss, reason = "a share for people to read")]
            let share = *packets as f64 * 100.0 / tally.packets.max(1) as f64;
            table.row(vec![verdict.to_string(), count(*packets), format!("{share:.1}%")]);
        }
        table.write(out, "  ")?;
        for (reason, packets) in &tally.refused {
            let packets = match packets {
                1 => "1 packet was".to_owned(),
                more => format!("{} packets were", count(*more)),
            };
            writeln!(out, "  {packets} not run: {reason}")?;
        }
        Ok(())
    }
}

impl Serialize for ProgramReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("type", self.prog_type)?;
        map.serialize_entry("packets", &self.tally.packets)?;
        let verdicts = self.tally.verdicts.iter();
        let verdicts: serde_json::Map<_, _> =
            verdicts.map(|(verdict, packets)| (verdict.to_string(), (*packets).into())).collect();
        map.serialize_entry("verdicts", &verdicts)?;
        if !self.tally.refused.is_empty() {
            map.serialize_entry("refused", &self.tally.refused)?;
        }
        map.serialize_entry("ns_per_packet", &self.tally.ns_per_packet())?;
        map.end()
    }
}

impl MapReport<'_> {
    fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.is_global_data {
            return self.print_variables(out);
        }
        let (name, kind, rows) = (&self.name, &self.kind, count(self.rows.len() as u64));
        if self.is_ring {
            writeln!(out, "\nmap {name} ({kind}): {} records", count(self.records as u64))?;
        } else {
            let limit = count(self.max_entries.into());
            writeln!(out, "\nmap {name} ({kind}): {rows} of {limit} entries")?;
        }
        let mut table = Table::new(&[("", Align::Left), ("", Align::Left)]);
        let nonzero = || self.rows.iter().filter(|row| !row.is_zero);
        for row in nonzero().take(ROWS_SHOWN) {
            match &row.key {
                Some(key) => table.row(vec![key.to_string(), row.value.to_string()]),
                None => table.row(vec![row.value.to_string(), String::new()]),
            }
        }
        table.write(out, "  ")?;
        let shown = nonzero().count().min(ROWS_SHOWN);
        let zeroes = self.rows.len() - nonzero().count();
        more(out, self.records.max(self.rows.len() - zeroes) - shown)?;
        if zeroes > 0 {
            let and = if shown > 0 { "and " } else { "" };
            writeln!(out, "  {and}{} that are zero", count(zeroes as u64))?;
        }
        if self.lost > 0 {
            writeln!(out, "  {} records were lost: the ring was full", count(self.lost))?;
        }
        Ok(())
    }

    /// Global variables by name, without what programs cannot change.
    fn print_variables(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.is_read_only {
            return Ok(());
        }
        writeln!(out, "\nvariables in {}", self.name)?;
        let mut table = Table::new(&[("", Align::Left), ("", Align::Left)]);
        for row in &self.rows {
            match &row.value {
                Cell::One(Typed::Value(Value::Struct(variables))) => {
                    for (name, value) in variables {
                        table.row(vec![(*name).to_owned(), value.to_string()]);
                    }
                }
                value => table.row(vec![String::new(), value.to_string()]),
            }
        }
        table.write(out, "  ")
    }
}

fn more(out: &mut dyn Write, hidden: usize) -> io::Result<()> {
    if hidden > 0 {
        writeln!(out, "  … {} more; --json prints all", count(hidden as u64))?;
    }
    Ok(())
}

impl std::fmt::Display for Cell<'_> {
    /// The value; of a per-CPU map the CPUs that have one that is not zero.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let values = match self {
            Cell::One(value) => return value.fmt(f),
            Cell::PerCpu(values) => values,
        };
        let mut space = "";
        for (cpu, value) in values.iter().enumerate().filter(|(_, value)| !value.is_zero) {
            write!(f, "{space}cpu{cpu}: {}", value.typed)?;
            space = "  ";
        }
        Ok(())
    }
}

/// Maps as an object with their names as keys.
fn by_name<S: Serializer>(maps: &[MapReport<'_>], serializer: S) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_map(Some(maps.len()))?;
    for map in maps {
        object.serialize_entry(&map.name, &map.rows)?;
    }
    object.end()
}
