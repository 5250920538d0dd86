//! `skep run`: programs on the packets of a capture.

mod place;
mod progress;
mod refused;
mod report;

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::process::ExitCode;

use skep::capture::{self, Frame, LinkType, Reader, Writer};
use skep::command::prog::Semantics;
use skep::load::{self, Loaded};
use skep::object::core::CoreTarget;
use skep::object::{Object, ProgramKind};
use skep::replay::{self, Answer};
use skep::spec::abi::ProgType;

use crate::args::{Global, RunArgs, SemanticsArg};
use crate::failure::Failure;
use crate::input;
use place::Place;
use progress::Progress;
use report::Report;

/// Runs the command.
pub(crate) fn run(global: &Global, args: &RunArgs) -> Result<ExitCode, Failure> {
    let object = input::object(&args.object)?;
    let prog_type = args.prog_type.as_deref().map(input::prog_type).transpose()?;
    let programs = choose(&object, args, prog_type)?;
    if args.write.is_some() && programs.len() > 1 {
        return Err(Failure::new("--write takes the frames of one program")
            .help(format!("choose one with --prog: {}", programs.join(", "))));
    }
    let capture = open_capture(&args.packets)?;

    let place = Place::new(global, args)?;
    let types = input::core_types(&object, args.btf.as_deref())?;
    let target = types.as_ref().map(CoreTarget::new);
    let options = load::Options {
        programs: &programs,
        prog_type,
        target: target.as_ref(),
        ..load::Options::default()
    };
    let loaded = load::load(&place.engine, &object, &options)
        .map_err(|error| refused::failure(global, args, &object, (&programs, prog_type), &error))?;
    place.say_how_programs_run(global, args);

    let mut report = Report::new(&place, &loaded, &programs, global);
    let mut output = args.write.as_deref().map(Output::create).transpose()?;
    let replay = Replay { args, place: &place, loaded: &loaded, programs: &programs };
    let ended = replay.all(capture, &mut output, &mut report);
    report.read_maps(&loaded).map_err(|error| input::library_failure(&args.object, &error))?;
    report.print(global)?;
    if let Some(output) = output {
        let path = output.path;
        report::print_written(global, path, output.finish()?)?;
    }
    // What was found before the capture, or a program, failed is not lost.
    ended.map(|()| ExitCode::SUCCESS)
}

/// The programs to run: those that are named, or all that take packets.
fn choose(
    object: &Object,
    args: &RunArgs,
    prog_type: Option<ProgType>,
) -> Result<Vec<String>, Failure> {
    let at = args.object.display();
    if !args.programs.is_empty() {
        for name in &args.programs {
            let index = object.find_program(name).map_err(|error| Failure::at(&at, error))?;
            let section = object.functions().get(index.0).map_or("", |function| &function.section);
            check_type(name, section, prog_type).map_err(|failure| failure.place(&at))?;
        }
        return Ok(args.programs.clone());
    }
    let mut others = Vec::new();
    let mut programs = Vec::new();
    let called = input::called_programs(object);
    for (index, function, kind) in object.programs() {
        let name = function.name.clone();
        match prog_type.or(kind.prog_type) {
            Some(prog_type) if replay::takes_packets(prog_type) => {
                if !called.contains(&index) {
                    programs.push(name);
                }
            }
            Some(prog_type) => others.push(format!("{name} ({})", prog_type.name())),
            None => others.push(format!("{name} (section `{}`)", function.section)),
        }
    }
    if programs.is_empty() {
        let failure = Failure::at(at, "no program in it runs on packets");
        return Err(if others.is_empty() {
            failure
        } else {
            failure
                .note(format!("it has {}", others.join(", ")))
                .help("say of which type they are: --type xdp, tc or socket")
        });
    }
    Ok(programs)
}

/// Whether a named program can run on packets.
fn check_type(name: &str, section: &str, prog_type: Option<ProgType>) -> Result<(), Failure> {
    match prog_type.or(ProgramKind::of_section(section).prog_type) {
        Some(prog_type) if replay::takes_packets(prog_type) => Ok(()),
        Some(prog_type) => {
            let what = format!("program {name} is of type {}", prog_type.name());
            Err(Failure::new(format!("{what}, which does not run on packets")))
        }
        None => Err(Failure::new(format!(
            "program {name}: its section name `{section}` does not say of which type it is"
        ))
        .help("say it with --type xdp, tc or socket")),
    }
}

