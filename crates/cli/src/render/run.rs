//! A run: its phases as a table, or with their steps as a tree.

use std::fmt::Write as _;

use jiff::Timestamp;
use op_proto::v1::{Failure, Gate, Phase, Run, RunSummary, Step};
use serde_json::Value;

use super::gate::{Wait, waiting, way_out};
use super::kept;
use super::state::{Told as _, Tone, painted};
use super::table::Table;
use super::text::{clean, hang, one_line};
use super::time;
use crate::terminal::{Paint, Terminal};

/// Characters of a digest that are shown: as many as tell questions apart.
const DIGEST: usize = 12;

/// Every phase with its state and how long it took.
pub(crate) fn phases(run: &Run, now: Timestamp, terminal: &Terminal) -> String {
    let mut table = Table::new(["PHASE", "STATE", "TIME", "WHY"]);
    for phase in &run.phases {
        let taken = time::taken(phase.started_at.as_ref(), phase.ended_at.as_ref(), now);
        table.row([
            format!("{} {}", phase.state().tone().mark(terminal.paint), one_line(&phase.id)),
            painted(phase.state(), terminal.paint),
            taken.map(time::span).unwrap_or_default(),
            one_line(&phase.reason),
        ]);
    }
    table.render(Some(terminal.width))
}

/// What a run waits for, and how it goes on; `program` is how the daemon is reached.
pub(crate) fn rest(run: &Run, program: &str, terminal: &Terminal) -> String {
    let summary = run.summary.clone().unwrap_or_default();
    let (id, state) = (&summary.id, summary.state());
    if let Some(way) = way_out(program, id, state) {
        return format!("run {id} is {}; {way}\n", state.word().replace('_', " "));
    }
    let mut text = format!("run {id} waits\n");
    for (step, wait) in waiting(run.phases.iter().flat_map(|phase| &phase.steps)) {
        text += &hang("  ", &format!("{} waits for {}", step.id, wait.words()), terminal.width);
        if let Some(key) = wait.key(program, id, &step.id) {
            text += &hang("    ", &key, usize::MAX);
        }
    }
    text
}

/// What a step asks, and the call that it asks about.
pub(crate) fn question(step: &Step, gate: &Gate, paint: Paint, width: usize) -> String {
    let mut text = hang(&format!("{} asks: ", paint.bold(one_line(&step.id))), &gate.text, width);
    let call: Value = serde_json::from_str(&gate.call).unwrap_or_default();
    if !call.is_null() {
        let _ = writeln!(text, "  it will call {}", paint.bold(called(&call)));
        let arguments = call.get("arguments").unwrap_or(&Value::Null);
        let arguments = format!("{arguments:#}");
        text.extend(arguments.lines().map(|line| format!("    {}\n", clean(line))));
    }
    if !gate.digest.is_empty() {
        let _ = writeln!(
            text,
            "  {}",
            paint.dim(format!("digest {}", &one_line(&gate.digest).chars().take(DIGEST).collect::<String>()))
        );
    }
    text
}

fn called(call: &Value) -> String {
    match call.get("performer") {
        Some(Value::String(name)) => one_line(name),
        Some(other) => one_line(&other.to_string()),
        None => "nobody knows whom".to_owned(),
    }
}

/// A run with all that is known of it.
pub(crate) fn tree(run: &Run, now: Timestamp, terminal: &Terminal) -> String {
    let summary = run.summary.clone().unwrap_or_default();
    let mut text = head(&summary, now, terminal);
    for (name, value) in [("inputs", &run.inputs), ("reason", &summary.reason)] {
        if !value.is_empty() && value != "{}" {
            text += &hang(&format!("{name:8} "), value, terminal.width);
        }
    }
    let at: Vec<_> =
        run.phases.iter().filter(|phase| phase.state().tone() == Tone::Busy).map(place).collect();
    if !at.is_empty() {
        text += &hang("at       ", &at.join(", "), terminal.width);
    }
    for phase in &run.phases {
        text += &branch(phase, &summary.id, now, terminal);
    }
    if let Some(way) = way_out("op-dbus", &summary.id, summary.state()) {
        let _ = writeln!(text, "\n{} {way}", terminal.paint.cyan("next:"));
    }
    text
}

/// A phase, and which visit of it, where it is not the first.
fn place(phase: &Phase) -> String {
    if phase.visit > 1 { format!("{} (visit {})", phase.id, phase.visit) } else { phase.id.clone() }
}

