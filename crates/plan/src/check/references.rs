//! References against what the plan has, and against the order in which it runs.

mod before;
mod ways;

use std::collections::HashMap;

use indexmap::IndexSet;

use crate::diagnostic::Report;
use crate::document::Place;
use crate::expression::{PhaseField, Reference, StepField};
use crate::input::InputType;
use crate::plan::{Draft, Phase, Step};
use crate::shape::{ITEM, Use, User};
use before::Before;

/// Reports every reference that cannot be resolved when it is needed.
///
/// Without `is_ordered` the dependencies are not known, and every step may have run before every other.
pub(crate) fn check(report: &mut Report<'_>, draft: &Draft, uses: &[Use], is_ordered: bool) {
    let names = Names::new(draft, uses, is_ordered);
    for used in uses {
        names.check(report, used);
    }
}

/// What a plan has, by name.
struct Names<'a> {
    draft: &'a Draft,
    variables: HashMap<&'a str, (usize, usize)>,
    steps: HashMap<&'a str, (usize, usize)>,
    phases: HashMap<&'a str, usize>,
    /// Steps by the name of the phase that is theirs alone.
    titles: HashMap<&'a str, (usize, usize)>,
    /// Roles and agents that a step is played by.
    voices: IndexSet<&'a str>,
    before: Before,
    is_ordered: bool,
}

impl<'a> Names<'a> {
    fn new(draft: &'a Draft, uses: &[Use], is_ordered: bool) -> Self {
        let steps = || {
            let phases = draft.phases.iter().enumerate();
            phases.flat_map(|(at, phase)| {
                phase.steps.iter().enumerate().map(move |(place, step)| ((at, place), step))
            })
        };
        let stored = steps().flat_map(|(at, step)| step.variables().map(move |name| (name, at)));
        let mut names = Self {
            draft,
            variables: stored.collect(),
            steps: steps().map(|(at, step)| (step.id.as_str(), at)).collect(),
            phases: draft.phases.iter().enumerate().map(|(at, phase)| (phase.id.as_str(), at)).collect(),
            titles: titles(draft),
            voices: steps().filter_map(|(_, step)| step.action.call()?.part.voice()).collect(),
            before: Before::new(draft),
            is_ordered,
        };
        let targets: Vec<_> = uses
            .iter()
            .filter_map(|used| Some((phase_of(used.by)?, names.target(&used.reference)?)))
            .collect();
        names.before.find(&draft.phases, &targets);
        names
    }

    /// The phase that a reference needs to have run.
    fn target(&self, reference: &Reference) -> Option<usize> {
        match reference {
            Reference::Variable(name) if !self.draft.inputs.contains_key(name) => {
                self.variables.get(name.as_str()).map(|(phase, _)| *phase)
            }
            Reference::Step { id, .. } => self.steps.get(id.as_str()).map(|(phase, _)| *phase),
            Reference::Phase { id, .. } => self.phases.get(id.as_str()).copied(),
            Reference::Context(name) => self.context(name).map(|(phase, _)| phase),
            Reference::Variable(_) | Reference::Input(_) | Reference::Run(_) | Reference::LastOutput(_) => {
                None
            }
        }
    }

    fn check(&self, report: &mut Report<'_>, used: &Use) {
        match &used.reference {
            Reference::Run(_) | Reference::LastOutput(None) => {}
            Reference::LastOutput(Some(role)) => self.check_voice(report, used.place, role),
            Reference::Context(name) => match self.context(name) {
                Some(at) => drop(self.check_order(report, used, at)),
                None => self.refuse_context(report, used.place, name),
            },
            Reference::Input(name) | Reference::Variable(name) if self.draft.inputs.contains_key(name) => {
                self.check_secret(report, used, name);
            }
            Reference::Input(name) => {
                let finding = report.error(used.place, format!("the plan has no input `{name}`"));
                finding.meant(name, self.draft.inputs.keys().map(String::as_str));
            }
            Reference::Variable(name) => match self.variables.get(name.as_str()) {
                Some(at) => self.check_variable(report, used, name, *at),
                None => self.refuse_variable(report, used.place, name),
            },
            Reference::Step { id, .. } => match self.steps.get(id.as_str()) {
                Some(at) => {
                    self.check_order(report, used, *at);
                }
                None => self.refuse_step(report, used.place, id),
            },
            Reference::Phase { id, .. } => match self.phases.get(id.as_str()) {
                Some(phase) => self.check_phase(report, used, *phase),
                None => self.refuse_phase(report, used.place, id),
            },
        }
    }

