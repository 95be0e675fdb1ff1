//! `cache`: how long what a call returned stands for calling again.

use std::time::Duration;

use super::Lowering;
use crate::catalogue::Effects;
use crate::document::{Fields, Place, Value};
use crate::plan::Step;

/// What `cache = true` means.
const USUAL: Duration = Duration::from_hours(1);

/// How long what a step returns is kept, and where that is said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cached {
    lasts: Duration,
    place: Place,
}

impl Lowering<'_, '_, '_> {
    /// Reads `cache`: a duration, or `true` for an hour. `false` is as if it were not said.
    pub(crate) fn cache(&mut self, fields: &mut Fields<'_>) -> Option<Cached> {
        let place = fields.entry("cache")?.key;
        let lasts = match fields.node("cache")?.value {
            Value::Boolean(true) => USUAL,
            Value::Boolean(false) => return None,
            _ => fields.duration("cache", self.report)?,
        };
        if lasts.is_zero() {
            let finding = self.report.error(place, "`cache` must be longer than zero");
            finding.hint("leave it out to call every time");
            return None;
        }
        Some(Cached { lasts, place })
    }

    /// The step with what it returns kept for so long, if that can be: it calls somebody, and nobody who changes something.
    pub(crate) fn cached(&mut self, step: Step, cached: Option<Cached>) -> Step {
        let Some(Cached { lasts, place }) = cached else { return step };
        let Some(call) = step.action.call() else {
            let finding =
                self.report.error(place, "`cache` keeps what a call returned, and the step makes none");
            finding.hint("say it on the steps that call somebody, those of a plan that it runs among them");
            return step;
        };
        for part in std::iter::once(&call.part).chain(&step.fallback) {
            let Some(performer) = part.default_performer() else { continue };
            let does = match self.catalogue.operation(performer).map(|operation| operation.effects) {
                None | Some(Effects::Read) => continue,
                Some(Effects::Write) => "changes something",
                Some(Effects::External) => "reaches beyond this host",
            };
            let message = format!("`{performer}` {does}, which a kept result would leave out");
            self.report.error(place, message).hint("take `cache` away; it is for operations that only read");
        }
        Step { cache: Some(lasts), ..step }
    }
}
