//! What a step does: a call, another plan, or nothing but waiting.

use super::part::Understudy;
use super::{Lowering, User};
use crate::check::arguments;
use crate::document::{Place, Table};
use crate::plan::{Action, Call, Part, Step};

/// What a step does, as it is written.
pub(crate) enum Work<'a> {
    Call(Part, Vec<Understudy>),
    Plan(&'a str),
    Nothing,
}

impl Lowering<'_, '_, '_> {
    /// A step that does this with these arguments; its id is filled in by the caller. What is wrong is reported, and the step
    /// stands for it.
    pub(crate) fn work(&mut self, work: &Work<'_>, args: Table, place: Place, by: User) -> Step {
        match work {
            Work::Call(part, understudies) => {
                for (understudy, place) in understudies {
                    self.check_arguments(understudy, &args, *place);
                }
                let fallback = understudies.iter().map(|(part, _)| part.clone()).collect();
                let call: Call = self.call(part.clone(), args, place, by);
                Step { fallback, ..Step::new("", Action::Call(call)) }
            }
            Work::Plan(id) => Step::new("", self.child(id, place, args, by).unwrap_or(Action::Pass)),
            Work::Nothing => Step::new("", Action::Pass),
        }
    }

    /// Who takes over is given the same arguments.
    fn check_arguments(&mut self, part: &Part, args: &Table, place: Place) {
        let performer = part.default_performer();
        if let Some((performer, operation)) =
            performer.and_then(|performer| Some((performer, self.catalogue.operation(performer)?)))
        {
            arguments::check(self.report, args, &operation.input, performer, place);
        }
    }
}
