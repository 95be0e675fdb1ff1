//! `delay`, `signal` and `approval`, wherever they stand.

use super::{Lowering, User};
use crate::document::{Fields, Place, Table};
use crate::plan::Gate;

/// Keys of gates, in the order of the waits.
const GATES: [&str; 3] = ["delay", "signal", "approval"];

/// The table that says what a step waits for. It is read when it is known which step that is.
#[derive(Default, Clone, Copy)]
pub(crate) struct Waits<'a> {
    table: Option<&'a Table>,
}

impl<'a> Waits<'a> {
    /// Takes note of the gates of a table.
    pub(crate) fn note(table: &'a Table, fields: &mut Fields<'a>) -> Self {
        let is_there = GATES.map(|key| fields.entry(key).is_some()).contains(&true);
        Self { table: is_there.then_some(table) }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.table.is_none()
    }

    /// Where each gate is named.
    fn keys(&self) -> impl Iterator<Item = (&'static str, Place)> {
        let table = self.table;
        GATES.into_iter().filter_map(move |key| Some((key, table?.get(key)?.key)))
    }
}

impl Lowering<'_, '_, '_> {
    /// What a phase waits for before the step at this place of it.
    pub(crate) fn waits(&mut self, waits: Waits<'_>, phase: usize, place: usize) -> Vec<Gate> {
        let Some(table) = waits.table else { return Vec::new() };
        let before = self.uses.len();
        let gates = self.gates(&mut Fields::new(table), User::Step(phase, place));
        // The only gate with references is the last.
        let last = place + gates.len().saturating_sub(1);
        for used in &mut self.uses[before..] {
            used.by = User::Step(phase, last);
        }
        gates
    }

    /// Reports waits that stand both on a phase and on its only entry: there they mean the same.
    pub(crate) fn check_waits(&mut self, phase: Waits<'_>, entry: Waits<'_>) {
        for (key, place) in entry.keys() {
            if let Some((_, other)) = phase.keys().find(|(other, _)| *other == key) {
                let finding = self
                    .report
                    .error(place, format!("`{key}` stands on the phase and on the only entry of it"));
                finding.note(other, "the other one").hint("take one of the two out");
            }
        }
    }
}

/// The key that a gate is written under.
pub(crate) fn key(gate: &Gate) -> &'static str {
    match gate {
        Gate::Delay(_) => GATES[0],
        Gate::Signal(_) => GATES[1],
        Gate::Approval(_) => GATES[2],
    }
}
