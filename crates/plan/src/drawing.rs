//! Mermaid and boxes.
//!
//! Both draw phases with who performs them, and an arrow from each phase to those that wait for it.

mod boxes;
mod canvas;
mod layers;
mod mermaid;

use crate::plan::{Action, Call, Part, Phase};

pub use boxes::{Style, boxes};
pub use mermaid::mermaid;

/// What a drawing says about a phase: its steps in order, and what is special about it.
fn lines(phase: &Phase) -> Vec<String> {
    let mut lines: Vec<_> = phase.steps.iter().map(|step| performer(&step.action)).collect();
    if let Some(when) = &phase.when {
        lines.push(format!("when {when}"));
    }
    if phase.continue_on_failure {
        lines.push("may fail".to_owned());
    }
    if !phase.undo.is_empty() {
        let undo: Vec<_> = phase.undo.iter().map(|undo| called(&undo.call)).collect();
        lines.push(format!("undone by {}", undo.join(", ")));
    }
    lines
}

fn performer(action: &Action) -> String {
    match action {
        Action::Call(call) => called(call),
    }
}

fn called(call: &Call) -> String {
    match &call.part {
        Part::Performer(performer) => performer.to_string(),
        Part::Role { name, default } => format!("{name} ({default})"),
    }
}
