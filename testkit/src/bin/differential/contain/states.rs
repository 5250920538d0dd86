//! What the verifier said of the machine, by instruction.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use skep_spec::InsnIdx;
use skep_verifier::state::State;
use skep_verifier::{Maps, Observer};

/// How many states are gathered of one program: enough for all paths of most.
const LIMIT: usize = 4000;

/// What the verifier said of the machine before each instruction, on all paths.
#[derive(Default)]
pub(crate) struct States {
    by_place: BTreeMap<InsnIdx, Vec<State>>,
    seen: usize,
    maps: Maps,
}

impl States {
    /// The states before an instruction.
    pub(super) fn at(&self, at: InsnIdx) -> &[State] {
        self.by_place.get(&at).map_or(&[], Vec::as_slice)
    }

    /// The maps that registers refer to.
    pub(super) fn maps(&self) -> &Maps {
        &self.maps
    }

    /// The same, with the maps that registers refer to.
    pub(crate) fn with_maps(self, maps: Maps) -> States {
        States { maps, ..self }
    }

    /// Changes every state before an instruction, to something that the verifier did not say.
    #[cfg(test)]
    pub(super) fn falsify(&mut self, at: u32, mut change: impl FnMut(&mut State)) {
        let states = self.by_place.get_mut(&InsnIdx(at));
        states.expect("the place is come to").iter_mut().for_each(&mut change);
    }

    /// Forgets that an instruction is come to.
    #[cfg(test)]
    pub(super) fn forget(&mut self, at: u32) {
        self.by_place.remove(&InsnIdx(at));
    }
}

impl Observer for States {
    fn before(&mut self, at: InsnIdx, state: &State) -> ControlFlow<()> {
        if self.seen == LIMIT {
            return ControlFlow::Break(());
        }
        self.seen += 1;
        self.by_place.entry(at).or_default().push(state.clone());
        ControlFlow::Continue(())
    }
}
