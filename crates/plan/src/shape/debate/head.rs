//! What is debated, and how it ends.

use std::time::Duration;

use serde_json::Value as Json;

use super::part::check_told;
use super::participant::{Company, Participant};
use crate::document::{Fields, Node, Place, Value, expect_table};
use crate::input::{Input, InputType};
use crate::plan::{Draft, Part};
use crate::shape::Lowering;

/// How a debate ends.
pub(super) struct Ending {
    /// Who writes the decision, and who takes over.
    pub(super) parts: Vec<Part>,
    /// Its id and model, when a participant does.
    pub(super) participant: Option<(String, Option<String>)>,
    pub(super) without: Without,
}

/// What happens when the rounds are over and nobody agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Without {
    /// It is decided as if they had.
    Decide,
    /// A person decides, who is waited for so long.
    Escalate(Option<Duration>),
}

/// Adds the inputs that every debate has: `question`, and `options` to choose from.
pub(super) fn inputs(ctx: &mut Lowering<'_, '_, '_>, draft: &mut Draft, fields: &mut Fields<'_>) {
    let question = fields.placed("question", ctx.report);
    let default = question.map(|(text, place)| (Json::from(text), place));
    let description = "What is debated.";
    add(ctx, draft, fields, ("question", InputType::String, description), default, true);
    let options = fields.list("options", ctx.report);
    let default = options.map(|nodes| {
        nodes.iter().for_each(|node| check_option(ctx, node));
        let place = fields.entry("options").expect("its list was read").key;
        (Json::Array(nodes.iter().map(Node::to_json).collect()), place)
    });
    let description = "What there is to choose from: a list of { name, pros, cons }.";
    add(ctx, draft, fields, ("options", InputType::List, description), default, false);
}

/// Adds an input, unless the plan declares it; `default` is what a key of the debate says.
fn add(
    ctx: &mut Lowering<'_, '_, '_>,
    draft: &mut Draft,
    fields: &mut Fields<'_>,
    (name, kind, description): (&'static str, InputType, &str),
    default: Option<(Json, Place)>,
    required: bool,
) {
    let declared =
        fields.table("inputs", ctx.report).and_then(|inputs| inputs.get(name)).map(|entry| entry.key);
    let Some(place) = declared else {
        let default = default.map(|(value, _)| value);
        let required = required && default.is_none();
        let input =
            Input { kind, required, default, description: description.to_owned(), choices: Vec::new() };
        let at = if required || name == "question" { 0 } else { draft.inputs.len() };
        draft.inputs.shift_insert(at, name.to_owned(), input);
        return;
    };
    if draft.inputs.get(name).is_some_and(|input| input.kind != kind) {
        let finding =
            ctx.report.error(place, format!("the input `{name}` of a debate must be {}", kind.phrase()));
        finding.hint(format!("write `type = \"{}\"`", kind.word()));
    }
    if let Some((_, other)) = default {
        let finding = ctx.report.error(other, format!("`{name}` is declared as an input too"));
        finding.note(place, "here").hint("give the input a default instead");
    }
}

/// An option is a name, or a table of a name with what speaks for it and against it.
fn check_option(ctx: &mut Lowering<'_, '_, '_>, node: &Node) {
    if let Value::Text(_) = &node.value {
        return;
    }
    let Some(table) = expect_table(node, "an option", ctx.report) else { return };
    let mut fields = Fields::new(table);
    if fields.text("name", ctx.report).is_none() && fields.node("name").is_none() {
        ctx.report.error(node.place, "the option has no name").hint("add `name = \"...\"`");
    }
    fields.texts("pros", ctx.report);
    fields.texts("cons", ctx.report);
    fields.close("an option", ctx.report);
}

/// Reads `decision`, `no_consensus` and `escalate_timeout`.
pub(super) fn ending(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'_>, company: &Company) -> Ending {
    let (parts, participant) = decision(ctx, fields, company);
    let words = [("decide", false), ("escalate", true)];
    let is_escalated = ctx.word(fields, "no_consensus", &words).unwrap_or(false);
    let timeout = fields.limit("escalate_timeout", ctx.report);
    if let (Some(entry), false) = (fields.entry("escalate_timeout"), is_escalated) {
        let finding = ctx
            .report
            .error(entry.key, "`escalate_timeout` says how long a person is waited for, and none is asked");
        finding.hint("add `no_consensus = \"escalate\"`");
    }
    let without = if is_escalated { Without::Escalate(timeout) } else { Without::Decide };
    Ending { parts, participant, without }
}

type Decider = (Vec<Part>, Option<(String, Option<String>)>);

/// Who decides: a participant, a role, or an operation; the first participant when nothing is said.
fn decision(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'_>, company: &Company) -> Decider {
    let named = fields.placed("decision", ctx.report);
    let by = |participant: &Participant| {
        let parts =
            std::iter::once(&participant.part).chain(company.fallbacks.iter().map(|other| &other.part));
        (parts.cloned().collect(), Some((participant.id.clone(), participant.model.clone())))
    };
    let Some((name, place)) = named else {
        return company.participants.first().map_or_else(|| (vec![Part::Open], None), by);
    };
    if let Some(participant) = company.participants.iter().find(|participant| participant.id == name) {
        return by(participant);
    }
    if let Some((agent, operation)) = name.split_once('.') {
        let part = Part::Performer(ctx.agent(agent, place, Some((operation, place))));
        check_told(ctx, &part, false, place);
        return (vec![part], None);
    }
    if ctx.catalogue.role(name).is_some() {
        let part = ctx.role(name, place, None);
        check_told(ctx, &part, false, place);
        return (vec![part], None);
    }
    let known = company.participants.iter().map(|participant| participant.id.as_str());
    let roles = ctx.catalogue.roles.keys().map(String::as_str);
    let finding = ctx.report.error(place, format!("no participant and no role is called `{name}`"));
    finding.meant(name, known.chain(roles));
    (vec![Part::Open], None)
}
