//! Skills of a call: which are active in it, and what they demand before it is made.

use op_plan::plan::{FailureKind, Flow};
use op_plan::skill::{Carried, Constraint, MAX_TEXT, Pattern, Rule};
use serde_json::{Value, json};

use super::{Draft, act, gate};
use crate::answer::Failure;
use crate::event::{Activation, Fact, Waiting};
use crate::key::Work;
use crate::run::{Run, StepState, Trial};

/// The stable word of a refusal.
const REASON: &str = "skill_constraint";

/// Skills become active in a call; those that are stay so for all of its attempts. Their texts are given as long as there is room.
pub(super) fn activate(draft: &mut Draft, work: Work, arguments: &Value) {
    let Some(player) = draft.run.player_of(work).filter(|player| !player.skills.is_empty()) else { return };
    let trial = draft.run.trial(work);
    let given: usize = trial.map_or(0, |trial| trial.skills.iter().map(|active| active.given).sum());
    let mut room = MAX_TEXT.saturating_sub(given);
    let (step, item) = match work {
        Work::Step(step) => (step, None),
        Work::Item { step, item } => (step, Some(item)),
        Work::Undo { .. } => return,
    };
    let mut facts = Vec::new();
    for of in player.skills.iter().filter(|of| !is_active(trial, of)) {
        let Some(because) = of.because(arguments) else { continue };
        let given = of.text.as_ref().map_or(0, |text| text.len());
        let given = if given <= room { given } else { 0 };
        room -= given;
        let (skill, digest) = (of.skill.clone(), of.digest.clone());
        let step = draft.step_id(step);
        facts.push(Activation { step, item, skill, digest, because, given });
    }
    facts.into_iter().for_each(|of| draft.record(Fact::SkillActivated(of)));
}

fn is_active(trial: Option<&Trial>, of: &Carried) -> bool {
    trial.is_some_and(|trial| trial.skills.iter().any(|active| active.name == of.skill))
}

/// Whether the skills that are active in a call let it be made.
pub(super) fn permit(run: &Run, work: Work, arguments: &Value) -> Result<(), Failure> {
    let Some(player) = run.player_of(work).filter(|player| !player.skills.is_empty()) else { return Ok(()) };
    for of in player.skills.iter().filter(|of| is_active(run.trial(work), of)) {
        for constraint in of.constraints.iter().filter(|of| of.target.matches(&player.performer, arguments)) {
            let objection = constraint.objects(&player.performer, arguments);
            let objection = objection.map(|objection| {
                (objection, "give the call the arguments that the skill demands".to_owned())
            });
            if let Some((objection, hint)) = objection.or_else(|| objects(run, work, constraint)) {
                let message = format!(
                    "the skill `{}` does not let {} be called: {objection}",
                    of.skill, player.performer
                );
                let detail =
                    json!({ "skill": of.skill, "digest": of.digest, "constraint": constraint.to_string() });
                return Err(Failure::new(FailureKind::Refused, REASON, message).hint(hint).detail(detail));
            }
        }
    }
    Ok(())
}

/// What the run itself has against a call, and what to do about it.
fn objects(run: &Run, work: Work, constraint: &Constraint) -> Option<(String, String)> {
    let target = &constraint.target;
    match &constraint.rule {
        Rule::RequireBefore(calls) if !calls.iter().any(|call| run.tally.count(call).succeeded > 0) => {
            let calls = list(calls);
            let hint = format!("let a step before it call {calls}");
            Some((format!("{calls} has not succeeded before it in this run"), hint))
        }
        Rule::RequireAfter(calls) if !is_to_come(run, work, calls) => {
            let calls = list(calls);
            let hint = format!("let a step after it call {calls}");
            Some((format!("no step that is to come calls {calls}"), hint))
        }
        Rule::MaxExecutions(most) if run.tally.count(target).begun >= *most => {
            let objection = format!("`{target}` was called {most} times in this run, as often as allowed");
            Some((objection, "call it less often, or raise `max_executions` of the skill".to_owned()))
        }
        Rule::RequireConfirmation if !work.step().is_some_and(|step| is_approved(run, step)) => {
            let hint = "add `approval = \"...\"` to the step".to_owned();
            Some(("nobody approved it".to_owned(), hint))
        }
        Rule::RequireBefore(_)
        | Rule::RequireAfter(_)
        | Rule::MaxExecutions(_)
        | Rule::RequireConfirmation
        | Rule::RequireArgument(_)
        | Rule::ForbidArgument(_) => None,
    }
}

