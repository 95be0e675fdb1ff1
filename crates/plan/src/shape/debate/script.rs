//! `steps`: what happens in a debate, in which order.

use std::collections::HashMap;
use std::time::Duration;

use super::participant::plain;
use crate::document::{Fields, Node, Place, Table, expect_table};
use crate::plan::Retry;
use crate::shape::Lowering;
use crate::shape::cache::Cached;

/// Most steps of a debate: the last word of a participant is looked for in each of them, in one expression.
const MAX_STEPS: usize = 8;

/// The step in which a person decides.
pub(super) const ESCALATE: &str = "escalate";

/// What happens in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Everybody argues without hearing the others.
    Initial,
    /// Everybody answers the others; a new round.
    Counter,
    /// Everybody says more clearly what was meant.
    Clarification,
    /// Everybody does what the step says.
    Custom,
    /// The positions are weighed.
    Consensus,
    /// The decision is written.
    Decision,
}

/// The words for kinds of steps.
const KINDS: [(&str, Kind); 6] = [
    ("initial_arguments", Kind::Initial),
    ("counter_arguments", Kind::Counter),
    ("clarification", Kind::Clarification),
    ("custom", Kind::Custom),
    ("consensus_check", Kind::Consensus),
    ("final_decision", Kind::Decision),
];

/// A step as it is written.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    pub(super) kind: Kind,
    pub(super) place: Place,
    /// Its id, and what participants are told that it is.
    pub(super) id: String,
    pub(super) name: Option<&'a str>,
    pub(super) description: &'a str,
    pub(super) args: Option<&'a Table>,
    pub(super) cache: Option<Cached>,
    pub(super) retry: Option<Retry>,
    pub(super) timeout: Option<Duration>,
}

/// The steps of a debate by what they belong to.
pub(super) struct Script<'a> {
    /// The first round.
    pub(super) opening: Vec<Entry<'a>>,
    /// Every further round.
    pub(super) round: Vec<Entry<'a>>,
    pub(super) consensus: Entry<'a>,
    /// What comes between the last check and the decision.
    pub(super) closing: Vec<Entry<'a>>,
    pub(super) decision: Entry<'a>,
    /// Whether the plan says which steps there are.
    pub(super) is_written: bool,
}

/// Reads the steps; the usual four when there are none. `None` when they are wrong, which was reported.
pub(super) fn read<'a>(
    ctx: &mut Lowering<'_, '_, '_>,
    fields: &mut Fields<'a>,
    key: Place,
) -> Option<Script<'a>> {
    if fields.node("steps").is_none() {
        let usual = [Kind::Initial, Kind::Counter, Kind::Consensus, Kind::Decision];
        return sort(ctx, usual.into_iter().map(|kind| entry(kind, key)).collect(), key, false);
    }
    let nodes = fields.list("steps", ctx.report)?;
    let place = fields.entry("steps").expect("its list was read").key;
    let before = ctx.report.errors();
    if nodes.len() > MAX_STEPS {
        ctx.report.error(place, format!("a debate has at most {MAX_STEPS} steps"));
        return None;
    }
    let entries = nodes.iter().filter_map(|node| step(ctx, node)).collect();
    let entries = number(ctx, entries);
    let is_sound = ctx.report.errors() == before;
    is_sound.then(|| sort(ctx, entries, place, true)).flatten()
}

/// A step that says nothing but what it is.
fn entry<'a>(kind: Kind, place: Place) -> Entry<'a> {
    let id = match kind {
        Kind::Initial => "initial",
        Kind::Counter => "counter",
        Kind::Clarification => "clarification",
        Kind::Custom => "custom",
        Kind::Consensus => "consensus",
        Kind::Decision => "decision",
    };
    let id = id.to_owned();
    Entry {
        kind,
        place,
        id,
        name: None,
        description: "",
        args: None,
        cache: None,
        retry: None,
        timeout: None,
    }
}

fn step<'a>(ctx: &mut Lowering<'_, '_, '_>, node: &'a Node) -> Option<Entry<'a>> {
    let mut fields = Fields::new(expect_table(node, "a step", ctx.report)?);
    let kind = ctx.word(&mut fields, "type", &KINDS);
    if fields.node("type").is_none() {
        let finding = ctx.report.error(node.place, "the step has no type");
        finding.hint(format!("there is {}", KINDS.map(|(word, _)| format!("`{word}`")).join(", ")));
    }
    let place = fields.node("type").map_or(node.place, |node| node.place);
    let name = fields.placed("name", ctx.report);
    let args = fields.table("args", ctx.report);
    if let (Some(kind), Some(entry)) = (kind, fields.entry("args"))
        && kind != Kind::Custom
    {
        let finding = ctx.report.error(entry.key, "only a custom step has arguments of its own");
        finding.hint("write `type = \"custom\"`");
    }
    if kind == Some(Kind::Custom) && fields.node("name").is_none() {
        ctx.report
            .error(place, "the custom step has no name")
            .hint("add `name = \"...\"`: participants are told it");
    }
    let read = Entry {
        name: name.map(|(name, _)| name),
        description: fields.text("description", ctx.report).unwrap_or_default(),
        args,
        cache: ctx.cache(&mut fields),
        retry: ctx.retry(&mut fields),
        timeout: fields.limit("timeout", ctx.report),
        ..entry(kind.unwrap_or(Kind::Custom), place)
    };
    fields.close("a step", ctx.report);
    kind.map(|_| read)
}

