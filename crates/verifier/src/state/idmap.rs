//! Which names of one state stand for which of another.

use super::register::Id;

/// Pairs of names, found while two states are compared. Each name of either state is in one pair
/// at most: then both states say the same of what is equal to what.
#[derive(Debug, Default)]
pub(crate) struct IdMap {
    pairs: Vec<(Id, Id)>,
    next: u32,
}

impl IdMap {
    /// Begins anew. `fresh` is above all names in use.
    pub(crate) fn reset(&mut self, fresh: u32) {
        self.pairs.clear();
        self.next = fresh;
    }

    /// Whether `new` can stand where `old` stood, given all pairs so far. Both must be names, or
    /// neither.
    pub(crate) fn check(&mut self, old: Option<Id>, new: Option<Id>) -> bool {
        match (old, new) {
            (None, None) => true,
            (Some(old), Some(new)) => self.pair(old, new),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    /// As [`IdMap::check`] for numbers: a number without a name is like one with a name of its own.
    pub(crate) fn check_scalars(&mut self, old: Option<Id>, new: Option<Id>) -> bool {
        let (old, new) = (old.unwrap_or_else(|| self.fresh()), new.unwrap_or_else(|| self.fresh()));
        self.pair(old, new)
    }

    fn fresh(&mut self) -> Id {
        self.next = self.next.wrapping_add(1).max(1);
        Id(std::num::NonZeroU32::new(self.next).unwrap_or(std::num::NonZeroU32::MIN))
    }

    fn pair(&mut self, old: Id, new: Id) -> bool {
        for (one, two) in &self.pairs {
            if *one == old {
                return *two == new;
            }
            if *two == new {
                return false;
            }
        }
        self.pairs.push((old, new));
        true
    }
}
