//! What every error says beside its sentence: a kind, a stable reason and what to do next. Doors write it in the words of their
//! wire, so that a status over gRPC and an error over D-Bus tell the same.

use std::time::Duration;

use op_run::Refused;

use crate::batch::BatchError;
use crate::guard::rate::RateError;
use crate::handle::call::CallError;
use crate::handle::control::ControlError;
use crate::handle::query::{FindError, GetError};
use crate::handle::schedule::ScheduleError;
use crate::handle::tail::TailError;
use crate::names::NameError;
use crate::ports::{AppendError, ConnectError, Denied, ReadError, ReloadError};
use crate::session::SessionError;
use crate::start::StartError;

/// What kind of error it is, whatever the wire calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What was asked for is not well formed.
    Invalid,
    /// What was named is not there.
    Unknown,
    /// It makes no sense in the state things are in.
    Unmet,
    /// It is there already, and differs.
    Exists,
    /// A limit is reached.
    Exhausted,
    /// Somebody else was quicker; ask again.
    Aborted,
    /// What is needed cannot be reached now.
    Unavailable,
    /// The caller may not do this.
    Denied,
    /// The caller may do this once a person has proven who it is.
    Unproven,
    /// What was kept cannot be read any more.
    Lost,
}

/// When to ask again where somebody else must come first: a link, an agent or a daemon.
const SOON: Duration = Duration::from_secs(2);

/// When to ask again where a daemon is to come back.
const LATER: Duration = Duration::from_secs(5);

/// An error that has a kind, a reason and perhaps a hint.
pub trait Describe: std::error::Error {
    /// What it says beside its sentence.
    fn describe(&self) -> Described;

    /// When asking for the same again makes sense; `None` where it does not by itself. What cannot be reached now can soon.
    fn again(&self) -> Option<Duration> {
        let described = self.describe();
        match (described.kind, described.reason) {
            (Kind::Unavailable, "GOING_DOWN" | "DRAINING") => Some(LATER),
            (Kind::Unavailable, _) => Some(SOON),
            _ => None,
        }
    }
}

/// What an error says beside its sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// What kind of error it is.
    pub kind: Kind,
    /// Stable name of the cause, in capitals.
    pub reason: &'static str,
    /// What to do next; empty when there is nothing to say.
    pub hint: &'static str,
}

const fn described(kind: Kind, reason: &'static str, hint: &'static str) -> Described {
    Described { kind, reason, hint }
}

/// The sentence of an error with those of its causes.
pub fn sentence(error: &dyn std::error::Error) -> String {
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
            Self::Plan { .. } => described(Kind::Unknown, "PLAN_UNKNOWN", "`op-dbus plans` lists the plans"),
            Self::Agent { .. } => {
                described(Kind::Unknown, "AGENT_UNKNOWN", "`op-dbus agents` lists the agents")
            }
            Self::Operation { .. } => described(Kind::Unknown, "OPERATION_UNKNOWN", ""),
            Self::Whole(_) => {
                described(Kind::Invalid, "OPERATION_MISSING", "`op-dbus agents` lists the operations")
            }
            Self::Bare { .. } => described(
                Kind::Unknown,
                "NAME_UNKNOWN",
                "`op-dbus plans` lists the plans and `op-dbus tools` the tools",
            ),
            Self::Skill { .. } => {
                described(Kind::Unknown, "SKILL_UNKNOWN", "`op-dbus skills` lists the skills")
            }
        }
    }
}

impl Describe for CallError {
    fn describe(&self) -> Described {
        match self {
            Self::Name(error) => error.describe(),
            Self::Session(error) => error.describe(),
            Self::Rate(error) => error.describe(),
        }
    }

    fn again(&self) -> Option<Duration> {
        match self {
            Self::Name(_) | Self::Session(_) => None,
            Self::Rate(error) => error.again(),
        }
    }
}

impl Describe for RateError {
    fn describe(&self) -> Described {
        let hint = "wait, or raise the limits of calls under `[limits]` in op-dbusd.toml";
        described(Kind::Exhausted, "RATE_LIMITED", hint)
    }

