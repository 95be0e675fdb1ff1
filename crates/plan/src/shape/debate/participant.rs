//! `participants` and `seats`: who takes part, who may join, and who takes over.

use std::collections::HashMap;

use super::part::{check_told, part, warn_untold};
use crate::document::{Fields, Node, Place, expect_table};
use crate::plan::Part;
use crate::shape::Lowering;

/// Most participants and seats together: each is told what every other one said.
const MAX_VOICES: usize = 12;

/// Somebody who takes part.
pub(super) struct Participant {
    /// What it is called in ids and by the others.
    pub(super) id: String,
    /// Who plays it.
    pub(super) part: Part,
    /// The model that it wants.
    pub(super) model: Option<String>,
    place: Place,
}

/// Everybody who takes part.
#[derive(Default)]
pub(super) struct Company {
    /// Those that argue; spare seats stand last.
    pub(super) participants: Vec<Participant>,
    /// Those that take over from the others.
    pub(super) fallbacks: Vec<Participant>,
    /// How many of the participants are spare seats.
    pub(super) seats: usize,
}

/// Reads who takes part.
pub(super) fn read(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'_>, id: &str, key: Place) -> Company {
    let is_said = fields.node("participants").is_some();
    let nodes = fields.list("participants", ctx.report);
    let place = fields.entry("participants").map_or(key, |entry| entry.key);
    let mut company = Company::default();
    for node in nodes.unwrap_or_default() {
        let Some((participant, is_fallback)) = participant(ctx, node) else { continue };
        let group = if is_fallback { &mut company.fallbacks } else { &mut company.participants };
        group.push(participant);
    }
    let written = nodes.unwrap_or_default().len();
    if !is_said || nodes.is_some() && written == company.participants.len() + company.fallbacks.len() {
        check_number(ctx, &company, id, place);
    }
    company.seats = fields.count("seats", 0, 8, ctx.report).unwrap_or(0) as usize;
    let seats = (1..=company.seats).map(|at| {
        let id = format!("seat_{at}");
        let part = Part::Role { name: id.clone(), plays: None, default: None };
        Participant { id, part, model: None, place }
    });
    company.participants.extend(seats);
    if company.participants.len() + company.fallbacks.len() > MAX_VOICES {
        ctx.report.error(place, format!("a debate has at most {MAX_VOICES} participants, seats among them"));
        company.participants.truncate(MAX_VOICES);
    }
    check_names(ctx, &company);
    company
}

fn check_number(ctx: &mut Lowering<'_, '_, '_>, company: &Company, id: &str, place: Place) {
    if company.participants.len() < 2 {
        let message = match company.participants.len() {
            0 => format!("debate `{id}` has no participants"),
            _ => format!("debate `{id}` has one participant, who has nobody to argue with"),
        };
        let finding = ctx.report.error(place, message);
        finding.hint("write `participants = [{ role = \"proposer\" }, { role = \"opponent\" }]`; fallbacks do not count");
    }
}

fn check_names(ctx: &mut Lowering<'_, '_, '_>, company: &Company) {
    let mut seen = HashMap::new();
    for participant in company.participants.iter().chain(&company.fallbacks) {
        if let Some(other) = seen.insert(participant.id.as_str(), participant.place) {
            let message = format!("two participants are called `{}`", participant.id);
            let finding = ctx.report.error(participant.place, message);
            finding.note(other, "the other one").hint("give one of them an `id` of its own");
        }
    }
}

/// Reads `{ id, role, agent, operation, model, fallback }`, and whether it is a fallback.
fn participant(ctx: &mut Lowering<'_, '_, '_>, node: &Node) -> Option<(Participant, bool)> {
    let mut fields = Fields::new(expect_table(node, "a participant", ctx.report)?);
    let id = fields.placed("id", ctx.report);
    let role = fields.placed("role", ctx.report);
    let agent = fields.placed("agent", ctx.report);
    let operation = fields.placed("operation", ctx.report);
    let wish = fields.placed("model", ctx.report);
    let model = wish.map(|(model, _)| model);
    let is_fallback = fields.flag("fallback", ctx.report).unwrap_or(false);
    fields.close("a participant", ctx.report);
    if let Some((id, place)) = id {
        ctx.check_id(id, place);
    }
    let name = role.map(|(role, _)| role.strip_prefix("role_").unwrap_or(role));
    let name = name.or(model).or(agent.map(|(agent, _)| agent.split('.').next().unwrap_or(agent)));
    let id = id.map(|(id, _)| id.to_owned()).or_else(|| name.map(plain));
    let Some(id) = id.filter(|_| name.is_some()) else {
        let finding =
            ctx.report.error(node.place, "the participant says neither `role`, `agent` nor `model`");
        finding.hint("write it like `{ role = \"proposer\", model = \"...\" }`");
        return None;
    };
    let place = role.or(agent).map_or(node.place, |(_, place)| place);
    let part = part(ctx, &id, place, role, agent, operation);
    check_told(ctx, &part, model.is_some(), place);
    if let (Some((_, place)), false) = (wish, is_fallback) {
        warn_untold(ctx, &part, place);
    }
    Some((Participant { id, part, model: model.map(str::to_owned), place }, is_fallback))
}

/// A name as an id.
pub(super) fn plain(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    name.trim().chars().take(60).map(|c| if is_plain(c) { c } else { '_' }).collect()
}