fn head(summary: &RunSummary, now: Timestamp, terminal: &Terminal) -> String {
    let paint = terminal.paint;
    let taken = time::taken(summary.started_at.as_ref(), summary.ended_at.as_ref(), now);
    let taken = taken.map(|taken| format!(" after {}", time::span(taken))).unwrap_or_default();
    let mut text = format!("run      {}\nplan     {}\n", paint.bold(&summary.id), one_line(&summary.plan));
    let _ = writeln!(text, "state    {}{taken}", painted(summary.state(), paint));
    if let Some(at) = time::of(summary.started_at.as_ref()) {
        let by =
            if summary.user.is_empty() { String::new() } else { format!(" by {}", one_line(&summary.user)) };
        let _ = writeln!(text, "started  {}{by}", time::day(at));
    }
    let mut labels: Vec<_> = summary.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    labels.sort();
    if !labels.is_empty() {
        let _ = writeln!(text, "labels   {}", one_line(&labels.join(" ")));
    }
    text
}

fn branch(phase: &Phase, run: &str, now: Timestamp, terminal: &Terminal) -> String {
    let paint = terminal.paint;
    let taken = time::taken(phase.started_at.as_ref(), phase.ended_at.as_ref(), now);
    let mark = phase.state().tone().mark(paint);
    let mut text = format!(
        "\n{mark} {}  {}{}{}\n",
        paint.bold(&phase.id),
        painted(phase.state(), paint),
        aside(taken, paint),
        if phase.visit > 1 { paint.dim(format!("  visit {}", phase.visit)) } else { String::new() }
    );
    if !phase.reason.is_empty() {
        text += &hang("    ", &phase.reason, terminal.width);
    }
    for step in &phase.steps {
        text += &leaf(step, run, now, terminal);
    }
    text
}

fn leaf(step: &Step, run: &str, now: Timestamp, terminal: &Terminal) -> String {
    let paint = terminal.paint;
    let taken = time::taken(step.started_at.as_ref(), step.ended_at.as_ref(), now);
    let attempts =
        if step.attempts > 1 { paint.dim(format!("  {} attempts", step.attempts)) } else { String::new() };
    let (mark, state) = (step.state().tone().mark(paint), painted(step.state(), paint));
    let items = step.items.as_ref().map(|items| format!("  {}/{} items", items.done, items.total));
    let mut text = format!(
        "  {mark} {}{}  {state}{}{}{attempts}\n",
        one_line(&step.id),
        paint.dim(player(step)),
        items.unwrap_or_default(),
        aside(taken, paint)
    );
    if let Some(kept) = kept::of_step(step) {
        text += &hang("      ", &kept, terminal.width);
    }
    if let Some(gate) = &step.gate {
        text += &held(step, gate, run, terminal);
    }
    if let Some(failure) = &step.failure {
        text += &blame(failure, "      ", paint, terminal.width);
    }
    text
}

/// Who plays a step, and as what.
fn player(step: &Step) -> String {
    let who = [one_line(&step.performer)].into_iter().filter(|who| !who.is_empty());
    let role = Some(&step.role).filter(|role| !role.is_empty()).map(|role| format!("as {}", one_line(role)));
    let words: Vec<_> = who.chain(role).collect();
    if words.is_empty() { String::new() } else { format!("  {}", words.join(" ")) }
}

/// What a step waits for, and the command that lets it go on.
fn held(step: &Step, gate: &Gate, run: &str, terminal: &Terminal) -> String {
    let (paint, wait) = (terminal.paint, Wait::of(gate));
    let until = time::of(gate.deadline.as_ref()).map(|at| format!(" until {}", time::day(at)));
    let mut text = match &wait {
        Wait::Approval(_) => question(step, gate, paint, terminal.width.saturating_sub(6))
            .lines()
            .map(|line| format!("      {line}\n"))
            .collect(),
        Wait::Delay | Wait::Signal(_) => format!("      waits for {}\n", wait.words()),
    };
    text += &until.map(|until| format!("      waits{until}\n")).unwrap_or_default();
    if let Some(key) = wait.key("op-dbus", run, &step.id) {
        let _ = writeln!(text, "      {} {key}", paint.cyan("next:"));
    }
    text
}

fn aside(taken: Option<std::time::Duration>, paint: Paint) -> String {
    taken.map(|taken| format!("  {}", paint.dim(time::span(taken)))).unwrap_or_default()
}

/// A failure: its kind, what it says, and what to do.
pub(crate) fn blame(failure: &Failure, indent: &str, paint: Paint, width: usize) -> String {
    let kind = if failure.kind.is_empty() { "failed" } else { &failure.kind };
    let mut text = hang(&format!("{indent}{} ", paint.red(format!("{kind}:"))), &failure.message, width);
    if !failure.hint.is_empty() {
        text += &hang(&format!("{indent}{} ", paint.cyan("hint:")), &failure.hint, width);
    }
    text
}
