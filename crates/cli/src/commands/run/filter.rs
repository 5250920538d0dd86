//! `skep run --filter`: a classic filter on the packets of a capture.

use std::path::Path;
use std::process::ExitCode;

use skep::capture::{Frame, LinkType};
use skep::filter::CaptureFilter;
use skep::spec::classic::{self, Filter, Rules};

use super::output::Output;
use super::place::Place;
use super::progress::Progress;
use super::report::Report;
use super::{Capture, open_capture};
use crate::args::{Global, RunArgs};
use crate::failure::Failure;
use crate::input;

/// What the engine is called where there is none.
const INTERPRETER: &str = "interpreter";

/// Runs the command.
pub(super) fn run(global: &Global, args: &RunArgs, given: &str) -> Result<ExitCode, Failure> {
    let raws = input::classic_filter(given)?;
    let filter = classic::check(&raws, Rules::Socket)
        .map_err(|error| Failure::new(format!("the kernel does not take this filter: {error}")))?;
    let capture = open_capture(&args.packets)?;
    let (filter, engine) = prepare(global, args, filter)?;
    let mut report = Report::of_filter(engine, global);
    let mut output = None;
    let ended = all(&filter, args, capture, &mut output, &mut report);
    report.print(global)?;
    match (output, &args.write) {
        (Some(output), _) => output.finish(global)?,
        (None, Some(path)) => Output::create(path, LinkType::ETHERNET)?.finish(global)?,
        (None, None) => {}
    }
    // What was found before the capture failed is not lost.
    ended.map(|()| ExitCode::SUCCESS)
}

/// Makes the filter ready, and says who runs it.
fn prepare(
    global: &Global,
    args: &RunArgs,
    filter: Filter,
) -> Result<(CaptureFilter, String), Failure> {
    if args.interpret {
        return Ok((CaptureFilter::interpret(filter), INTERPRETER.to_owned()));
    }
    let place = Place::new(global, args)?;
    let loaded = CaptureFilter::load(&place.engine, &filter).map_err(|error| failure(&error))?;
    Ok((loaded, place.engine.kind().to_string()))
}

fn failure(error: &skep::Error) -> Failure {
    let failure = Failure::new(error);
    if matches!(error, skep::Error::Translate(_)) {
        return failure.help("--interpret runs the filter as it is");
    }
    match error.help() {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// Runs the filter on every frame, up to the end or to what is wrong.
fn all<'a>(
    filter: &CaptureFilter,
    args: &'a RunArgs,
    mut capture: Capture,
    output: &mut Option<Output<'a>>,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let packets = args.packets.display();
    let mut progress = Progress::new();
    let mut link = None;
    while let Some(frame) = capture.next_frame() {
        let frame = frame.map_err(|error| Failure::at(&packets, error))?;
        progress.tick();
        let number = progress.packets();
        let noted =
            |failure: Failure| failure.note(format!("it ran on frame {number} of {packets}"));
        check_link(&frame, *link.get_or_insert(frame.link))
            .map_err(|failure| noted(failure.place(&packets)))?;
        for tally in report.tallies() {
            let verdict = filter.run(&frame, tally).map_err(|error| noted(failure(&error)))?;
            if let Some(path) = args.write.as_deref()
                && verdict.is_some_and(|verdict| verdict.goes_on())
            {
                writable(output, path, frame.link)?.copy(&frame)?;
            }
        }
    }
    Ok(())
}

/// A filter is compiled for one link type.
fn check_link(frame: &Frame<'_>, first: LinkType) -> Result<(), Failure> {
    if frame.link == first {
        return Ok(());
    }
    let (found, first) = (frame.link.0, first.0);
    Err(Failure::new(format!("a frame has link type {found}, the first one has {first}"))
        .help("a filter is for one link type: take the capture apart by interface"))
}

/// The capture to write to, which begins with its first frame, as that says its link type.
fn writable<'a, 'o>(
    output: &'o mut Option<Output<'a>>,
    path: &'a Path,
    link: LinkType,
) -> Result<&'o mut Output<'a>, Failure> {
    match output {
        Some(output) => Ok(output),
        None => Ok(output.insert(Output::create(path, link)?)),
    }
}