    /// A step by its id or title, or the one that stores a variable.
    fn context(&self, name: &str) -> Option<(usize, usize)> {
        let found = self.steps.get(name).or_else(|| self.titles.get(name));
        found.or_else(|| self.variables.get(name)).copied()
    }

    fn refuse_context(&self, report: &mut Report<'_>, place: Place, name: &str) {
        let titles = self.draft.phases.iter().filter(|phase| phase.steps.len() == 1);
        let titles = titles.map(|phase| phase.name.as_str());
        let ids = self.all_steps().map(|step| step.id.as_str());
        let known: IndexSet<_> = titles.chain(ids).chain(self.all_variables()).collect();
        let finding = report.error(place, format!("no step and no variable is called `{name}`"));
        finding.meant(name, known);
    }

    fn check_voice(&self, report: &mut Report<'_>, place: Place, role: &str) {
        if !self.voices.contains(role) {
            let finding = report.error(place, format!("no step is played by `{role}`"));
            finding.meant(role, self.voices.iter().copied());
        }
    }

    /// What a run knows of a secret is its name; the value is put in where it is handed to a performer.
    fn check_secret(&self, report: &mut Report<'_>, used: &Use, name: &str) {
        if self.draft.inputs[name].kind == InputType::Secret && !used.is_whole {
            let finding =
                report.error(used.place, format!("the secret `{name}` can only be handed on whole"));
            finding.hint(format!(
                "make `\"${{{name}}}\"` the whole value of an argument: the plan never sees what is in it"
            ));
        }
    }

    fn check_variable(&self, report: &mut Report<'_>, used: &Use, name: &str, at: (usize, usize)) {
        if !self.check_order(report, used, at) {
            return;
        }
        let (phase, step) = (self.phase(at.0), self.step(at));
        let why = match () {
            () if phase_of(used.by) == Some(at.0) && self.draft.flow.is_graph() => return,
            () if phase_of(used.by).is_some_and(|by| self.before.may_miss(by, at.0)) => "has not run",
            () if phase.when.is_some() => "may be skipped",
            () if phase.continue_on_failure => "may fail",
            () => return,
        };
        let message = format!("`{name}` has no value when phase `{}` {why}", phase.id);
        let instead = Reference::Step { id: step.id.clone(), field: StepField::Output };
        report.warning(used.place, message).hint(format!("write `{instead}`, which is null then"));
    }

    /// Whether a step has run when it is referred to; reports it otherwise.
    fn check_order(&self, report: &mut Report<'_>, used: &Use, at: (usize, usize)) -> bool {
        let is_before = match used.by {
            _ if !self.is_ordered => true,
            User::Output => true,
            User::Undo(phase) => phase == at.0 || self.before.holds(phase, at.0),
            User::Next(phase) => phase == at.0 || self.before.holds(phase, at.0),
            User::Step(phase, step) if phase == at.0 => {
                follows(&self.phase(phase).steps, step, at.1) || self.before.holds(phase, phase)
            }
            User::When(phase) | User::Step(phase, _) => self.before.holds(phase, at.0),
        };
        if !is_before {
            self.refuse_order(report, used, at.0, &format!("step `{}`", self.step(at).id));
        }
        is_before
    }

    fn check_phase(&self, report: &mut Report<'_>, used: &Use, target: usize) {
        let is_before = !self.is_ordered
            || matches!(used.by, User::Next(phase) if phase == target)
            || phase_of(used.by).is_none_or(|phase| self.before.holds(phase, target));
        if !is_before {
            self.refuse_order(report, used, target, &format!("phase `{}`", self.phase(target).id));
        }
    }

