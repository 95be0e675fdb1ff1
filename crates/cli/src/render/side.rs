//! Two runs side by side.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use op_proto::v1::{Phase, Run, Step};
use serde_json::{Value, json};

use super::state::Told as _;
use super::table::Table;
use super::text::one_line;
use super::time;
use crate::terminal::Terminal;

/// Lines of a difference that are shown.
const SHOWN: usize = 12;

/// What both runs have, and in what they differ.
pub(crate) struct Side<'r> {
    left: &'r Run,
    right: &'r Run,
    /// The values of steps, as text, where they have one: of the left run and of the right one.
    outputs: BTreeMap<String, (Option<String>, Option<String>)>,
    now: Timestamp,
}

impl<'r> Side<'r> {
    /// Lays two runs side by side; `outputs` are the values of their steps.
    pub(crate) fn new(
        (left, right): (&'r Run, &'r Run),
        outputs: BTreeMap<String, (Option<String>, Option<String>)>,
        now: Timestamp,
    ) -> Self {
        Self { left, right, outputs, now }
    }

    /// Everything, for machines.
    pub(crate) fn json(&self) -> Value {
        let step = |step: Option<&Step>| {
            step.map(|step| {
                json!({
                    "performer": step.performer,
                    "role": step.role,
                    "state": step.state().word(),
                    "attempts": step.attempts,
                    "seconds": self.taken(step).map(|taken| taken.as_secs_f64()),
                })
            })
        };
        let steps = self.pairs().into_iter().map(|(id, left, right)| {
            let outputs = self.outputs.get(id).filter(|(left, right)| left != right);
            json!({
                "step": id,
                "left": step(left),
                "right": step(right),
                "output_differs": outputs.is_some(),
                "diff": outputs.map(|(left, right)| difference(left.as_deref(), right.as_deref())),
            })
        });
        json!({ "left": self.total(self.left), "right": self.total(self.right), "steps": steps.collect::<Value>() })
    }

    /// Everything, for people.
    pub(crate) fn text(&self, terminal: &Terminal) -> String {
        let mut text = self.head(terminal);
        let mut table = Table::new(["STEP", "PLAYED BY", "STATE", "ATTEMPTS", "TIME"]);
        for (id, left, right) in self.pairs() {
            let cell = |of: &dyn Fn(&Step) -> String| both(left.map(of), right.map(of));
            let cells = [
                one_line(id),
                cell(&|step| one_line(&step.performer)),
                cell(&|step| step.state().word().to_owned()),
                cell(&|step| step.attempts.to_string()),
                times(left.and_then(|step| self.taken(step)), right.and_then(|step| self.taken(step))),
            ];
            let is_other = cells[1..4].iter().any(|cell| cell.contains(" → "));
            table.row(cells.map(|cell| if is_other { terminal.paint.yellow(cell) } else { cell }));
        }
        let _ = write!(text, "\n{}", table.render(terminal.columns));
        for (step, (left, right)) in self.outputs.iter().filter(|(_, (left, right))| left != right) {
            let _ = writeln!(text, "\noutput of {}", terminal.paint.bold(one_line(step)));
            text += &painted(&difference(left.as_deref(), right.as_deref()), terminal);
        }
        text
    }

    fn head(&self, terminal: &Terminal) -> String {
        let mut table = Table::new(["", "LEFT", "RIGHT"]);
        let (left, right) = (self.total(self.left), self.total(self.right));
        for key in ["run", "plan", "state", "seconds", "inputs", "steps", "attempts"] {
            let cell = |of: &Value| match &of[key] {
                Value::String(text) => one_line(text),
                Value::Number(seconds) if key == "seconds" => {
                    time::span(Duration::from_secs_f64(seconds.as_f64().unwrap_or_default().max(0.0)))
                }
                other => one_line(&other.to_string()),
            };
            let name = if key == "seconds" { "time" } else { key };
            let cells = [cell(&left), cell(&right)];
            let is_other = cells[0] != cells[1] && !["run", "seconds"].contains(&key);
            // What is long and the same in both tells nothing.
            if key == "inputs" && !is_other {
                continue;
            }
            let cells = cells.map(|cell| if is_other { terminal.paint.yellow(cell) } else { cell });
            let [left, right] = cells;
            table.row([name.to_owned(), left, right]);
        }
        table.render(terminal.columns)
    }

