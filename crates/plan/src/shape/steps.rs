//! Steps of one phase, as they are lowered one by one.
//!
//! What a step waits for is its own gate, so that a person who approves sees the exact call. Several waits, or one before a
//! list of calls, are steps before it.

use super::gate::{self, Waits};
use super::wishes::Wishes;
use super::work::Work;
use super::{Lowering, User};
use crate::document::{Place, Table};
use crate::plan::{Accept, Action, Gate, Step};

/// A step as it is written.
pub(crate) struct Entry<'a> {
    /// What it is called in a phase of several.
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) work: Work<'a>,
    pub(crate) args: Table,
    pub(crate) wishes: Wishes<'a>,
    pub(crate) waits: Waits<'a>,
}

/// Steps of a phase, and where each of them is written.
pub(crate) struct Steps {
    phase: usize,
    accept: Accept,
    pub(crate) lowered: Vec<Step>,
    pub(crate) places: Vec<Place>,
}

impl Steps {
    /// No steps yet, of which these answers count unless they say otherwise.
    pub(crate) fn new(phase: usize, accept: Accept) -> Self {
        Self { phase, accept, lowered: Vec::new(), places: Vec::new() }
    }

    /// The last step, for the next one to come after.
    pub(crate) fn last(&self) -> Vec<usize> {
        self.lowered.len().checked_sub(1).into_iter().collect()
    }

    /// Adds steps that do nothing but wait.
    pub(crate) fn wait(&mut self, ctx: &mut Lowering<'_, '_, '_>, id: &str, waits: Waits<'_>, place: Place) {
        let gates = ctx.waits(waits, self.phase, self.lowered.len());
        for gate in gates {
            self.pass(id, gate, self.last(), place);
        }
    }

    /// Adds a step after some others, with what it waits for.
    pub(crate) fn push(
        &mut self,
        ctx: &mut Lowering<'_, '_, '_>,
        id: &str,
        waits: &[Waits<'_>],
        mut after: Vec<usize>,
        entry: &Entry<'_>,
    ) {
        let mut gates = Vec::new();
        for waits in waits {
            gates.extend(ctx.waits(*waits, self.phase, self.lowered.len() + gates.len()));
        }
        let is_alone = gates.len() == 1 && !entry.wishes.items.is_some();
        let gate = if is_alone || matches!(entry.work, Work::Nothing) { gates.pop() } else { None };
        for gate in gates {
            let limit = entry.wishes.timeout.filter(|_| matches!(gate, Gate::Signal(_)));
            self.pass(id, gate, std::mem::take(&mut after), entry.place).timeout = limit;
            after = self.last();
        }
        let by = User::Step(self.phase, self.lowered.len());
        let (args, place) = (entry.args.clone(), entry.place);
        let step = ctx.with_locals(entry.wishes.locals(), |ctx| ctx.work(&entry.work, args, place, by));
        let step = ctx.wished(Step { accept: self.accept.clone(), ..step }, &entry.wishes, by);
        self.add(Step { id: id.to_owned(), after, gate, ..step }, place);
    }

    fn pass(&mut self, id: &str, gate: Gate, after: Vec<usize>, place: Place) -> &mut Step {
        let step = Step::new(format!("{id}.{}", gate::key(&gate)), Action::Pass);
        self.add(Step { after, gate: Some(gate), ..step }, place)
    }

    fn add(&mut self, step: Step, place: Place) -> &mut Step {
        self.places.push(place);
        self.lowered.push_mut(step)
    }
}
