//! Who plays a participant: the agent or role that it names, and whether that one can be told what is debated.

use crate::cast::GENERAL;
use crate::catalogue::Performer;
use crate::check::arguments;
use crate::document::Place;
use crate::plan::Part;
use crate::shape::Lowering;

/// What everybody is told in every step, by the debate or by the cast.
const ALWAYS_TOLD: [&str; 7] = ["question", "options", "participant", "kind", "others", "role", "task"];

type Placed<'a> = Option<(&'a str, Place)>;

/// The part under the name of the participant, so that a cast can say otherwise.
pub(super) fn part(
    ctx: &mut Lowering<'_, '_, '_>,
    id: &str,
    place: Place,
    role: Placed<'_>,
    agent: Placed<'_>,
    operation: Placed<'_>,
) -> Part {
    let name = role.map_or(GENERAL, |(role, _)| role);
    let default = match agent {
        Some(agent) => Some(performer(ctx, agent, operation)),
        None if ctx.catalogue.role(name).is_some() => {
            ctx.role(name, place, operation).default_performer().cloned()
        }
        None => None,
    };
    match operation {
        Some((_, at)) if default.is_none() => refuse_operation(ctx, role, at),
        None if default.is_none() => warn_vacant(ctx, id, name, place),
        Some(_) | None => {}
    }
    let plays = role.map(|(role, _)| role.strip_prefix("role_").unwrap_or(role));
    let plays = plays.filter(|plays| *plays != id).map(str::to_owned);
    Part::Role { name: id.to_owned(), plays, default }
}

/// An operation is one of an agent, and nothing says of which.
fn refuse_operation(ctx: &mut Lowering<'_, '_, '_>, role: Placed<'_>, place: Place) {
    let Some((role, _)) = role else {
        let finding =
            ctx.report.error(place, "the participant names an operation and neither `agent` nor `role`");
        finding.hint("add `agent = \"...\"`, or take the operation out");
        return;
    };
    let known = ctx.catalogue.roles.keys().map(String::as_str);
    let message = format!("nothing says whose operation this is: no role `{role}` is declared");
    let finding = ctx.report.error(place, message);
    let hint = match finding.nearest(role, known) {
        Some(near) => format!("did you mean the role `{near}`?"),
        None => format!("add `agent = \"...\"`, or declare `[roles.{role}]`"),
    };
    finding.hint(hint);
}

/// An operation of an agent, named in one or in two words.
fn performer(
    ctx: &mut Lowering<'_, '_, '_>,
    (agent, place): (&str, Place),
    operation: Placed<'_>,
) -> Performer {
    let Some((agent, own)) = agent.split_once('.') else { return ctx.agent(agent, place, operation) };
    if let Some((_, place)) = operation {
        let finding = ctx.report.error(place, "the participant names two operations");
        finding.hint("take one of them out");
    }
    ctx.agent(agent, place, Some((own, place)))
}

/// The plan is sound without somebody who plays the part: a cast can say who.
fn warn_vacant(ctx: &mut Lowering<'_, '_, '_>, id: &str, role: &str, place: Place) {
    let known = ctx.catalogue.roles.keys().map(String::as_str);
    let finding = ctx.report.warning(place, format!("nobody plays `{id}` unless the cast of a run says who"));
    let hint = match finding.nearest(role, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("declare `[roles.{role}]`, or add `agent = \"agent.operation\"`"),
    };
    finding.hint(hint);
}

/// Says that a model is asked for in vain; a cast may still name somebody whose role has one.
pub(super) fn warn_untold(ctx: &mut Lowering<'_, '_, '_>, part: &Part, place: Place) {
    let Some(performer) = part.default_performer() else { return };
    let Some(operation) = ctx.catalogue.operation(performer) else { return };
    if arguments::names(&operation.input).known.is_some_and(|known| !known.contains(&"model")) {
        let message = format!("`{performer}` takes no argument `model`, so this one is not told to it");
        let finding = ctx.report.warning(place, message);
        finding.hint("take it out, or name an operation that takes `model`");
    }
}

/// Reports an operation that could not be told what is debated, or wants to be told what no debate knows.
pub(super) fn check_told(ctx: &mut Lowering<'_, '_, '_>, part: &Part, has_model: bool, place: Place) {
    let Some(performer) = part.default_performer() else { return };
    let Some(operation) = ctx.catalogue.operation(performer) else { return };
    let takes = arguments::names(&operation.input);
    if takes.known.is_some_and(|known| !known.contains(&"question")) {
        let finding = ctx.report.error(place, format!("`{performer}` cannot take part in a debate"));
        finding.hint("it takes no argument `question`: name another operation");
        return;
    }
    let is_told = |name: &str| ALWAYS_TOLD.contains(&name) || has_model && name == "model";
    if let Some(name) = takes.required.into_iter().find(|name| !is_told(name)) {
        let message = format!("`{performer}` needs the argument `{name}`, which it would not be told");
        let finding = ctx.report.error(place, message);
        finding.hint(format!("everybody is told {}", ALWAYS_TOLD.join(", ")));
    }
}
