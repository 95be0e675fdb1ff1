//! What a step waits for, and which command lets it go on.

use op_proto::v1::{Gate, RunState, Step};

use super::text::one_line;

/// What a step waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Time.
    Delay,
    /// A signal.
    Signal(String),
    /// The answer of a person.
    Approval(String),
}

impl Wait {
    /// What the daemon tells of a gate.
    pub(crate) fn of(gate: &Gate) -> Self {
        match gate.kind.as_str() {
            "signal" => Self::Signal(one_line(&gate.text)),
            "approval" => Self::Approval(one_line(&gate.text)),
            _ => Self::Delay,
        }
    }

    /// What is waited for, in a few words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Delay => "its time".to_owned(),
            Self::Signal(name) => format!("the signal `{name}`"),
            Self::Approval(question) => format!("an approval: {question}"),
        }
    }

    /// Which command lets the step go on; none when it does so by itself. `program` is how the daemon is reached.
    pub(crate) fn key(&self, program: &str, run: &str, step: &str) -> Option<String> {
        match self {
            Self::Delay => None,
            Self::Signal(name) => Some(format!("`{program} signal {run} {}` sends it", quoted(name))),
            Self::Approval(_) => {
                let step = quoted(step);
                Some(format!(
                    "`{program} approve {run} {step}` lets it go on, `reject` in its place does not"
                ))
            }
        }
    }
}

/// What a run as a whole waits for that only a person can give.
pub(crate) fn way_out(program: &str, run: &str, state: RunState) -> Option<String> {
    match state {
        RunState::Paused => Some(format!("`{program} resume {run}` lets it go on")),
        RunState::Stuck => Some(format!(
            "`{program} resolve {run} --retry` tries the undo again, `--accept` leaves it as it is"
        )),
        RunState::Waiting
        | RunState::Unspecified
        | RunState::Pending
        | RunState::Running
        | RunState::RollingBack
        | RunState::Completed
        | RunState::Failed
        | RunState::Cancelled
        | RunState::RolledBack => None,
    }
}

/// Steps that wait at their gates, each with what for.
pub(crate) fn waiting<'s>(steps: impl IntoIterator<Item = &'s Step>) -> Vec<(&'s Step, Wait)> {
    steps.into_iter().filter_map(|step| Some((step, Wait::of(step.gate.as_ref()?)))).collect()
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_copied_into_a_shell() {
        let wait = Wait::Signal("it's done".to_owned());
        assert_eq!(
            wait.key("op-dbus", "k3", "x").as_deref(),
            Some("`op-dbus signal k3 'it'\\''s done'` sends it")
        );
        assert_eq!(quoted("deploy/1"), "deploy/1");
        assert_eq!(quoted("list[0]"), "'list[0]'");
    }

    #[test]
    fn time_needs_no_command() {
        assert_eq!(Wait::Delay.key("op-dbus", "k3", "x"), None);
    }
}
