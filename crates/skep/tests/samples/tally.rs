//! Counts of objects, and what fails.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::{Answer, State};

/// The answers of all loaders.
pub(crate) struct Tally {
    names: Vec<String>,
    /// By loader; ours is the first.
    answers: Vec<(&'static str, Vec<Answer>)>,
}

impl Tally {
    pub(crate) fn new(folder: &Path, paths: &[PathBuf]) -> Tally {
        let name = |path: &PathBuf| path.strip_prefix(folder).unwrap_or(path).display().to_string();
        Tally { names: paths.iter().map(name).collect(), answers: Vec::new() }
    }

    pub(crate) fn add(&mut self, loader: &'static str, answers: Vec<Answer>) {
        self.answers.push((loader, answers));
    }

    /// How many objects we get so far with, and how many any of the others.
    pub(crate) fn ours_and_others(&self, state: State) -> (usize, usize) {
        let (ours, others) = self.answers.split_first().unwrap();
        let others: Vec<_> = others.iter().map(|(_, answers)| answers.as_slice()).collect();
        (count(&[ours.1.as_slice()], state), count(&others, state))
    }
}

/// How many objects any of some loaders get so far with.
fn count(loaders: &[&[Answer]], state: State) -> usize {
    let objects = loaders.first().map_or(0, |answers| answers.len());
    let any = |index: &usize| loaders.iter().any(|answers| answers[*index].state >= state);
    (0..objects).filter(any).count()
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} objects", self.names.len())?;
        for (loader, answers) in &self.answers {
            let [read, loaded] = [State::Read, State::Loaded].map(|state| count(&[answers], state));
            writeln!(f, "  {loader:8} reads {read:4}, loads {loaded:4}")?;
        }
        let (_, read) = self.ours_and_others(State::Read);
        let (_, loaded) = self.ours_and_others(State::Loaded);
        writeln!(f, "  {:8} reads {read:4}, loads {loaded:4}", "others")?;
        for (loader, answers) in &self.answers {
            for state in [State::None, State::Read] {
                let title = if state == State::None { "does not read" } else { "reads, not loads" };
                writeln!(f, "{loader} {title}:")?;
                for (name, answer) in self.names.iter().zip(answers) {
                    if answer.state == state {
                        writeln!(f, "  {name}: {}", answer.reason)?;
                    }
                }
            }
        }
        Ok(())
    }
}