    fn again(&self) -> Option<Duration> {
        Some(self.again)
    }
}

impl Describe for BatchError {
    fn describe(&self) -> Described {
        described(Kind::Invalid, "BATCH_INVALID", "")
    }
}

impl Describe for StartError {
    fn describe(&self) -> Described {
        match self {
            Self::Name(error) => error.describe(),
            Self::Inputs { .. } => {
                described(Kind::Invalid, "INPUTS_INVALID", "`op-dbus plans` shows what a plan takes")
            }
            Self::CastUnknown { .. } => {
                described(Kind::Unknown, "CAST_UNKNOWN", "`op-dbus casts` lists the casts")
            }
            Self::Part { .. } | Self::CastUnfit { .. } | Self::Uncast { .. } => {
                described(Kind::Invalid, "CAST_INVALID", "`op-dbus graph` shows the steps")
            }
            Self::Key { .. } => described(Kind::Invalid, "INPUTS_INVALID", ""),
            Self::Label(_) => described(Kind::Invalid, "LABEL_RESERVED", "choose another name for the label"),
            Self::Busy { .. } => described(Kind::Unmet, "BUSY", "`op-dbus watch RUN` follows it to its end"),
            Self::KeyReused { .. } => described(Kind::Exists, "IDEMPOTENCY_KEY_REUSED", "use a new key"),
            Self::TooMany(_) => described(Kind::Exhausted, "TOO_MANY_RUNS", ""),
            Self::Draining => described(
                Kind::Unavailable,
                "DRAINING",
                "runs under way go on; start it again when the host takes runs again",
            ),
            Self::GoingDown => {
                described(Kind::Unavailable, "GOING_DOWN", "ask again when the daemon is back")
            }
            Self::Session(error) => error.describe(),
            Self::Append(error) => error.describe(),
            Self::Read(error) => error.describe(),
        }
    }
}

impl Describe for SessionError {
    fn describe(&self) -> Described {
        match self {
            Self::TooMany(_) | Self::TooManyOfUser { .. } => described(
                Kind::Exhausted,
                "TOO_MANY_SESSIONS",
                "`op-dbus sessions` lists those that are open",
            ),
            Self::Unknown(_) => {
                described(Kind::Unknown, "SESSION_UNKNOWN", "`op-dbus sessions` lists those that are open")
            }
        }
    }
}

impl Describe for AppendError {
    fn describe(&self) -> Described {
        match self {
            Self::Full(_) => described(Kind::Exhausted, "DISK_FULL", "make room on the disk of the journal"),
            Self::Conflict { .. } | Self::KeyTaken(_) => described(Kind::Aborted, "JOURNAL_CONFLICT", ""),
            Self::Broken(_) => {
                described(Kind::Unavailable, "JOURNAL_BROKEN", "`op-dbus doctor` looks at the journal")
            }
            Self::Closed => described(Kind::Unavailable, "GOING_DOWN", "ask again when the daemon is back"),
        }
    }
}

impl Describe for ReadError {
    fn describe(&self) -> Described {
        match self {
            Self::Corrupt(_) => described(Kind::Lost, "JOURNAL_CORRUPT", "restore the journal from a backup"),
            Self::Broken(_) => {
                described(Kind::Unavailable, "JOURNAL_BROKEN", "`op-dbus doctor` looks at the journal")
            }
        }
    }
}

impl Describe for FindError {
    fn describe(&self) -> Described {
        match self {
            Self::Unknown(_) => described(Kind::Unknown, "RUN_UNKNOWN", "`op-dbus ls` lists the runs"),
            Self::Ambiguous { .. } => described(Kind::Invalid, "RUN_AMBIGUOUS", "give more of the id"),
            Self::Read(error) => error.describe(),
        }
    }
}

