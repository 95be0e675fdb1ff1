//! A run: its phases as a table, or with their steps as a tree.

use std::fmt::Write as _;

use jiff::Timestamp;
use op_proto::v1::{Failure, Phase, Run, RunSummary, Step};

use super::state::{Told as _, painted};
use super::table::Table;
use super::text::{hang, one_line};
use super::time;
use crate::terminal::{Paint, Terminal};

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

/// A run with all that is known of it.
pub(crate) fn tree(run: &Run, now: Timestamp, terminal: &Terminal) -> String {
    let summary = run.summary.clone().unwrap_or_default();
    let mut text = head(&summary, now, terminal);
    for (name, value) in [("inputs", &run.inputs), ("reason", &summary.reason)] {
        if !value.is_empty() && value != "{}" {
            text += &hang(&format!("{name:8} "), value, terminal.width);
        }
    }
    for phase in &run.phases {
        text += &branch(phase, now, terminal);
    }
    text
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

fn branch(phase: &Phase, now: Timestamp, terminal: &Terminal) -> String {
    let paint = terminal.paint;
    let taken = time::taken(phase.started_at.as_ref(), phase.ended_at.as_ref(), now);
    let mark = phase.state().tone().mark(paint);
    let mut text = format!(
        "\n{mark} {}  {}{}\n",
        paint.bold(&phase.id),
        painted(phase.state(), paint),
        aside(taken, paint)
    );
    if !phase.reason.is_empty() {
        text += &hang("    ", &phase.reason, terminal.width);
    }
    for step in &phase.steps {
        text += &leaf(step, now, terminal);
    }
    text
}

fn leaf(step: &Step, now: Timestamp, terminal: &Terminal) -> String {
    let paint = terminal.paint;
    let taken = time::taken(step.started_at.as_ref(), step.ended_at.as_ref(), now);
    let attempts =
        if step.attempts > 1 { paint.dim(format!("  {} attempts", step.attempts)) } else { String::new() };
    let (mark, state) = (step.state().tone().mark(paint), painted(step.state(), paint));
    let mut text = format!(
        "  {mark} {}  {}  {state}{}{attempts}\n",
        one_line(&step.id),
        paint.dim(&step.performer),
        aside(taken, paint)
    );
    if let Some(failure) = &step.failure {
        text += &blame(failure, "      ", paint, terminal.width);
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