/// Whether another step that can still begin, or does something now, calls one of these. A machine may come to any step.
fn is_to_come(run: &Run, work: Work, calls: &[Pattern]) -> bool {
    let is_machine = matches!(run.plan.draft().flow, Flow::Machine { .. });
    let can_call = |step: usize| {
        let player = run.player(step);
        player.is_some_and(|player| calls.iter().any(|call| call.may_match(&player.performer)))
    };
    let is_left = |step: usize| {
        let is_open =
            matches!(run.steps[step].state, StepState::Pending | StepState::Waiting | StepState::Running);
        is_machine || is_open && work.step() != Some(step)
    };
    // What follows needs nothing to follow it.
    work.step().is_some_and(can_call)
        || (0..run.plan.step_count()).any(|step| is_left(step) && can_call(step))
}

fn list(calls: &[Pattern]) -> String {
    calls.iter().map(|call| format!("`{call}`")).collect::<Vec<_>>().join(" or ")
}

/// Whether a person let the step go on.
fn is_approved(run: &Run, step: usize) -> bool {
    let gate = run.steps[step].gate.as_ref().filter(|gate| !gate.is_shut());
    gate.is_some_and(|gate| matches!(gate.waits_for, Waiting::Approval { .. }))
}

/// Asks a person about a step where a skill demands it and nobody was asked yet; tells whether it does. Of a list, all items are asked
/// about at once, as far as the arguments of each do not matter.
pub(super) fn asks(draft: &mut Draft, step: usize) -> bool {
    if is_approved(&draft.run, step) || !may_ask(&draft.run, step) {
        return false;
    }
    let work = Work::Step(step);
    let is_list = draft.plan().step(step).for_each.is_some();
    // Arguments that do not resolve fail the step where it acts.
    let arguments = if is_list { Ok(Value::Null) } else { act::resolve(&draft.run, work, &draft.run) };
    let Ok(arguments) = arguments else { return false };
    let Some(skill) = demanding(&draft.run, step, &arguments) else { return false };
    if !is_list {
        activate(draft, work, &arguments);
    }
    let message = format!("The skill `{skill}` asks for a confirmation. Call {}?", draft.run.performer(work));
    let id = draft.step_id(step);
    match gate::about(&draft.run, step, message) {
        Ok(waits_for) => draft.record(Fact::StepWaiting { step: id, waits_for, deadline: None }),
        Err(failure) => draft.record(Fact::StepFailed { step: id, failure, evidence: None }),
    }
    true
}

/// Whether any skill could demand it. It spares resolving arguments.
fn may_ask(run: &Run, step: usize) -> bool {
    let mut constraints =
        run.player(step).into_iter().flat_map(|player| &player.skills).flat_map(|of| &of.constraints);
    constraints.any(|constraint| constraint.rule == Rule::RequireConfirmation)
}

/// The skill that demands that a person approves the call.
fn demanding(run: &Run, step: usize, arguments: &Value) -> Option<String> {
    let player = run.player(step)?;
    let demands = |constraint: &Constraint| {
        constraint.rule == Rule::RequireConfirmation
            && constraint.target.matches(&player.performer, arguments)
    };
    let demanding = |of: &&Carried| of.because(arguments).is_some() && of.constraints.iter().any(demands);
    player.skills.iter().find(demanding).map(|of| of.skill.clone())
}

/// What skills demanded to follow and did not, in one sentence.
pub(super) fn debt(run: &Run) -> Option<String> {
    let owed = run.tally.owed().next()?;
    let (step, skill, calls) = (&run.plan.step(owed.step).id, &owed.skill, list(&owed.calls));
    Some(format!("the skill `{skill}` demands that {calls} succeeds after `{step}`, and it did not"))
}
