//! Errors as `google.rpc.Status`: a code, one sentence, and details that programs can read.
//!
//! `ErrorInfo` carries a stable reason in the domain `opdbus.org` and, under `hint`, what to do next; `BadRequest` names the
//! fields that are wrong.

use std::collections::HashMap;

use op_engine::handle::control::ControlError;
use op_engine::handle::query::{FindError, GetError};
use op_engine::handle::schedule::ScheduleError;
use op_engine::handle::tail::TailError;
use op_engine::names::NameError;
use op_engine::ports::{AppendError, ConnectError, ReadError};
use op_engine::start::StartError;
use op_run::Refused;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// The domain of every reason.
const DOMAIN: &str = "opdbus.org";

/// Key of the metadata that says what to do next.
const HINT: &str = "hint";

/// An error that has a code, a reason and perhaps a hint.
pub(crate) trait Describe: std::error::Error {
    fn describe(&self) -> Described;
}

/// What a status says beside the sentence.
pub(crate) struct Described {
    code: Code,
    reason: &'static str,
    hint: &'static str,
}

const fn described(code: Code, reason: &'static str, hint: &'static str) -> Described {
    Described { code, reason, hint }
}

/// The status of an error.
pub(crate) fn status(error: &impl Describe) -> Status {
    let Described { code, reason, hint } = error.describe();
    let metadata = match hint {
        "" => HashMap::new(),
        hint => HashMap::from([(HINT.to_owned(), hint.to_owned())]),
    };
    let details = ErrorDetails::with_error_info(reason, DOMAIN, metadata);
    Status::with_error_details(code, sentence(error), details)
}

/// A field of a request that cannot be taken.
pub(crate) fn bad_field(field: &str, why: impl Into<String>) -> Status {
    let why = why.into();
    let mut details = ErrorDetails::with_bad_request_violation(field, why.clone());
    details.set_error_info("BAD_FIELD", DOMAIN, HashMap::new());
    Status::with_error_details(Code::InvalidArgument, format!("{field}: {why}"), details)
}

/// The sentence of an error with those of its causes.
fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // A transparent error says what its source says.
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

impl Describe for NameError {
    fn describe(&self) -> Described {
        match self {
            Self::Plan { .. } => described(Code::NotFound, "PLAN_UNKNOWN", "`op-dbus plans` lists the plans"),
            Self::Agent { .. } => {
                described(Code::NotFound, "AGENT_UNKNOWN", "`op-dbus agents` lists the agents")
            }
            Self::Operation { .. } => described(Code::NotFound, "OPERATION_UNKNOWN", ""),
            Self::Whole(_) => {
                described(Code::InvalidArgument, "OPERATION_MISSING", "`op-dbus agents` lists the operations")
            }
            Self::Bare { .. } => described(
                Code::NotFound,
                "NAME_UNKNOWN",
                "`op-dbus plans` lists the plans and `op-dbus tools` the tools",
            ),
            Self::Shape(_) => described(Code::NotFound, "SHAPE_UNKNOWN", "`op-dbus plans` lists the plans"),
        }
    }
}

