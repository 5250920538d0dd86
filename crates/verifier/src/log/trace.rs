//! What the walk writes to the log.

use std::rc::Rc;

use skep_spec::InsnIdx;
use skep_spec::disasm::Listing;
use skep_spec::insn::{Insn, Reg};

use super::register::Names;
use super::source;
use super::state::{Part, StateText};
use super::statistics::StatisticsText;
use super::touched::touched;
use super::{Level, Log};
use crate::explore::Walk;
use crate::kernel_words::LinesBefore;
use crate::rejection::Rejection;

/// The column at which what changes is printed, and the distance of columns behind it.
const COLUMNS: (usize, usize) = (40, 8);

impl Walk<'_> {
    /// What the text of registers refers to.
    pub(crate) fn names(&self) -> Names<'_> {
        Names { maps: &self.maps, environment: self.environment }
    }

    /// Prints what stands before all instructions.
    pub(crate) fn log_program(&mut self) {
        if self.log.level != Level::All {
            return;
        }
        self.log_insns();
        for (number, subprogram) in self.cfg.subprograms().iter().enumerate() {
            self.log.write(format_args!("func#{number} @{}\n", subprogram.start));
        }
        self.log.write(format_args!("Live regs before insn:\n"));
        for (at, _) in self.input.code.iter() {
            let live = self.cfg.live_registers(at);
            let digit = |number| {
                let reg = Reg::new(number).filter(|reg| live.contains(*reg));
                reg.map_or('.', |_| char::from(b'0' + number))
            };
            let live: String = (0..10).map(digit).collect();
            let text = self.log.insns.get(at.index()).cloned().unwrap_or_default();
            let component = match self.cfg.component(at) {
                0 => String::new(),
                component => component.to_string(),
            };
            self.log.write(format_args!("{component:>3} {:>3}: {live} {text}\n", at.0));
        }
    }

    /// Prints the instruction that is looked at, and before it what the last one has changed.
    #[inline]
    pub(crate) fn log_insn(&mut self) {
        if self.log.level.traces() {
            self.print_insn();
        }
    }

    fn print_insn(&mut self) {
        self.log_insns();
        if self.log.begins && self.log.level == Level::All {
            let state = self.state_text(Part::ALL);
            let text = format!("\nfrom {} to {}:{state}\n", Previous(self.previous), self.at);
            self.log.text.push(&text);
            self.log.begins = false;
        }
        self.print_touched();
        self.print_source(self.at);
        let start = self.log.text.end();
        let text = self.log.insns.get(self.at.index()).map_or("", String::as_str);
        let text = format!("{}: {text}\n", self.at);
        self.log.text.push(&text);
        let end = self.log.text.end();
        self.log.insn = Some((end, end - start));
        let insn = self.input.code.get(self.at);
        self.log.touched = insn.map_or(Part::default(), |insn| touched(insn, &self.state));
        self.log.depth = self.state.depth();
        self.log.callee = match insn {
            Some(Insn::Exit) => {
                let frame = self.state.frame();
                let behind = u32::from(frame.callback.is_none());
                let to = InsnIdx(frame.callsite.0.saturating_add(behind));
                (to, self.frame_text(self.state.depth()).to_string())
            }
            Some(_) | None => (InsnIdx(0), String::new()),
        };
        self.log.stack = Some(Rc::clone(&self.state.frame().stack));
    }

    /// Prints what the instruction has changed, behind it if nothing else came between.
    fn print_touched(&mut self) {
        if self.log.touched.is_empty() {
            return;
        }
        let state = self.state_text(self.log.touched).to_string();
        match self.log.insn {
            Some((end, length)) if end == self.log.text.end() => {
                let (first, step) = COLUMNS;
                let column = (length + step / 2).max(first).next_multiple_of(step);
                self.log.text.cut(end - 1);
                let blanks = column - length - 1;
                self.log.write(format_args!("{:blanks$};{state}\n", ""));
            }
            Some(_) | None => self.log.write(format_args!("{}:{state}\n", self.at)),
        }
        self.log.touched = Part::default();
    }

    /// Notes what the instruction at hand did, after it was carried out.
    #[inline]
    pub(crate) fn log_done(&mut self) {
        if self.log.level.traces() {
            self.note_done();
        }
    }

    fn note_done(&mut self) {
        let end = self.log.text.end();
        self.log.marks.resize(self.pending.len(), end);
        let depth = self.state.depth();
        if depth == self.log.depth {
            let before = self.log.stack.take();
            let before = before.as_ref().map_or(&[][..], |stack| &stack.slots);
            for (number, slot) in self.state.frame().stack.slots.iter().enumerate() {
                if before.get(number) != Some(slot) {
                    self.log.touched.add_slot(number);
                }
            }
        }
        if matches!(self.input.code.get(self.at), Some(Insn::Branch { .. })) {
            self.print_touched();
        }
        if depth > self.log.depth {
            let (caller, callee) = (self.frame_text(depth - 1), self.frame_text(depth));
            let text = format!("caller:\n{caller}\ncallee:\n{callee}\n");
            self.log.text.push(&text);
            self.log.touched = Part::ALL;
        } else if depth < self.log.depth {
            let ((to, callee), caller) = (&self.log.callee, self.frame_text(depth));
            let text = format!("returning from callee:\n{callee}\nto caller at {to}:\n{caller}\n");
            self.log.text.push(&text);
            self.log.touched = Part::default();
            self.log.begins = true;
        }
    }

    /// Prints that what follows is known to be safe.
    pub(crate) fn log_safe(&mut self) {
        if !self.log.level.traces() {
            return;
        }
        if self.log.begins {
            let (from, to) = (Previous(self.previous), self.at);
            self.log.write(format_args!("\nfrom {from} to {to}: safe\n"));
        } else {
            self.log.write(format_args!("{}: safe\n", self.at));
        }
    }

    /// Notes that a function is looked at by itself now.
    pub(crate) fn log_function(&mut self) {
        if self.log.level.traces() {
            self.log.touched = Part::ALL;
        }
    }

    /// Notes that a branch that was put off is followed now.
    #[inline]
    pub(crate) fn log_resume(&mut self) {
        if !self.log.level.traces() {
            return;
        }
        let mark = self.log.marks.get(self.pending.len()).copied();
        self.log.marks.truncate(self.pending.len());
        if let (Level::Changes, Some(mark)) = (self.log.level, mark) {
            self.log.text.cut(mark);
            self.log.source = None;
        }
        self.log.begins = true;
        self.log.touched = Part::ALL;
    }

    /// Ends the log: what failed, if something did, and the statistics. Gives all of it.
    pub(crate) fn log_end(&mut self, failed: Option<&Rejection>) -> String {
        let level = self.log.level;
        let mut log = std::mem::replace(&mut self.log, Log::new(Level::Silent));
        match failed {
            None if level == Level::Changes => log.text.cut(0),
            None => {}
            Some(rejection) if rejection.final_line.is_empty() => {}
            Some(rejection) => {
                let before = LinesBefore { rejection, names: self.names() };
                log.write(format_args!("{before}{}\n", rejection.final_line));
            }
        }
        log.write(format_args!("{}", StatisticsText { statistics: &self.statistics, level }));
        log.into_text()
    }

    fn state_text(&self, part: Part) -> StateText<'_> {
        let frame = self.state.depth();
        StateText { state: &self.state, frame, part, precise: Part::default(), names: self.names() }
    }

    fn frame_text(&self, frame: usize) -> StateText<'_> {
        StateText { frame, ..self.state_text(Part::ALL) }
    }

    /// Prints the source line of an instruction, unless it was the last one printed.
    fn print_source(&mut self, at: InsnIdx) {
        let Some((number, line)) = source::record(self.input, at) else { return };
        let last = self.log.source.and_then(|last| self.input.line_info.get(last));
        let same = last
            .is_some_and(|last| (last.file_name_off, last.line) == (line.file_name_off, line.line));
        if same {
            return;
        }
        if let Some(text) = source::text(self.input, line) {
            self.log.text.push(&text);
            self.log.source = Some(number);
        }
    }

    /// Makes the text of the instructions, unless it is there.
    fn log_insns(&mut self) {
        if !self.log.insns.is_empty() {
            return;
        }
        let mut insns = vec![String::new(); self.input.code.slots().len()];
        for line in Listing::new(self.input.code).to_string().lines() {
            let Some((at, text)) = line.split_once(": ") else { continue };
            let at = at.trim().parse::<usize>().ok();
            if let Some(insn) = at.and_then(|at| insns.get_mut(at)) {
                text.clone_into(insn);
            }
        }
        self.log.insns = insns;
    }
}

impl Log {
    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        if self.level != Level::Silent {
            self.text.push(&text.to_string());
        }
    }
}

/// Displays the instruction before on a path; the kernel counts from -1.
struct Previous(Option<InsnIdx>);

impl std::fmt::Display for Previous {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(at) => at.fmt(f),
            None => f.write_str("-1"),
        }
    }
}