/// Gives custom steps the id that their name makes, and counts those of one kind.
fn number<'a>(ctx: &mut Lowering<'_, '_, '_>, mut entries: Vec<Entry<'a>>) -> Vec<Entry<'a>> {
    let mut times: HashMap<String, u32> = HashMap::new();
    let mut places = HashMap::new();
    for entry in &mut entries {
        if let (Kind::Custom, Some(name)) = (entry.kind, entry.name) {
            entry.id = plain(&name.to_lowercase());
        }
        let time = times.entry(entry.id.clone()).and_modify(|time| *time += 1).or_insert(1);
        if *time > 1 && matches!(entry.kind, Kind::Counter | Kind::Clarification) {
            entry.id = format!("{}_{time}", entry.id);
        }
        let is_custom = entry.kind == Kind::Custom;
        if is_custom && entry.id == ESCALATE {
            let finding =
                ctx.report.error(entry.place, format!("`{ESCALATE}` is the step in which a person decides"));
            finding.hint("give the custom step another name");
        }
        if let Some((other, was_custom)) = places.insert(entry.id.clone(), (entry.place, is_custom))
            && (is_custom || was_custom)
        {
            let message = format!("two steps of the debate are called `{}`", entry.id);
            ctx.report
                .error(entry.place, message)
                .note(other, "the other one")
                .hint("give the custom one another name");
        }
    }
    entries
}

/// Sorts steps by what they belong to.
fn sort<'a>(
    ctx: &mut Lowering<'_, '_, '_>,
    entries: Vec<Entry<'a>>,
    place: Place,
    is_written: bool,
) -> Option<Script<'a>> {
    let before = ctx.report.errors();
    check_order(ctx, &entries, place);
    if ctx.report.errors() > before {
        return None;
    }
    let (mut opening, mut round, mut closing) = (Vec::new(), Vec::new(), Vec::new());
    let (mut consensus, mut decision) = (None, None);
    for entry in entries {
        match entry.kind {
            Kind::Consensus => consensus = Some(entry),
            Kind::Decision => decision = Some(entry),
            _ if consensus.is_some() => closing.push(entry),
            Kind::Counter => round.push(entry),
            _ if !round.is_empty() => round.push(entry),
            Kind::Initial | Kind::Clarification | Kind::Custom => opening.push(entry),
        }
    }
    Some(Script { opening, round, consensus: consensus?, closing, decision: decision?, is_written })
}

fn check_order(ctx: &mut Lowering<'_, '_, '_>, entries: &[Entry<'_>], place: Place) {
    for (word, kind) in [KINDS[0], KINDS[4], KINDS[5]] {
        check_once(ctx, entries, word, kind, place);
    }
    let at = |kind| entries.iter().position(|entry| entry.kind == kind);
    let (initial, consensus) = (at(Kind::Initial), at(Kind::Consensus));
    for (at, entry) in entries.iter().enumerate() {
        let is_last = at + 1 == entries.len();
        let wrong = match entry.kind {
            Kind::Decision if !is_last => "nothing comes after the final decision",
            Kind::Counter if consensus.is_some_and(|consensus| consensus < at) => {
                "counter arguments after the consensus check would not be weighed"
            }
            Kind::Initial if at > 0 => "initial arguments come first: after anything else they are not blind",
            Kind::Consensus if initial.is_none_or(|initial| at < initial) => {
                "consensus is checked before anybody argued"
            }
            _ => continue,
        };
        ctx.report.error(entry.place, wrong).hint("move the step");
    }
}

/// Reports a kind of step that is missing or stands twice.
fn check_once(ctx: &mut Lowering<'_, '_, '_>, entries: &[Entry<'_>], word: &str, kind: Kind, place: Place) {
    let mut found = entries.iter().filter(|entry| entry.kind == kind);
    match (found.next(), found.next()) {
        (None, _) => {
            let finding = ctx.report.error(place, format!("the debate has no step `{word}`"));
            let usual = [KINDS[0], KINDS[1], KINDS[4], KINDS[5]].map(|(word, _)| format!("`{word}`"));
            finding.hint(format!("the usual steps are {}", usual.join(", ")));
        }
        (Some(first), Some(second)) => {
            let finding = ctx.report.error(second.place, format!("`{word}` stands twice"));
            finding
                .note(first.place, "the other one")
                .hint("rounds repeat by themselves what stands in them");
        }
        (Some(_), None) => {}
    }
}
