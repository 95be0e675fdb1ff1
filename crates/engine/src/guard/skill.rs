//! What skills add to a call where it leaves the engine, and what they hold against a call that no run makes. Within a run, the
//! run decides which are active and whether they let a call be made, so that both stand in its journal.

use std::sync::Arc;

use op_plan::Performer;
use op_plan::plan::FailureKind;
use op_plan::skill::{ARGUMENT, Constraint, MAX_TEXT, Skill};
use op_run::Failure;
use op_run::command::Lesson;
use serde_json::{Value, json};

use crate::handle::Engine;

/// The arguments with these skills in them, as `[{ "name": .., "text": .. }]`. What a plan gives itself stays.
pub(crate) fn teach(arguments: &Arc<Value>, lessons: &[Lesson]) -> Arc<Value> {
    let Value::Object(given) = &**arguments else { return Arc::clone(arguments) };
    if lessons.is_empty() || given.contains_key(ARGUMENT) {
        return Arc::clone(arguments);
    }
    let mut taught = given.clone();
    let lessons = lessons.iter().map(|lesson| json!({ "name": lesson.name, "text": &*lesson.text }));
    taught.insert(ARGUMENT.to_owned(), lessons.collect());
    Arc::new(Value::Object(taught))
}

/// Why a skill that is active in a call does not let it be made, in one sentence.
pub(crate) type Objects = fn(&Constraint, &Performer, &Value) -> Option<String>;

/// What skills hold against a call that a person makes: its arguments alone. Constraints that count calls, or ask a person, are
/// about runs.
pub(crate) const OF_CLIENTS: Objects = Constraint::objects;

/// What skills hold against a call that an agent asks for: what they demand of a run cannot be held of it, and it must not be the
/// way around.
pub(crate) const OF_AGENTS: Objects = |constraint, performer, arguments| {
    let is_meant = constraint.is_about_runs() && constraint.target.matches(performer, arguments);
    let objection =
        || format!("`{constraint}` is held of the steps of a plan alone; let a step of the plan call it");
    constraint.objects(performer, arguments).or_else(|| is_meant.then(objection))
};

/// Skills that a call is given which no step makes, unless one of those that are active in it objects.
pub(crate) fn outside(
    engine: &Engine,
    performer: &Performer,
    arguments: &Value,
    objects: Objects,
) -> Result<Vec<Lesson>, Failure> {
    let library = engine.library();
    let mut active = Vec::new();
    for skill in library.skills.by_priority() {
        let Some(because) = skill.because(performer, arguments) else { continue };
        tracing::info!(skill = skill.name, digest = skill.digest, %performer, %because, "a skill is active");
        if let Some(refused) = refused(skill, performer, arguments, objects) {
            return Err(refused);
        }
        active.push(skill);
    }
    // To look up what an operation takes costs more than all else.
    if active.is_empty() || !takes_text(engine, performer) {
        return Ok(Vec::new());
    }
    let mut room = MAX_TEXT;
    active.retain(|skill| {
        let has_room = skill.body.len() <= room;
        room -= if has_room { skill.body.len() } else { 0 };
        has_room
    });
    let lesson = |skill: &Arc<Skill>| Lesson { name: skill.name.clone(), text: skill.body.as_str().into() };
    Ok(active.into_iter().map(lesson).collect())
}

fn takes_text(engine: &Engine, performer: &Performer) -> bool {
    let catalogue = engine.catalogue();
    let operation = catalogue.operation(performer);
    operation.is_some_and(|operation| operation.input["properties"].get(ARGUMENT).is_some())
}

fn refused(skill: &Skill, performer: &Performer, arguments: &Value, objects: Objects) -> Option<Failure> {
    let objecting = skill
        .constraints
        .iter()
        .find_map(|constraint| Some((constraint, objects(constraint, performer, arguments)?)));
    let (constraint, objection) = objecting?;
    let message = format!("the skill `{}` does not let {performer} be called: {objection}", skill.name);
    let detail = json!({ "skill": skill.name, "digest": skill.digest, "constraint": constraint.to_string() });
    let failure = Failure::new(FailureKind::Refused, "skill_constraint", message)
        .hint(format!(
            "give the call the arguments that the skill demands; `op-dbus skills show {}` tells them",
            skill.name
        ))
        .detail(detail);
    Some(failure)
}
