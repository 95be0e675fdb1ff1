//! What a run would do, as people read it.

use std::fmt::Write as _;

use op_proto::v1::{PreviewResponse, PreviewStep};
use serde_json::Value;

use super::text::{count, hang, one_line};
use crate::terminal::Terminal;

/// The inputs, then each step with who plays it, what it hands on and what it waits for.
pub(crate) fn text(preview: &PreviewResponse, terminal: &Terminal) -> String {
    let paint = terminal.paint;
    let steps = count(preview.steps.len(), "step");
    let mut text =
        format!("{} would run {steps}; nothing was started\n", paint.bold(one_line(&preview.plan)));
    text += &pairs("inputs", &preview.inputs, "  ", terminal);
    let mut phase = "";
    for step in &preview.steps {
        if step.phase != phase {
            phase = &step.phase;
            let _ = writeln!(text, "\n{}", paint.bold(one_line(phase)));
        }
        text += &leaf(step, terminal);
    }
    if !preview.warnings.is_empty() {
        text.push('\n');
    }
    for warning in &preview.warnings {
        text += &hang(&format!("{} ", paint.yellow("warning:")), warning, terminal.width);
    }
    text
}

fn leaf(step: &PreviewStep, terminal: &Terminal) -> String {
    let paint = terminal.paint;
    let mut players = step.performers.iter().map(|who| one_line(who));
    let first = players.next().unwrap_or_else(|| "calls nobody".to_owned());
    let mut text = format!("  {}  {}\n", one_line(&step.step), paint.cyan(first));
    let others: Vec<_> = players.collect();
    if !others.is_empty() {
        text += &hang("    else ", &others.join(", "), terminal.width);
    }
    if !step.waits_for.is_empty() {
        text += &hang(&format!("    {} ", paint.yellow("waits for")), &step.waits_for, terminal.width);
    }
    text + &pairs("with", &step.arguments, "    ", terminal)
}

/// The entries of a JSON object, one a line.
fn pairs(name: &str, json: &str, indent: &str, terminal: &Terminal) -> String {
    let Ok(Value::Object(values)) = serde_json::from_str(json) else { return String::new() };
    let told = values.iter().enumerate().map(|(at, (key, value))| {
        let name = if at == 0 { name.to_owned() } else { " ".repeat(name.len()) };
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        hang(&format!("{indent}{name} {key} = "), &one_line(&value), terminal.width)
    });
    told.collect()
}