impl Describe for GetError {
    fn describe(&self) -> Described {
        match self {
            Self::Find(error) => error.describe(),
            Self::Read(error) => error.describe(),
            Self::Replay { .. } | Self::NoPlan { .. } => described(Kind::Lost, "JOURNAL_CORRUPT", ""),
            Self::Step { .. } => {
                described(Kind::Unknown, "STEP_UNKNOWN", "`op-dbus show RUN` lists the steps")
            }
        }
    }
}

impl Describe for ControlError {
    fn describe(&self) -> Described {
        match self {
            Self::Find(error) => error.describe(),
            Self::Refused { refused, .. } => refusal(refused),
            Self::Get(error) => error.describe(),
            Self::Cast(error) => error.describe(),
            Self::Deaf(_) => described(Kind::Unavailable, "GOING_DOWN", "ask again when the daemon is back"),
        }
    }
}

/// Why a run does not do what somebody wants.
fn refusal(refused: &Refused) -> Described {
    let show = "`op-dbus show RUN` lists phases and steps";
    match refused {
        Refused::Unknown(_) => described(Kind::Unknown, "STEP_UNKNOWN", show),
        Refused::NotAsked { .. } => {
            described(Kind::Unmet, "NOT_ASKED", "`op-dbus explain RUN` tells what it waits for")
        }
        Refused::OtherQuestion(_) => {
            described(Kind::Aborted, "OTHER_QUESTION", "`op-dbus explain RUN` shows what is asked now")
        }
        Refused::NoSignal { .. } => described(Kind::Unknown, "SIGNAL_UNKNOWN", ""),
        Refused::TooManySignals(_) => described(Kind::Exhausted, "TOO_MANY_SIGNALS", ""),
        Refused::Begun { .. } => described(Kind::Unmet, "STEP_BEGUN", show),
        Refused::Cancelling => {
            described(Kind::Unmet, "RUN_CANCELLING", "`op-dbus watch RUN` follows it to its end")
        }
        Refused::NothingToUndo => described(Kind::Unmet, "NOTHING_TO_UNDO", ""),
        Refused::NothingToRetry => described(Kind::Unmet, "NOTHING_TO_RETRY", show),
        Refused::Started
        | Refused::Cast { .. }
        | Refused::Unexpected
        | Refused::State(_)
        | Refused::Unfit { .. } => described(Kind::Unmet, "RUN_STATE", "`op-dbus show RUN` tells its state"),
    }
}

impl Describe for ScheduleError {
    fn describe(&self) -> Described {
        match self {
            Self::None(_) => {
                described(Kind::Unknown, "SCHEDULE_UNKNOWN", "`op-dbus schedules` lists the schedules")
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
                described(Kind::Unknown, "AGENT_UNKNOWN", "`op-dbus agents` lists the agents")
            }
            Self::Unreachable { .. } => {
                described(Kind::Unavailable, "AGENT_UNREACHABLE", "`op-dbus doctor` looks at the agents")
            }
        }
    }
}

impl Describe for TailError {
    fn describe(&self) -> Described {
        match self {
            Self::Slow(_) => described(Kind::Exhausted, "READER_TOO_SLOW", "ask again from the last event"),
        }
    }
}

impl Describe for Denied {
    fn describe(&self) -> Described {
        match self {
            Self::Refused { .. } => described(
                Kind::Denied,
                "NOT_AUTHORIZED",
                "members of the group op-dbus-client may run plans; polkit rules of the host allow more",
            ),
            Self::Unproven { .. } => described(
                Kind::Unproven,
                "AUTHENTICATION_NEEDED",
                "ask again and allow that a person is asked for a password",
            ),
            Self::Silent { .. } => described(
                Kind::Denied,
                "AUTHORITY_UNAVAILABLE",
                "start polkit, or ask as root or as the user of the daemon",
            ),
        }
    }
}

impl Describe for ReloadError {
    fn describe(&self) -> Described {
        match self {
            Self::Invalid { .. } => described(
                Kind::Invalid,
                "CONFIG_INVALID",
                "mend the files and reload again; the configuration before stays in force",
            ),
            Self::Fixed => described(Kind::Unmet, "CONFIG_FIXED", "start it with `op-dbus serve`"),
        }
    }
}
