//! The debate as a machine: one phase for each step of it, one step for each participant.

use serde_json::json;

use super::head::{Ending, Without};
use super::participant::{Company, Participant};
use super::rounds::Rounds;
use super::script::{ESCALATE, Entry, Kind, Script};
use super::told;
use crate::check::arguments;
use crate::document::{Node, Place, Table, table_to_json};
use crate::expression::Expression;
use crate::mapping::Mapping;
use crate::plan::{Accept, Action, Call, Draft, Flow, Gate, Part, Phase, Step, Target, Terminal, Transition};
use crate::shape::{Lowering, User};

/// The signal that brings the decision of a person.
const SIGNAL: &str = "decision";

/// Who debates, and how.
pub(super) struct Debate<'d> {
    pub(super) company: &'d Company,
    pub(super) rounds: Rounds,
    pub(super) ending: &'d Ending,
    /// Whether everybody has to answer.
    pub(super) require_all: bool,
}

/// Where the parts of a debate stand among its phases.
struct Layout {
    round: usize,
    consensus: usize,
    closing: usize,
    escalate: usize,
}

impl Debate<'_> {
    /// Writes phases, ways and, unless the plan says it, the output of a debate.
    pub(super) fn perform(&self, ctx: &mut Lowering<'_, '_, '_>, script: &Script<'_>, draft: &mut Draft) {
        let round: &[Entry<'_>] = if self.rounds.max > 1 { &script.round } else { &[] };
        let layout = Layout {
            round: script.opening.len(),
            consensus: script.opening.len() + round.len(),
            closing: script.opening.len() + round.len() + 1,
            escalate: script.opening.len() + round.len() + script.closing.len() + 2,
        };
        let ids = |entries: &[Entry<'_>]| entries.iter().map(|entry| entry.id.clone()).collect::<Vec<_>>();
        let said = [ids(&script.opening), ids(round), ids(&script.closing)];
        let asked = script.opening.iter().chain(round);
        let mut phases: Vec<_> = asked
            .enumerate()
            .map(|(at, entry)| self.ask(ctx, entry, at, &before(&said, &entry.id)))
            .collect();
        phases.push(self.weigh(ctx, &script.consensus, &said));
        for (at, entry) in script.closing.iter().enumerate() {
            phases.push(self.ask(ctx, entry, layout.closing + at, &before(&said, &entry.id)));
        }
        phases.push(self.decide(ctx, &script.decision, &before(&said, &script.decision.id)));
        if let Without::Escalate(timeout) = self.ending.without {
            phases.push(escalate(timeout));
        }
        self.connect(&mut phases, &layout);
        draft.flow = Flow::Machine { initial: 0, max_visits: self.visits(&layout, phases.len()) };
        draft.phases = phases;
        draft.output = draft.output.take().or_else(|| Some(self.output()));
    }

    /// Everybody argues, side by side.
    fn ask(&self, ctx: &mut Lowering<'_, '_, '_>, entry: &Entry<'_>, at: usize, before: &[&str]) -> Phase {
        let args = entry.args.map(|args| own_arguments(ctx, args, User::Step(at, 0)));
        let company = self.company;
        let steps = company.participants.iter().enumerate().map(|(place, participant)| {
            let others = company.participants.iter().filter(|other| other.id != participant.id);
            let others = if entry.kind == Kind::Initial {
                Vec::new()
            } else {
                others.map(|other| told::latest(before, &other.id)).collect()
            };
            let mut told = told::common(&entry.id, &others, company);
            told::own(&mut told, &participant.id, participant.model.as_deref());
            told.extend(args.iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
            if let Some(args) = entry.args {
                check_taken(ctx, &participant.part, args);
            }
            let is_spare = place >= company.participants.len() - company.seats;
            let fallback = if is_spare { Vec::new() } else { fallbacks(company) };
            let id = told::step(&entry.id, &participant.id);
            let call = call(ctx, participant.part.clone(), told, entry.place);
            let step = Step {
                fallback,
                optional: !self.require_all,
                accept: Accept::When(told::is_argument()),
                ..Step::new(id, Action::Call(call))
            };
            wished(ctx, step, entry)
        });
        let steps = steps.collect();
        phase(entry, steps)
    }

    /// The positions of this round are weighed by a rule.
    fn weigh(&self, ctx: &mut Lowering<'_, '_, '_>, entry: &Entry<'_>, said: &[Vec<String>; 3]) -> Phase {
        let [opening, round, _] =
            said.each_ref().map(|ids| ids.iter().map(String::as_str).collect::<Vec<_>>());
        let positions = self.company.participants.iter();
        let positions = positions.map(|one| format!("${{{}}}", told::in_round(&opening, &round, &one.id)));
        let arguments =
            json!({ "positions": positions.collect::<Vec<_>>(), "threshold": self.rounds.threshold });
        let performer = ctx.tool("consensus", entry.place);
        let arguments = parse(ctx, Mapping::parse(arguments).map_err(|error| error.to_string()), entry.place);
        let call = Call { part: Part::Performer(performer), arguments };
        let step =
            Step { accept: Accept::When(told::is_heard()), ..Step::new(&entry.id, Action::Call(call)) };
        phase(entry, vec![wished(ctx, step, entry)])
    }

    /// Somebody writes the decision.
    fn decide(&self, ctx: &mut Lowering<'_, '_, '_>, entry: &Entry<'_>, before: &[&str]) -> Phase {
        let all = self.company.participants.iter();
        let all: Vec<_> = all.map(|one: &Participant| told::latest(before, &one.id)).collect();
        let mut told = told::common(&entry.id, &all, self.company);
        told.insert("consensus".to_owned(), "${steps.consensus.output}".into());
        if let Some((id, model)) = &self.ending.participant {
            told::own(&mut told, id, model.as_deref());
        }
        let (part, fallback) = self.ending.parts.split_first().expect("somebody decides");
        let call = call(ctx, part.clone(), told, entry.place);
        let step = Step { fallback: fallback.to_vec(), ..Step::new(&entry.id, Action::Call(call)) };
        phase(entry, vec![wished(ctx, step, entry)])
    }

    /// Draws the ways from phase to phase.
    fn connect(&self, phases: &mut [Phase], layout: &Layout) {
        let Rounds { min, max, .. } = self.rounds;
        let last = layout.escalate - 1;
        for at in (0..last).filter(|at| *at != layout.consensus) {
            let to = if at + 1 == layout.round { layout.consensus } else { at + 1 };
            phases[at].next = vec![way(to, None)];
            let is_repeated = (layout.round..layout.consensus).contains(&at);
            phases[at].max_visits = Some(if is_repeated { max - 1 } else { 1 });
        }
        phases[last].max_visits = Some(1);
        let enough = if min > 1 { format!(" && phases.consensus.visits >= {min}") } else { String::new() };
        let mut next = vec![way(layout.closing, Some(format!("steps.consensus.output.reached{enough}")))];
        if max > 1 {
            next.push(way(layout.round, Some(format!("phases.consensus.visits < {max}"))));
        }
        let is_escalated = phases.len() > layout.escalate;
        next.push(way(if is_escalated { layout.escalate } else { layout.closing }, None));
        phases[layout.consensus].next = next;
        phases[layout.consensus].max_visits = Some(max);
    }

    /// Visits of all phases together on the longest way.
    fn visits(&self, layout: &Layout, phases: usize) -> u32 {
        let once = phases - (layout.closing - layout.round) + 1;
        let repeated = layout.closing - layout.round;
        u32::try_from(once + repeated * (self.rounds.max as usize - 1)).unwrap_or(u32::MAX)
    }

    fn output(&self) -> Mapping {
        let decision = match self.ending.without {
            Without::Escalate(_) => {
                "${steps.escalate.output != null ? steps.escalate.output : steps.decision.output}"
            }
            Without::Decide => "${steps.decision.output}",
        };
        let output = json!({
            "decision": decision,
            "consensus": "${steps.consensus.output}",
            "rounds": "${phases.consensus.visits}",
        });
        Mapping::parse(output).expect("its references are well-formed")
    }
}

/// Steps of which a participant's last word can be, the latest first, when a step begins.
fn before<'s>([opening, round, closing]: &'s [Vec<String>; 3], id: &str) -> Vec<&'s str> {
    let at = |ids: &[String]| ids.iter().position(|other| other == id);
    let backwards = |ids: &'s [String]| ids.iter().rev().map(String::as_str);
    if let Some(at) = at(opening) {
        return backwards(&opening[..at]).collect();
    }
    if let Some(at) = at(round) {
        // The rest of the round stands from the time before, where there was one.
        let before = backwards(&round[..at]).chain(backwards(&round[at..]));
        return before.chain(backwards(opening)).collect();
    }
    let until = at(closing).unwrap_or(closing.len());
    backwards(&closing[..until]).chain(backwards(round)).chain(backwards(opening)).collect()
}