/// A capture file that is being read.
type Capture = Reader<BufReader<File>>;

fn open_capture(path: &Path) -> Result<Capture, Failure> {
    let file = File::open(path).map_err(|error| Failure::at(path.display(), error))?;
    Reader::new(BufReader::new(file)).map_err(|error| Failure::at(path.display(), error))
}

/// The programs, and how they are to be run.
struct Replay<'a> {
    args: &'a RunArgs,
    place: &'a Place,
    loaded: &'a Loaded,
    programs: &'a [String],
}

impl Replay<'_> {
    /// Runs the programs on every frame, up to the end or to what is wrong.
    fn all(
        &self,
        mut capture: Capture,
        output: &mut Option<Output<'_>>,
        report: &mut Report<'_>,
    ) -> Result<(), Failure> {
        let packets = self.args.packets.display();
        let mut progress = Progress::new();
        while let Some(frame) = capture.next_frame() {
            let frame = frame.map_err(|error| Failure::at(&packets, error))?;
            check_link(&frame).map_err(|failure| failure.place(&packets))?;
            progress.tick();
            let number = progress.packets();
            self.one(&frame, output, report).map_err(|failure| {
                failure.note(format!("it ran on frame {number} of {packets}"))
            })?;
        }
        Ok(())
    }

    /// Runs the programs on one frame, each on the frame as it was captured.
    fn one(
        &self,
        frame: &Frame<'_>,
        output: &mut Option<Output<'_>>,
        report: &mut Report<'_>,
    ) -> Result<(), Failure> {
        let failure = |error| input::library_failure(&self.args.object, &error);
        let options = replay::Options {
            repeat: self.args.repeat,
            semantics: match self.args.semantics {
                SemanticsArg::TestRun => Semantics::TestRun,
                SemanticsArg::Device => Semantics::Device,
            },
        };
        self.place.set_time(frame.timestamp_ns);
        for (name, tally) in self.programs.iter().zip(report.tallies()) {
            let program = self.loaded.program(name).expect("run: loaded by these names");
            let answer = replay::run_frame(program, frame, &options, tally).map_err(failure)?;
            if let (Some(answer), Some(output)) = (&answer, output.as_mut()) {
                output.write(frame, answer)?;
            }
        }
        report.collect(self.place, self.loaded).map_err(failure)
    }
}

/// Programs see Ethernet frames.
fn check_link(frame: &Frame<'_>) -> Result<(), Failure> {
    if frame.link == LinkType::ETHERNET {
        return Ok(());
    }
    Err(Failure::new(format!(
        "its frames have link type {}, required is 1, Ethernet",
        frame.link.0
    ))
    .help("capture on an Ethernet device rather than on `any`, or convert the capture"))
}

/// The capture that goes on from the program.
struct Output<'a> {
    path: &'a Path,
    writer: Writer<BufWriter<File>>,
}

impl Output<'_> {
    fn create(path: &Path) -> Result<Output<'_>, Failure> {
        let file = File::create(path).map_err(|error| Failure::at(path.display(), error))?;
        let writer = Writer::new(BufWriter::new(file), LinkType::ETHERNET)
            .map_err(|error| Failure::at(path.display(), error))?;
        Ok(Output { path, writer })
    }

    /// Writes the frame as the program left it, if its verdict lets it go on.
    fn write(&mut self, frame: &Frame<'_>, answer: &Answer) -> Result<(), Failure> {
        if !answer.verdict.goes_on() {
            return Ok(());
        }
        let wire_len = u32::try_from(answer.data.len()).unwrap_or(u32::MAX);
        // A frame that was cut short when it was captured keeps its length on the wire.
        let cut = frame.wire_len.saturating_sub(u32::try_from(frame.data.len()).unwrap_or(0));
        let frame = Frame { data: &answer.data, wire_len: wire_len.saturating_add(cut), ..*frame };
        self.writer.write(&frame).map_err(|error| self.failure(error))
    }

    fn finish(self) -> Result<u64, Failure> {
        let frames = self.writer.frames();
        let path = self.path;
        self.writer.finish().map_err(|error| Failure::at(path.display(), error))?;
        Ok(frames)
    }

    fn failure(&self, error: capture::Error) -> Failure {
        Failure::at(self.path.display(), error)
    }
}
