//! What skills add to a call where it leaves the engine, and what they hold against a call that no run makes. Within a run, the
//! run decides which are active and whether they let a call be made, so that both stand in its journal.

use std::sync::Arc;

use op_plan::Performer;
use op_plan::plan::FailureKind;
use op_plan::skill::{ARGUMENT, MAX_TEXT, Skill};
use op_run::command::Lesson;
use op_run::{Answer, Evidence, Failure};
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

/// Skills that a call outside of a run is given, unless one of those that are active in it forbids its arguments. Constraints that
/// count calls, or ask a person, are about runs.
pub(crate) fn outside(
    engine: &Engine,
    performer: &Performer,
    arguments: &Value,
) -> Result<Vec<Lesson>, Box<Answer>> {
    let library = engine.library();
    let mut active = Vec::new();
    for skill in library.skills.by_priority() {
        let Some(because) = skill.because(performer, arguments) else { continue };
        tracing::info!(skill = skill.name, digest = skill.digest, %performer, %because, "a skill is active");
        if let Some(refused) = refused(skill, performer, arguments) {
            return Err(Box::new(refused));
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

fn refused(skill: &Skill, performer: &Performer, arguments: &Value) -> Option<Answer> {
    let objecting = skill
        .constraints
        .iter()
        .find_map(|constraint| Some((constraint, constraint.objects(performer, arguments)?)));
    let (constraint, objection) = objecting?;
    let message = format!("the skill `{}` does not let {performer} be called: {objection}", skill.name);
    let detail = json!({ "skill": skill.name, "digest": skill.digest, "constraint": constraint.to_string() });
    let failure = Failure::new(FailureKind::Refused, "skill_constraint", message)
        .hint(format!(
            "give the call the arguments that the skill demands; `op-dbus skills show {}` tells them",
            skill.name
        ))
        .detail(detail);
    Some(Answer::Failed { failure, evidence: Evidence { peer: "hub".to_owned(), ..Evidence::default() } })
}