fn phase(entry: &Entry<'_>, steps: Vec<Step>) -> Phase {
    Phase {
        name: entry.name.unwrap_or(&entry.id).to_owned(),
        description: entry.description.to_owned(),
        ..Phase::new(&entry.id, steps)
    }
}

fn wished(ctx: &mut Lowering<'_, '_, '_>, step: Step, entry: &Entry<'_>) -> Step {
    let step = Step { retry: entry.retry.clone().unwrap_or_default(), timeout: entry.timeout, ..step };
    ctx.cached(step, entry.cache)
}

fn fallbacks(company: &Company) -> Vec<Part> {
    company.fallbacks.iter().map(|other| other.part.clone()).collect()
}

fn call(
    ctx: &mut Lowering<'_, '_, '_>,
    part: Part,
    told: serde_json::Map<String, serde_json::Value>,
    place: Place,
) -> Call {
    let arguments = told::arguments(ctx, &part, told);
    Call { arguments: parse(ctx, arguments, place), part }
}

/// What could not be read is too long: the ids in it are.
fn parse(ctx: &mut Lowering<'_, '_, '_>, read: Result<Mapping, String>, place: Place) -> Mapping {
    read.unwrap_or_else(|error| {
        let finding = ctx.report.error(place, format!("what participants are told cannot be read: {error}"));
        finding.hint("give participants shorter ids, or the debate fewer steps");
        Mapping::empty()
    })
}

