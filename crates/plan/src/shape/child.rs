//! `plan = "other_plan"`: a step that runs another plan.

use std::sync::Arc;

use super::{Lowering, User};
use crate::document::{Node, Place, Table, Value};
use crate::plan::{Action, Plan};

/// Plans inside one another, at most.
const MAX_DEPTH: usize = 8;

impl Lowering<'_, '_, '_> {
    /// A step that runs another plan, with `args` for its inputs.
    pub(crate) fn child(&mut self, id: &str, place: Place, args: Table, by: User) -> Option<Action> {
        let plan = self.find_child(id, place)?;
        if depth(&plan) >= MAX_DEPTH {
            self.report.error(place, format!("plans run inside one another at most {MAX_DEPTH} deep"));
        }
        self.check_inputs(&plan, &args, place);
        let inputs = self.mapping(&Node { place, value: Value::Table(args) }, by)?;
        Some(Action::Plan { plan, inputs })
    }

    /// The plan of this id; what is wrong with it is reported.
    pub(crate) fn find_child(&mut self, id: &str, place: Place) -> Option<Arc<Plan>> {
        let circle = self.library.waiting_for(id);
        if !circle.is_empty() {
            let way = [circle, &[id.to_owned()]].concat().join("` -> `");
            let finding = self.report.error(place, format!("the plan runs itself: `{way}`"));
            finding.hint("a plan that is to go on again is a machine, or has a schedule");
            return None;
        }
        if !self.library.ids().any(|known| known == id) {
            let finding = self.report.error(place, format!("unknown plan `{id}`"));
            finding.meant(id, self.library.ids());
            return None;
        }
        let plan = self.library.lower(id, self.catalogue, self.report);
        if plan.is_none() {
            self.report.error(place, format!("plan `{id}` has errors, so this step cannot run it"));
        }
        plan
    }

    fn check_inputs(&mut self, plan: &Plan, args: &Table, place: Place) {
        let inputs = &plan.draft().inputs;
        for (name, entry) in args {
            if !inputs.contains_key(name) {
                let finding =
                    self.report.error(entry.key, format!("plan `{}` has no input `{name}`", plan.id()));
                finding.meant(name, inputs.keys().map(String::as_str));
            }
        }
        for (name, _) in inputs.iter().filter(|(name, input)| input.required && !args.contains_key(*name)) {
            let finding = self.report.error(place, format!("plan `{}` needs the input `{name}`", plan.id()));
            finding.hint(format!("add `args = {{ {name} = ... }}`"));
        }
    }
}

fn depth(plan: &Plan) -> usize {
    plan.children().map(|child| depth(child) + 1).max().unwrap_or(0)
}