impl Describe for StartError {
    fn describe(&self) -> Described {
        match self {
            Self::Name(error) => error.describe(),
            Self::Inputs { .. } => {
                described(Code::InvalidArgument, "INPUTS_INVALID", "`op-dbus plans` shows what a plan takes")
            }
            Self::Part { .. } => {
                described(Code::InvalidArgument, "CAST_INVALID", "`op-dbus graph` shows the steps")
            }
            Self::CastUnknown { .. } => {
                described(Code::NotFound, "CAST_UNKNOWN", "`op-dbus casts` lists the casts")
            }
            Self::CastUnfit { .. } | Self::Uncast { .. } => {
                described(Code::InvalidArgument, "CAST_INVALID", "`op-dbus graph` shows the steps")
            }
            Self::Key { .. } => described(Code::InvalidArgument, "INPUTS_INVALID", ""),
            Self::Busy { .. } => {
                described(Code::FailedPrecondition, "BUSY", "`op-dbus watch RUN` follows it to its end")
            }
            Self::KeyReused { .. } => {
                described(Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED", "use a new key")
            }
            Self::TooMany(_) => described(Code::ResourceExhausted, "TOO_MANY_RUNS", ""),
            Self::GoingDown => {
                described(Code::Unavailable, "GOING_DOWN", "ask again when the daemon is back")
            }
            Self::Append(error) => error.describe(),
            Self::Read(error) => error.describe(),
        }
    }
}

impl Describe for AppendError {
    fn describe(&self) -> Described {
        match self {
            Self::Full(_) => {
                described(Code::ResourceExhausted, "DISK_FULL", "make room on the disk of the journal")
            }
            Self::Conflict { .. } | Self::KeyTaken(_) => described(Code::Aborted, "JOURNAL_CONFLICT", ""),
            Self::Broken(_) => {
                described(Code::Unavailable, "JOURNAL_BROKEN", "`op-dbus doctor` looks at the journal")
            }
            Self::Closed => described(Code::Unavailable, "GOING_DOWN", "ask again when the daemon is back"),
        }
    }
}

impl Describe for ReadError {
    fn describe(&self) -> Described {
        match self {
            Self::Corrupt(_) => {
                described(Code::DataLoss, "JOURNAL_CORRUPT", "restore the journal from a backup")
            }
            Self::Broken(_) => {
                described(Code::Unavailable, "JOURNAL_BROKEN", "`op-dbus doctor` looks at the journal")
            }
        }
    }
}

impl Describe for FindError {
    fn describe(&self) -> Described {
        match self {
            Self::Unknown(_) => described(Code::NotFound, "RUN_UNKNOWN", "`op-dbus ls` lists the runs"),
            Self::Ambiguous { .. } => {
                described(Code::InvalidArgument, "RUN_AMBIGUOUS", "give more of the id")
            }
            Self::Read(error) => error.describe(),
        }
    }
}

impl Describe for GetError {
    fn describe(&self) -> Described {
        match self {
            Self::Find(error) => error.describe(),
            Self::Read(error) => error.describe(),
            Self::Replay { .. } | Self::NoPlan { .. } => described(Code::DataLoss, "JOURNAL_CORRUPT", ""),
            Self::Step { .. } => {
                described(Code::NotFound, "STEP_UNKNOWN", "`op-dbus show RUN` lists the steps")
            }
        }
    }
}

impl Describe for ControlError {
    fn describe(&self) -> Described {
        match self {
            Self::Find(error) => error.describe(),
            Self::Refused { refused: Refused::Cancelling, .. } => described(
                Code::FailedPrecondition,
                "RUN_CANCELLING",
                "`op-dbus watch RUN` follows it to its end",
            ),
            Self::Refused { refused, .. } => refusal(refused),
            Self::Get(error) => error.describe(),
            Self::Cast(error) => error.describe(),
            Self::Deaf(_) => described(Code::Unavailable, "GOING_DOWN", "ask again when the daemon is back"),
        }
    }
}

/// Why a run does not do what somebody wants.
fn refusal(refused: &Refused) -> Described {
    let show = "`op-dbus show RUN` lists phases and steps";
    match refused {
        Refused::Unknown(_) => described(Code::NotFound, "STEP_UNKNOWN", show),
        Refused::NotAsked { .. } => {
            described(Code::FailedPrecondition, "NOT_ASKED", "`op-dbus explain RUN` tells what it waits for")
        }
        Refused::OtherQuestion(_) => {
            described(Code::Aborted, "OTHER_QUESTION", "`op-dbus explain RUN` shows what is asked now")
        }
        Refused::NoSignal { .. } => described(Code::NotFound, "SIGNAL_UNKNOWN", ""),
        Refused::TooManySignals(_) => described(Code::ResourceExhausted, "TOO_MANY_SIGNALS", ""),
        Refused::Begun { .. } => described(Code::FailedPrecondition, "STEP_BEGUN", show),
        Refused::NothingToUndo => described(Code::FailedPrecondition, "NOTHING_TO_UNDO", ""),
        Refused::NothingToRetry => described(Code::FailedPrecondition, "NOTHING_TO_RETRY", show),
        Refused::Started
        | Refused::Cast { .. }
        | Refused::Unexpected
        | Refused::State(_)
        | Refused::Unfit { .. }
        | Refused::Cancelling => {
            described(Code::FailedPrecondition, "RUN_STATE", "`op-dbus show RUN` tells its state")
        }
    }
}

impl Describe for ScheduleError {
    fn describe(&self) -> Described {
        match self {
            Self::None(_) => {
                described(Code::NotFound, "SCHEDULE_UNKNOWN", "`op-dbus schedules` lists the schedules")
            }
            Self::Append(error) => error.describe(),
            Self::Read(error) => error.describe(),
            Self::Start(error) => error.describe(),
        }
    }
}

impl Describe for ConnectError {
    fn describe(&self) -> Described {
        match self {
            Self::Unknown(_) => {
                described(Code::NotFound, "AGENT_UNKNOWN", "`op-dbus agents` lists the agents")
            }
            Self::Unreachable { .. } => {
                described(Code::Unavailable, "AGENT_UNREACHABLE", "`op-dbus doctor` looks at the agents")
            }
        }
    }
}

impl Describe for TailError {
    fn describe(&self) -> Described {
        match self {
            Self::Slow(_) => {
                described(Code::ResourceExhausted, "READER_TOO_SLOW", "ask again from the last event")
            }
        }
    }
}
