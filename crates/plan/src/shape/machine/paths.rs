//! Whether every step can be reached, and an end from every step.

use std::collections::{HashSet, VecDeque};

use super::step::Written;
use super::{steps, way};
use crate::diagnostic::Report;
use crate::document::Place;
use crate::plan::{Draft, Flow, Phase, Target};

/// Most names of a loop that are written out.
const MAX_NAMES: usize = 20;

/// Reports steps and ends that no way leads to, loops without a way out, and a limit of visits that no run could keep. All
/// targets exist. `limit` is where the limit stands.
pub(super) fn check(report: &mut Report<'_>, draft: &Draft, written: &[Written<'_>], limit: Place) {
    let Flow::Machine { initial, max_visits } = draft.flow else { return };
    let places: Vec<_> = steps(written).map(|step| step.head.place).collect();
    let visits = visits(&draft.phases, initial);
    for (at, _) in visits.iter().enumerate().filter(|(_, visits)| visits.is_none()) {
        let (id, from) = (&draft.phases[at].id, &draft.phases[initial].id);
        let finding = report.error(places[at], format!("no way leads from `{from}` to step `{id}`"));
        finding.hint("name it in `on_success` or `on_failure` of a step, or take it out");
    }
    check_ends(report, written, &visits);
    check_loops(report, &draft.phases, &places);
    let ends = draft.phases.iter().zip(&visits).filter(|(phase, _)| is_last(phase));
    let shortest = ends.filter_map(|(_, visits)| *visits).min();
    if let Some(shortest) = shortest.filter(|shortest| *shortest > max_visits as usize) {
        let message =
            format!("the shortest way to an end visits {shortest} steps, and a run may visit {max_visits}");
        report.error(limit, message).hint(format!("set `max_visits = {shortest}`, and more for loops"));
    }
}

/// How many visits it takes at least to come to each step, its own included.
fn visits(phases: &[Phase], initial: usize) -> Vec<Option<usize>> {
    let mut visits = vec![None; phases.len()];
    visits[initial] = Some(1);
    let mut open = VecDeque::from([(initial, 1)]);
    while let Some((at, count)) = open.pop_front() {
        for next in nexts(&phases[at]) {
            if visits[next].is_none() {
                visits[next] = Some(count + 1);
                open.push_back((next, count + 1));
            }
        }
    }
    visits
}

fn nexts(phase: &Phase) -> impl Iterator<Item = usize> {
    phase.next.iter().filter_map(|way| match way.to {
        Target::Phase(phase) => Some(phase),
        Target::End(_) => None,
    })
}

/// Whether a way leads from a phase to an end.
fn is_last(phase: &Phase) -> bool {
    phase.next.iter().any(|way| matches!(way.to, Target::End(_)))
}

fn check_ends(report: &mut Report<'_>, written: &[Written<'_>], visits: &[Option<usize>]) {
    let reached = steps(written).zip(visits).filter(|(_, visits)| visits.is_some());
    let ways = reached.flat_map(|(step, _)| step.on_success.iter().chain(&step.on_failure).flatten());
    let named: HashSet<_> = ways.map(|way: &way::Way<'_>| way.to).collect();
    for written in written {
        if let Written::End(end) = written
            && !named.contains(end.id.as_str())
        {
            let finding = report.error(end.place, format!("no way leads to the end `{}`", end.id));
            finding.hint("name it in `on_success` or `on_failure` of a step, or take it out");
        }
    }
}

/// Reports each loop that no way leads out of to an end.
fn check_loops(report: &mut Report<'_>, phases: &[Phase], places: &[Place]) {
    let can_end = can_end(phases);
    // In which walk each step was met.
    let mut walks = vec![usize::MAX; phases.len()];
    for first in (0..phases.len()).filter(|at| !can_end[*at]) {
        let mut path = Vec::new();
        let mut at = first;
        while walks[at] == usize::MAX {
            walks[at] = first;
            path.push(at);
            // One that cannot end has a way, and that leads to another of its kind.
            let Some(next) = nexts(&phases[at]).next() else { break };
            at = next;
        }
        if walks[at] == first
            && let Some(start) = path.iter().position(|step| *step == at)
        {
            report_loop(report, phases, places, &path[start..]);
        }
    }
}

fn can_end(phases: &[Phase]) -> Vec<bool> {
    let mut before = vec![Vec::new(); phases.len()];
    for (at, phase) in phases.iter().enumerate() {
        nexts(phase).for_each(|next| before[next].push(at));
    }
    let mut can_end: Vec<_> = phases.iter().map(is_last).collect();
    let mut open: Vec<_> = (0..phases.len()).filter(|at| can_end[*at]).collect();
    while let Some(at) = open.pop() {
        for before in &before[at] {
            if !std::mem::replace(&mut can_end[*before], true) {
                open.push(*before);
            }
        }
    }
    can_end
}

fn report_loop(report: &mut Report<'_>, phases: &[Phase], places: &[Place], path: &[usize]) {
    let mut names: Vec<_> = path.iter().take(MAX_NAMES).map(|at| phases[*at].id.as_str()).collect();
    if path.len() > MAX_NAMES {
        names.push("...");
    }
    names.push(&phases[path[0]].id);
    let message = format!("no way leads out of this loop to an end: {}", names.join(" -> "));
    let finding = report.error(places[path[0]], message);
    finding.hint("let one of its steps lead to `completed` or `failed`, when it succeeded or when it failed");
}
