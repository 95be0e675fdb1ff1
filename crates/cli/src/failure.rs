//! Errors at the edge: printed once, and turned into an exit code.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

use op_proto::v1::RunState;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::render::text::clean;
use crate::terminal::Paint;

/// What the daemon calls an answer that is to another question than is asked.
const OTHER_QUESTION: &str = "OTHER_QUESTION";

/// How the process ends. The help of `op-dbus` tells the codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; a run completed.
    Done,
    /// Something broke on the way.
    Broken,
    /// Refused before anything started.
    Refused,
    /// The run or the call failed.
    Failed,
    /// The run was cancelled or rolled back, or the user left.
    Cancelled,
    /// The run is stuck.
    Stuck,
}

impl Exit {
    /// The code for the shell.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Broken => 1,
            Self::Refused => 2,
            Self::Failed => 3,
            Self::Cancelled => 4,
            Self::Stuck => 5,
        }
    }

    /// How a process ends that watched a run come to this state. A run that has not ended broke the watch.
    pub(crate) fn of_run(state: RunState) -> Self {
        match state {
            RunState::Completed => Self::Done,
            RunState::Failed => Self::Failed,
            RunState::Cancelled | RunState::RolledBack => Self::Cancelled,
            RunState::Stuck => Self::Stuck,
            RunState::Unspecified
            | RunState::Pending
            | RunState::Running
            | RunState::Waiting
            | RunState::Paused
            | RunState::RollingBack => Self::Broken,
        }
    }

    /// How a process ends whose request was answered so.
    fn of_status(code: Code) -> Self {
        match code {
            Code::Ok => Self::Done,
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::Unauthenticated
            | Code::ResourceExhausted
            | Code::FailedPrecondition
            | Code::OutOfRange => Self::Refused,
            Code::Cancelled => Self::Cancelled,
            Code::Unknown
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss => Self::Broken,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    exit: Exit,
    /// Empty when there is nothing to say: the reader of our output is gone.
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
}

impl Failure {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), causes: Vec::new(), hint: None }
    }

    /// Something broke on the way.
    pub(crate) fn broken(message: impl Into<String>) -> Self {
        Self::new(Exit::Broken, message)
    }

    /// Refused before anything started.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    /// The user left.
    pub(crate) fn interrupted() -> Self {
        Self::new(Exit::Cancelled, "interrupted")
    }

    /// Tells what was being done when the error came.
    pub(crate) fn during(mut self, message: impl Into<String>) -> Self {
        let cause = std::mem::replace(&mut self.message, message.into());
        self.causes.insert(0, cause);
        self
    }

    /// The error, and what caused it, all the way down.
    pub(crate) fn because(mut self, error: &dyn Error) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            self.cause(error.to_string());
            cause = error.source();
        }
        self
    }

    /// What to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a cause, unless the line before says the same.
    fn cause(&mut self, text: String) {
        let last = self.causes.last().unwrap_or(&self.message);
        if !text.is_empty() && !last.ends_with(&text) {
            self.causes.push(text);
        }
    }

    /// How the process ends.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The failure as people read it; empty when there is nothing to say.
    pub(crate) fn render(&self, paint: Paint) -> String {
        let mut text = String::new();
        if self.message.is_empty() {
            return text;
        }
        let _ = writeln!(text, "{} {}", paint.red("error:"), clean(&self.message));
        for cause in &self.causes {
            let _ = writeln!(text, "{} {}", paint.bold("caused by:"), clean(cause));
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "{} {}", paint.cyan("hint:"), clean(hint));
        }
        text
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        // Only a status that was made on this side has a source.
        if let Some(source) = status.source() {
            let broken = Self::broken("the connection to the daemon broke").because(source);
            return broken.hint("`op-dbus doctor` tells whether the daemon answers");
        }
        let details = status.get_error_details();
        let exit = match details.error_info() {
            // An answer to what is not asked any more: nothing broke, and nothing was done.
            Some(info) if info.reason == OTHER_QUESTION => Exit::Refused,
            Some(_) | None => Exit::of_status(status.code()),
        };
        let mut failure = Self::new(exit, status.message());
        if failure.message.is_empty() {
            failure.message = format!("the daemon answered: {}", status.code());
        }
        for violation in details.bad_request().iter().flat_map(|request| &request.field_violations) {
            failure.cause(violation.description.clone());
        }
        let hint = details.error_info().and_then(|info| info.metadata.get("hint"));
        // A sentence may end with what to do.
        failure.hint = hint.filter(|hint| !failure.message.ends_with(*hint)).cloned();
        failure
    }
}

