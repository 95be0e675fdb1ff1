//! Errors as the bus knows them: a name for programs, one full sentence and what to do next for people. Many a client shows the
//! sentence alone.

use op_engine::failure::{Describe, Described, Kind, sentence};
use zbus::message::Header;
use zbus::names::ErrorName;
use zbus::{DBusError, Message};

/// What names of errors of this daemon begin with.
const OWN: &str = "org.opdbus.Orchestrator1.Error.";

/// What names of errors that everybody knows begin with.
const STANDARD: &str = "org.freedesktop.DBus.Error.";

/// An error that a caller is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    name: String,
    message: String,
}

impl Fault {
    /// The fault for an error of the engine.
    pub(crate) fn of(error: &impl Describe) -> Self {
        let Described { kind, reason, hint } = error.describe();
        let name = match kind {
            Kind::Denied => format!("{STANDARD}AccessDenied"),
            Kind::Unproven => format!("{STANDARD}InteractiveAuthorizationRequired"),
            Kind::Exhausted => format!("{STANDARD}LimitsExceeded"),
            Kind::Invalid
            | Kind::Unknown
            | Kind::Unmet
            | Kind::Exists
            | Kind::Aborted
            | Kind::Unavailable
            | Kind::Lost => format!("{OWN}{}", own(reason)),
        };
        Self { name, message: told(&sentence(error), hint) }
    }

    /// Arguments that cannot be taken.
    pub(crate) fn invalid(message: impl AsRef<str>) -> Self {
        Self::standard("InvalidArgs", message)
    }

    /// More than a caller is given at once.
    pub(crate) fn exceeded(message: impl AsRef<str>) -> Self {
        Self::standard("LimitsExceeded", message)
    }

    /// What this caller may not do.
    pub(crate) fn denied(message: impl AsRef<str>) -> Self {
        Self::standard("AccessDenied", message)
    }

    /// A state in which it makes no sense; the name is one of this daemon's own.
    pub(crate) fn unmet(name: &str, message: impl AsRef<str>) -> Self {
        Self { name: format!("{OWN}{name}"), message: told(message.as_ref(), "") }
    }

    /// A mistake of the daemon.
    pub(crate) fn internal(message: impl AsRef<str>) -> Self {
        Self::unmet("Internal", message)
    }

    fn standard(name: &str, message: impl AsRef<str>) -> Self {
        Self { name: format!("{STANDARD}{name}"), message: told(message.as_ref(), "") }
    }
}

/// Name of the error of a run that ended otherwise than its plan says.
pub(crate) fn ending(name: &str) -> String {
    format!("{OWN}{name}")
}

/// The name that a reason goes by on the bus: those of the first version of the interface, else the reason in its spelling.
fn own(reason: &str) -> String {
    match reason {
        "RUN_UNKNOWN" => "NoSuchRun".to_owned(),
        "AGENT_UNKNOWN" => "NoSuchAgent".to_owned(),
        "PLAN_UNKNOWN" | "NAME_UNKNOWN" | "SHAPE_UNKNOWN" => "NoSuchDefinition".to_owned(),
        "INPUTS_INVALID" => "ParameterInvalid".to_owned(),
        "AGENT_UNREACHABLE" => "AgentUnavailable".to_owned(),
        other => camel(other),
    }
}

fn camel(reason: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(1.min(word.len()));
        format!("{first}{}", rest.to_lowercase())
    };
    reason.split('_').map(word).collect()
}

/// A sentence and a hint, each with a capital and a full stop.
fn told(message: &str, hint: &str) -> String {
    let message = whole(message);
    if hint.is_empty() { message } else { format!("{message} {}", whole(hint)) }
}

fn whole(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

impl DBusError for Fault {
    fn create_reply(&self, call: &Header<'_>) -> zbus::Result<Message> {
        Message::error(call, self.name()).build(&self.message)
    }

    fn name(&self) -> ErrorName<'_> {
        ErrorName::try_from(self.name.as_str()).expect("reasons make valid names")
    }

    fn description(&self) -> Option<&str> {
        Some(&self.message)
    }
}

impl From<zbus::Error> for Fault {
    fn from(error: zbus::Error) -> Self {
        Self::internal(format!("the bus does not do its part: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use op_engine::handle::query::FindError;
    use op_engine::ports::{Denied, Right};

    use super::*;

    #[test]
    fn an_error_has_a_name_of_its_kind_and_says_what_to_do() {
        let fault = Fault::of(&FindError::Unknown("abc".to_owned()));
        assert_eq!(fault.name, "org.opdbus.Orchestrator1.Error.NoSuchRun");
        assert_eq!(fault.message, "No run's id begins with `abc`. `op-dbus ls` lists the runs.");
        let refused = Denied::Refused { caller: "uid:7".to_owned(), right: Right::Admin };
        assert_eq!(Fault::of(&refused).name, "org.freedesktop.DBus.Error.AccessDenied");
        let unproven = Denied::Unproven { caller: "uid:7".to_owned(), right: Right::Run };
        assert_eq!(Fault::of(&unproven).name, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired");
        assert_eq!(camel("NOTHING_TO_UNDO"), "NothingToUndo");
    }
}
