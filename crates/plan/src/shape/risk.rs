//! Operations of critical risk, which nobody performs before a person approved.

use super::Lowering;
use crate::document::Place;
use crate::plan::{Action, Draft, Part};

impl Lowering<'_, '_, '_> {
    /// Reports steps that call an operation of critical risk without a person who approves before, and undo lists that call one:
    /// nobody is asked before those.
    pub(crate) fn check_risk(&mut self, draft: &Draft, key: Place) {
        if self.critical.is_empty() {
            return;
        }
        for phase in &draft.phases {
            for (step, approved) in phase.steps.iter().zip(phase.approved()) {
                let Action::Call(call) = &step.action else { continue };
                let parts = std::iter::once(&call.part).chain(&step.fallback);
                if !approved {
                    parts.for_each(|part| self.refuse_critical(part, key, &step.id));
                }
            }
            for undo in &phase.undo {
                self.refuse_critical(&undo.call.part, key, &format!("rollback of {}", phase.id));
            }
        }
    }

    fn refuse_critical(&mut self, part: &Part, key: Place, step: &str) {
        let Some(performer) = part.default_performer() else { return };
        let Some(place) = self.critical.get(performer) else { return };
        let place = if place.file == key.file { *place } else { key };
        let message =
            format!("`{performer}` cannot be taken back, and nobody approves before `{step}` calls it");
        let finding = self.report.error(place, message);
        finding
            .hint("add `approval = { message = \"...\" }` before it, and let no time limit approve instead");
    }
}