    fn refuse_order(&self, report: &mut Report<'_>, used: &Use, target: usize, what: &str) {
        let Some(by) = phase_of(used.by) else { return };
        let (user, target_id) = (&self.phase(by).id, &self.phase(target).id);
        let finding = report.error(
            used.place,
            format!("`{}` has no value yet: {what} has not run before this", used.reference),
        );
        if !self.draft.flow.is_graph() {
            finding.hint(format!("no way leads from `{target_id}` to `{user}`"));
        } else if by == target {
            finding.hint("refer to what stands before it, or do this in a phase of its own");
        } else if self.before.reaches(&self.draft.phases, target, by) {
            finding.hint(format!(
                "phase `{target_id}` waits for phase `{user}`, so it can never have run before it"
            ));
        } else {
            finding.hint(format!("add `\"{target_id}\"` to `depends_on` of phase `{user}`"));
        }
    }

    fn refuse_variable(&self, report: &mut Report<'_>, place: Place, name: &str) {
        let finding = report.error(place, format!("nothing is called `{name}`"));
        let known = self.draft.inputs.keys().map(String::as_str).chain(self.all_variables());
        if ITEM.contains(&name) {
            finding.hint("it is there in the arguments of a step with `for_each` alone");
        } else if self.steps.contains_key(name) {
            let output = Reference::Step { id: name.to_owned(), field: StepField::Output };
            finding.hint(format!("for what step `{name}` returned, write `{output}`"));
        } else if self.phases.contains_key(name) {
            let success = Reference::Phase { id: name.to_owned(), field: PhaseField::Success };
            finding.hint(format!("for whether phase `{name}` succeeded, write `{success}`"));
        } else if let Some(near) = finding.nearest(name, known) {
            finding.hint(format!("did you mean `{near}`?"));
        } else {
            finding.hint(format!(
                "declare it under `inputs`, or store it with `store_as = \"{name}\"` in an earlier step"
            ));
        }
    }

    fn refuse_step(&self, report: &mut Report<'_>, place: Place, id: &str) {
        let finding = report.error(place, format!("the plan has no step `{id}`"));
        match self.phases.get(id) {
            Some(phase) => {
                let steps = self.phase(*phase).steps.iter().take(8);
                let steps: Vec<_> = steps.map(|step| format!("`steps['{}']`", step.id)).collect();
                finding.hint(format!("phase `{id}` has several steps: {}", steps.join(", ")));
            }
            None => {
                finding.meant(id, self.all_steps().map(|step| step.id.as_str()));
            }
        }
    }

    fn refuse_phase(&self, report: &mut Report<'_>, place: Place, id: &str) {
        let known = self.draft.phases.iter().map(|phase| phase.id.as_str());
        report.error(place, format!("the plan has no phase `{id}`")).meant(id, known);
    }

    /// In the order of the file, which that of the maps is not.
    fn all_steps(&self) -> impl Iterator<Item = &'a Step> {
        self.draft.phases.iter().flat_map(|phase| &phase.steps)
    }

    fn all_variables(&self) -> impl Iterator<Item = &'a str> {
        self.all_steps().flat_map(Step::variables)
    }

    fn phase(&self, at: usize) -> &Phase {
        &self.draft.phases[at]
    }

    fn step(&self, (phase, step): (usize, usize)) -> &Step {
        &self.draft.phases[phase].steps[step]
    }
}

fn phase_of(user: User) -> Option<usize> {
    match user {
        User::When(phase) | User::Step(phase, _) | User::Undo(phase) | User::Next(phase) => Some(phase),
        User::Output => None,
    }
}

fn titles(draft: &Draft) -> HashMap<&str, (usize, usize)> {
    let single = draft.phases.iter().enumerate().filter(|(_, phase)| phase.steps.len() == 1);
    single.map(|(at, phase)| (phase.name.as_str(), (at, 0))).collect()
}

/// Whether a step of a phase starts only after another one of it.
fn follows(steps: &[Step], step: usize, other: usize) -> bool {
    let mut open = vec![step];
    let mut seen = vec![false; steps.len()];
    while let Some(at) = open.pop() {
        for before in &steps[at].after {
            if *before == other {
                return true;
            }
            if !std::mem::replace(&mut seen[*before], true) {
                open.push(*before);
            }
        }
    }
    false
}