/// Arguments that a custom step adds to what participants are told.
fn own_arguments(
    ctx: &mut Lowering<'_, '_, '_>,
    args: &Table,
    by: User,
) -> serde_json::Map<String, serde_json::Value> {
    for (name, entry) in args {
        if told::TOLD.contains(&name.as_str()) {
            let finding = ctx.report.error(entry.key, format!("participants are told `{name}` already"));
            finding.hint("call it something else");
        }
        ctx.mapping(&Node { place: entry.node.place, value: entry.node.value.clone() }, by);
    }
    table_to_json(args).as_object().cloned().unwrap_or_default()
}

/// Reports arguments of a custom step that a participant's operation does not take.
fn check_taken(ctx: &mut Lowering<'_, '_, '_>, part: &Part, args: &Table) {
    let Some(performer) = part.default_performer() else { return };
    let Some(operation) = ctx.catalogue.operation(performer) else { return };
    let Some(known) = arguments::names(&operation.input).known else { return };
    for (name, entry) in args.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
        let finding = ctx.report.error(entry.key, format!("`{performer}` takes no argument `{name}`"));
        finding.meant(name, known.iter().copied());
    }
}

/// A person decides.
fn escalate(timeout: Option<std::time::Duration>) -> Phase {
    let step =
        Step { gate: Some(Gate::Signal(SIGNAL.to_owned())), timeout, ..Step::new(ESCALATE, Action::Pass) };
    let undecided = Terminal {
        name: "undecided".to_owned(),
        is_success: false,
        message: "the participants did not agree, and nobody decided in time".to_owned(),
    };
    let next = vec![Transition { on_success: false, when: None, to: Target::End(undecided) }];
    Phase {
        description: format!("A person decides: the run waits for the signal `{SIGNAL}`."),
        next,
        max_visits: Some(1),
        ..Phase::new(ESCALATE, vec![step])
    }
}

fn way(to: usize, when: Option<String>) -> Transition {
    let when = when.map(|text| Expression::parse(&text).expect("it is an expression"));
    Transition { on_success: true, when, to: Target::Phase(to) }
}