impl From<io::Error> for Failure {
    /// From writing to standard output. A reader that has gone is no error: `op-dbus ls | head -1` is at its end.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Exit::Done, ""),
            _ => Self::broken("cannot write to standard output").because(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic_types::{ErrorDetails, FieldViolation};

    use super::*;

    fn lines(failure: &Failure) -> Vec<String> {
        failure.render(Paint::plain()).lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_status_tells_its_fields_and_its_hint() {
        let mut details = ErrorDetails::with_error_info(
            "INPUTS",
            "opdbus.org",
            HashMap::from([("hint".to_owned(), "see `op-dbus plans`".to_owned())]),
        );
        details.set_bad_request(vec![FieldViolation::new("path", "input `path` (path) is missing")]);
        let status =
            Status::with_error_details(Code::InvalidArgument, "the inputs do not fit the plan", details);
        let failure = Failure::from(status);
        assert_eq!(failure.exit(), Exit::Refused);
        assert_eq!(
            lines(&failure),
            [
                "error: the inputs do not fit the plan",
                "caused by: input `path` (path) is missing",
                "hint: see `op-dbus plans`"
            ]
        );
    }

    #[test]
    fn a_hint_that_the_sentence_gives_is_not_given_again() {
        let hint = HashMap::from([("hint".to_owned(), "`op-dbus serve` wakes it".to_owned())]);
        let details = ErrorDetails::with_error_info("RUN_ASLEEP", "opdbus.org", hint);
        let sentence = "run k3 sleeps; `op-dbus serve` wakes it";
        let status = Status::with_error_details(Code::FailedPrecondition, sentence, details);
        assert_eq!(lines(&Failure::from(status)), [format!("error: {sentence}")]);
    }

    #[test]
    fn a_broken_connection_is_not_mistaken_for_an_answer() {
        let status = Status::from_error(Box::new(io::Error::other("h2: connection reset")));
        let failure = Failure::from(status);
        assert_eq!(failure.exit(), Exit::Broken);
        assert!(lines(&failure)[1].contains("connection reset"), "{failure:?}");
    }

    #[test]
    fn a_cause_is_told_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] io::Error);
        let failure = Failure::broken("outer").because(&Outer(io::Error::other("inner")));
        assert_eq!(lines(&failure), ["error: outer", "caused by: inner"]);
    }

    #[test]
    fn a_closed_pipe_is_silent_and_no_error() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((failure.exit(), failure.render(Paint::plain()).as_str()), (Exit::Done, ""));
    }

    #[test]
    fn nothing_in_a_message_moves_the_cursor() {
        let failure = Failure::from(Status::not_found("no \u{1b}[2Jrun"));
        assert!(!failure.render(Paint::plain()).contains('\u{1b}'));
    }

    #[test]
    fn every_end_has_its_own_code() {
        let exits = [Exit::Done, Exit::Broken, Exit::Refused, Exit::Failed, Exit::Cancelled, Exit::Stuck];
        assert_eq!(exits.map(Exit::code), [0, 1, 2, 3, 4, 5]);
        assert_eq!(Exit::of_run(RunState::RolledBack), Exit::Cancelled);
        assert_eq!(Exit::of_run(RunState::Running), Exit::Broken);
    }
}
