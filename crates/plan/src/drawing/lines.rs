//! What a drawing says about a phase, line by line.

use std::time::Duration;

use serde_json::Value;

use crate::mapping::Mapping;
use crate::plan::{Accept, Action, Call, Fan, Gate, Loop, Part, Phase, Step};

/// Its steps in order, and what is special about it.
pub(super) fn lines(phase: &Phase) -> Vec<String> {
    let mut lines: Vec<_> = phase.steps.iter().flat_map(step).collect();
    match (&phase.when, &phase.repeat) {
        (Some(when), Some(repeat)) if *when == repeat.condition => {
            lines.push(format!("{} while {when}", visits(repeat.max)));
        }
        (when, repeat) => {
            let again = |repeat: &Loop| format!("{}, again while {}", visits(repeat.max), repeat.condition);
            lines.extend(when.iter().map(|when| format!("when {when}")));
            lines.extend(repeat.iter().map(again));
        }
    }
    lines.extend(phase.max_visits.map(visits));
    if phase.continue_on_failure {
        lines.push("may fail".to_owned());
    }
    if !phase.undo.is_empty() {
        let undo: Vec<_> = phase.undo.iter().map(|undo| called(&undo.call)).collect();
        lines.push(format!("undone by {}", undo.join(", ")));
    }
    lines
}

fn visits(most: u32) -> String {
    format!("up to {most} {}", if most == 1 { "visit" } else { "visits" })
}

fn step(step: &Step) -> Vec<String> {
    let mut lines: Vec<_> = step.gate.iter().map(gate).collect();
    let optional = if step.optional { ", may fail" } else { "" };
    lines.extend(performer(&step.action).map(|performer| format!("{performer}{optional}")));
    lines.extend(step.for_each.iter().map(fan));
    lines.extend(step.fallback.iter().map(|part| format!("or else {}", played(part))));
    if let Accept::When(condition) = &step.accept {
        lines.push(format!("counts if {condition}"));
    }
    lines
}

fn gate(gate: &Gate) -> String {
    match gate {
        Gate::Delay(delay) => format!("waits {}", short(*delay)),
        Gate::Signal(name) => format!("waits for signal {name}"),
        Gate::Approval(_) => "waits for approval".to_owned(),
    }
}

fn fan(fan: &Fan) -> String {
    let most = fan.max_parallel.map(|most| format!(", {most} at a time")).unwrap_or_default();
    format!("for each of {}{most}", source(&fan.over))
}

fn source(mapping: &Mapping) -> String {
    match mapping.source() {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn performer(action: &Action) -> Option<String> {
    match action {
        Action::Call(call) => Some(called(call)),
        Action::Plan { plan, .. } => Some(format!("plan {}", plan.id())),
        Action::Pass => None,
    }
}

fn called(call: &Call) -> String {
    played(&call.part)
}

fn played(part: &Part) -> String {
    match part {
        Part::Performer(performer) => performer.to_string(),
        Part::Role { name, default: Some(default), .. } => format!("{name} ({default})"),
        Part::Role { name, default: None, .. } => format!("{name} (nobody yet)"),
        Part::Open => "by cast".to_owned(),
    }
}

/// A duration as people write it: `1h30m`, `250ms`.
fn short(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [("d", seconds / 86_400), ("h", seconds / 3_600 % 24), ("m", seconds / 60 % 60)];
    let rest = [("s", seconds % 60), ("ms", u64::from(duration.subsec_millis()))];
    let parts = units.into_iter().chain(rest).filter(|(_, count)| *count > 0);
    let text: String = parts.map(|(unit, count)| format!("{count}{unit}")).collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_people_do() {
        let written = [0, 250, 90_000, 5_400_000, 90_061_001].map(Duration::from_millis).map(short);
        assert_eq!(written, ["0s", "250ms", "1m30s", "1h30m", "1d1h1m1s1ms"]);
    }
}
