//! What a participant is told, and what is read from its answers.

use serde_json::{Map, Value as Json, json};

use super::participant::{Company, Participant};
use crate::check::arguments;
use crate::expression::Expression;
use crate::mapping::Mapping;
use crate::plan::Part;
use crate::shape::Lowering;

/// Everything that somebody is told in some step, by the debate or by the cast.
pub(super) const TOLD: [&str; 10] = [
    "question",
    "options",
    "participant",
    "kind",
    "others",
    "model",
    "fallbacks",
    "consensus",
    "role",
    "task",
];

/// Which answers are arguments. What does not hold here could not be weighed.
const IS_ARGUMENT: &str = "type(output) == type({}) && has(output.position) && type(output.position) == type('') \
    && has(output.confidence) && type(output.confidence) in [type(1), type(1.0)] \
    && double(output.confidence) >= 0.0 && double(output.confidence) <= 1.0 \
    && (!has(output.agrees_with) || type(output.agrees_with) == type([]) && output.agrees_with.all(one, type(one) == type('')))";

/// The condition under which an answer is an argument.
pub(super) fn is_argument() -> Expression {
    Expression::parse(IS_ARGUMENT).expect("it is an expression")
}

/// The condition under which positions were weighed at all: a round in which nobody answers fails the debate.
pub(super) fn is_heard() -> Expression {
    Expression::parse("output.participants.size() > 0").expect("it is an expression")
}

/// The id of the step in which a participant argues.
pub(super) fn step(phase: &str, participant: &str) -> String {
    format!("{phase}.{participant}")
}

/// The position that a participant took last: of these phases, the latest first. It is null when there is none.
pub(super) fn latest(phases: &[&str], participant: &str) -> String {
    let outputs = phases.iter().map(|phase| format!("steps['{}'].output", step(phase, participant)));
    let outputs = outputs.collect::<Vec<_>>().join(", ");
    // An answer that was rejected stays readable, and may be anything.
    let is_argument = "type(said) == type({}) && has(said.position)";
    let told = format!(
        "{{'participant': '{participant}', 'position': said.position, \
         'confidence': has(said.confidence) ? said.confidence : null, \
         'agrees_with': has(said.agrees_with) ? said.agrees_with : [], \
         'argument': has(said.argument) ? said.argument : null}}"
    );
    format!("([{outputs}].filter(said, {is_argument}).map(said, {told}) + [null])[0]")
}

/// The position of a participant in this round, for the rule that weighs it: of the first round, or of the one that repeats.
pub(super) fn in_round(opening: &[&str], round: &[&str], participant: &str) -> String {
    let of = |phases: &[&str]| {
        let said = phases.iter().rev().map(|phase| {
            let step = step(phase, participant);
            format!("[steps['{step}'].status, steps['{step}'].output]")
        });
        format!("[{}]", said.collect::<Vec<_>>().join(", "))
    };
    let said = match round.first() {
        Some(first) => format!("(phases['{first}'].visits > 0 ? {} : {})", of(round), of(opening)),
        None => of(opening),
    };
    let weighed = format!(
        "{{'participant': '{participant}', 'position': said[1].position, 'confidence': said[1].confidence, \
         'agrees_with': has(said[1].agrees_with) ? said[1].agrees_with : []}}"
    );
    format!("({said}.filter(said, said[0] == 'succeeded').map(said, {weighed}) + [null])[0]")
}

/// What everybody is told.
pub(super) fn common(kind: &str, others: &[String], company: &Company) -> Map<String, Json> {
    let others: Vec<_> = others.iter().map(|other| format!("${{{other}}}")).collect();
    let mut told = Map::new();
    told.insert("question".to_owned(), "${question}".into());
    told.insert("options".to_owned(), "${options}".into());
    told.insert("kind".to_owned(), kind.into());
    told.insert("others".to_owned(), others.into());
    if !company.fallbacks.is_empty() {
        let fallbacks =
            company.fallbacks.iter().map(|one| json!({ "participant": one.id, "model": plain(one) }));
        told.insert("fallbacks".to_owned(), fallbacks.collect());
    }
    told
}

/// What a participant is told of itself.
pub(super) fn own(told: &mut Map<String, Json>, id: &str, model: Option<&str>) {
    told.insert("participant".to_owned(), id.into());
    told.extend(model.map(|model| ("model".to_owned(), Mapping::literal(model.into()).source().clone())));
}

fn plain(participant: &Participant) -> Json {
    Mapping::literal(participant.model.as_deref().into()).source().clone()
}

/// Arguments, without those that the operation does not take.
pub(super) fn arguments(
    ctx: &Lowering<'_, '_, '_>,
    part: &Part,
    mut told: Map<String, Json>,
) -> Result<Mapping, String> {
    let operation = part.default_performer().and_then(|performer| ctx.catalogue.operation(performer));
    if let Some(known) = operation.and_then(|operation| arguments::names(&operation.input).known) {
        told.retain(|name, _| known.contains(&name.as_str()));
    }
    Mapping::parse(Json::Object(told)).map_err(|error| error.to_string())
}
