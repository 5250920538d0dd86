//! The capture that goes on from a program.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use skep::capture::{self, Frame, LinkType, Writer};
use skep::replay::Answer;

use super::report;
use crate::args::Global;
use crate::failure::Failure;

/// A capture that is being written.
pub(super) struct Output<'a> {
    path: &'a Path,
    writer: Writer<BufWriter<File>>,
}

impl Output<'_> {
    /// Begins a capture of frames of one link type.
    pub(super) fn create(path: &Path, link: LinkType) -> Result<Output<'_>, Failure> {
        let file = File::create(path).map_err(|error| Failure::at(path.display(), error))?;
        let writer = Writer::new(BufWriter::new(file), link)
            .map_err(|error| Failure::at(path.display(), error))?;
        Ok(Output { path, writer })
    }

    /// Writes the frame as the program left it, if its verdict lets it go on.
    pub(super) fn write(&mut self, frame: &Frame<'_>, answer: &Answer) -> Result<(), Failure> {
        if !answer.verdict.goes_on() {
            return Ok(());
        }
        let wire_len = u32::try_from(answer.data.len()).unwrap_or(u32::MAX);
        // A frame that was cut short when it was captured keeps its length on the wire.
        let cut = frame.wire_len.saturating_sub(u32::try_from(frame.data.len()).unwrap_or(0));
        let frame = Frame { data: &answer.data, wire_len: wire_len.saturating_add(cut), ..*frame };
        self.copy(&frame)
    }

    /// Writes a frame as it is.
    pub(super) fn copy(&mut self, frame: &Frame<'_>) -> Result<(), Failure> {
        self.writer.write(frame).map_err(|error| self.failure(error))
    }

    /// Ends the capture and says how many frames it has.
    pub(super) fn finish(self, global: &Global) -> Result<(), Failure> {
        let (path, frames) = (self.path, self.writer.frames());
        self.writer.finish().map_err(|error| Failure::at(path.display(), error))?;
        report::print_written(global, path, frames)
    }

    fn failure(&self, error: capture::Error) -> Failure {
        Failure::at(self.path.display(), error)
    }
}