    fn total(&self, run: &Run) -> Value {
        let summary = run.summary.clone().unwrap_or_default();
        let taken = time::taken(summary.started_at.as_ref(), summary.ended_at.as_ref(), self.now);
        json!({
            "run": summary.id,
            "plan": summary.plan,
            "state": summary.state().word(),
            "seconds": taken.map(|taken| taken.as_secs_f64()),
            "inputs": serde_json::from_str::<Value>(&run.inputs).unwrap_or_default(),
            "steps": steps(run).count(),
            "attempts": steps(run).map(|step| u64::from(step.attempts)).sum::<u64>(),
        })
    }

    fn taken(&self, step: &Step) -> Option<Duration> {
        time::taken(step.started_at.as_ref(), step.ended_at.as_ref(), self.now)
    }

    /// Steps of both, in the order of the left run; then those that only the right one has.
    fn pairs(&self) -> Vec<(&'r str, Option<&'r Step>, Option<&'r Step>)> {
        let right: BTreeMap<_, _> = steps(self.right).map(|step| (step.id.as_str(), step)).collect();
        let left: BTreeMap<_, _> = steps(self.left).map(|step| (step.id.as_str(), step)).collect();
        let both =
            steps(self.left).map(|step| (step.id.as_str(), Some(step), right.get(step.id.as_str()).copied()));
        let rest = steps(self.right).filter(|step| !left.contains_key(step.id.as_str()));
        both.chain(rest.map(|step| (step.id.as_str(), None, Some(step)))).collect()
    }
}

/// The steps of a run, in the order of its plan.
pub(crate) fn steps(run: &Run) -> impl Iterator<Item = &Step> {
    run.phases.iter().flat_map(|phase: &Phase| &phase.steps)
}

/// One value where both agree, else `left → right`.
fn both(left: Option<String>, right: Option<String>) -> String {
    let word = |of: Option<String>| of.filter(|text| !text.is_empty()).unwrap_or_else(|| "–".to_owned());
    let (left, right) = (word(left), word(right));
    if left == right { left } else { format!("{left} → {right}") }
}

/// Times always differ.
fn times(left: Option<Duration>, right: Option<Duration>) -> String {
    let word = |of: Option<Duration>| of.map_or_else(|| "–".to_owned(), time::span);
    if left.is_none() && right.is_none() {
        String::new()
    } else {
        format!("{} | {}", word(left), word(right))
    }
}

/// The first lines in which two texts differ, with `-` before those of the left one and `+` before those of the right one.
fn difference(left: Option<&str>, right: Option<&str>) -> Vec<String> {
    let lines =
        |text: Option<&str>| text.map(|text| text.lines().map(str::to_owned).collect()).unwrap_or_default();
    let (left, right): (Vec<String>, Vec<String>) = (lines(left), lines(right));
    let head = left.iter().zip(&right).take_while(|(left, right)| left == right).count();
    let (left, right) = (&left[head..], &right[head..]);
    let tail = left.iter().rev().zip(right.iter().rev()).take_while(|(left, right)| left == right).count();
    let (left, right) = (&left[..left.len() - tail], &right[..right.len() - tail]);
    let shown = |lines: &[String], mark: char| {
        let mut shown: Vec<_> = lines.iter().take(SHOWN).map(|line| format!("{mark} {line}")).collect();
        if lines.len() > SHOWN {
            shown.push(format!("{mark} … {} more lines", lines.len() - SHOWN));
        }
        shown
    };
    [shown(left, '-'), shown(right, '+')].concat()
}

fn painted(lines: &[String], terminal: &Terminal) -> String {
    let paint = terminal.paint;
    let line = |line: &String| {
        let line = super::text::cut(&super::text::clean(line), terminal.width.saturating_sub(2));
        let line = if line.starts_with('-') { paint.red(line) } else { paint.green(line) };
        format!("  {line}\n")
    };
    lines.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_texts_only_what_differs_is_shown() {
        let told = difference(Some("a\nb\nc\nd"), Some("a\nx\nd"));
        assert_eq!(told, ["- b", "- c", "+ x"]);
        assert_eq!(difference(None, Some("x")), ["+ x"]);
        assert!(difference(Some("x"), Some("x")).is_empty());
    }

    #[test]
    fn a_long_difference_is_cut_and_counted() {
        let long: Vec<_> = (0..40).map(|line| line.to_string()).collect();
        let told = difference(Some(&long.join("\n")), None);
        assert_eq!((told.len(), told[SHOWN].as_str()), (SHOWN + 1, "- … 28 more lines"));
    }
}
