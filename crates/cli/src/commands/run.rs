//! `skep run`: programs on the packets of a capture.

mod filter;
mod output;
mod place;
mod progress;
mod refused;
mod report;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;

use skep::capture::{Frame, LinkType, Reader};
use skep::command::prog::Semantics;
use skep::load::{self, KernelConfig, Loaded};
use skep::object::core::CoreTarget;
use skep::object::{Object, ProgramKind};
use skep::replay;
use skep::spec::abi::ProgType;

use crate::args::{Global, RunArgs, SemanticsArg};
use crate::failure::Failure;
use crate::input;
use output::Output;
use place::Place;
use progress::Progress;
use report::Report;

/// Runs the command.
pub(crate) fn run(global: &Global, args: &RunArgs) -> Result<ExitCode, Failure> {
    match (&args.filter, &args.object) {
        (Some(filter), _) => filter::run(global, args, filter),
        (None, Some(_)) if args.interpret => {
            Err(Failure::new("--interpret runs classic filters, and there is none")
                .help("--filter FILE gives one"))
        }
        (None, Some(path)) => run_object(global, args, path),
        (None, None) => unreachable!("clap: an object or a filter is given"),
    }
}

/// Runs programs of an object.
fn run_object(global: &Global, args: &RunArgs, path: &Path) -> Result<ExitCode, Failure> {
    let object = input::object(path)?;
    let prog_type = args.prog_type.as_deref().map(input::prog_type).transpose()?;
    let programs = choose(&object, args, path, prog_type)?;
    if args.write.is_some() && programs.len() > 1 {
        return Err(Failure::new("--write takes the frames of one program")
            .help(format!("choose one with --prog: {}", programs.join(", "))));
    }
    let capture = open_capture(&args.packets)?;

    let place = Place::new(global, args)?;
    let types = input::core_types(&object, args.btf.as_deref())?;
    let target = types.as_ref().map(CoreTarget::new);
    let config = settings(&object, args)?;
    let options = load::Options {
        programs: &programs,
        prog_type,
        target: target.as_ref(),
        config: config.as_ref(),
        ..load::Options::default()
    };
    let loaded = load::load(&place.engine, &object, &options).map_err(|error| {
        refused::failure(global, args, (path, &object), (&programs, prog_type), &error)
    })?;
    place.say_how_programs_run(global, args);

    let mut report = Report::new(&place, &loaded, &programs, global);
    let ethernet = |path| Output::create(path, LinkType::ETHERNET);
    let mut output = args.write.as_deref().map(ethernet).transpose()?;
    let replay = Replay { args, path, place: &place, loaded: &loaded, programs: &programs };
    let ended = replay.all(capture, &mut output, &mut report);
    report.read_maps(&loaded).map_err(|error| input::library_failure(path, &error))?;
    report.print(global)?;
    if let Some(output) = output {
        output.finish(global)?;
    }
    // What was found before the capture, or a program, failed is not lost.
    ended.map(|()| ExitCode::SUCCESS)
}

/// The kernel's settings, where the object asks for some.
fn settings(object: &Object, args: &RunArgs) -> Result<Option<KernelConfig>, Failure> {
    match &args.kconfig {
        Some(path) => {
            let read = KernelConfig::file(path).map_err(|error| Failure::new(&error))?;
            Ok(Some(read))
        }
        None => Ok(object.has_settings().then(KernelConfig::running)),
    }
}

/// The programs to run: those that are named, or all that take packets.
fn choose(
    object: &Object,
    args: &RunArgs,
    path: &Path,
    prog_type: Option<ProgType>,
) -> Result<Vec<String>, Failure> {
    let at = path.display();
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
    path: &'a Path,
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
        let failure = |error| input::library_failure(self.path, &error);
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
