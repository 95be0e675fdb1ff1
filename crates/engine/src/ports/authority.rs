//! The port to whoever decides what a caller may do: polkit on a Linux host.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use async_trait::async_trait;

/// Who is calling, as far as the kernel or the bus vouches for it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// User id; `None` for somebody who came in over TCP on loopback, whom nobody vouches for.
    pub user: Option<u32>,
    /// What an authority is asked about.
    pub subject: Subject,
}

/// A caller as an authority knows it.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A connection to the message bus, by its unique name (`:1.42`). It names the caller without a race.
    BusName(String),
    /// A process on the other end of a socket, held by a descriptor of it so that its id cannot be taken over by another.
    Process {
        /// Process id.
        pid: u32,
        /// The process; `None` when the kernel did not hand one out.
        descriptor: Option<Arc<OwnedFd>>,
    },
    /// Somebody on this host, in words such as `tcp:127.0.0.1`.
    Unknown(String),
}

impl Caller {
    /// The caller in words, for the journal: `uid:1000`, or `tcp:127.0.0.1`.
    pub fn name(&self) -> String {
        match (self.user, &self.subject) {
            (Some(user), _) => user_name(user),
            (None, Subject::Unknown(words)) => words.clone(),
            (None, Subject::BusName(_) | Subject::Process { .. }) => "unknown".to_owned(),
        }
    }
}

/// A user in the words of the journal.
pub fn user_name(user: u32) -> String {
    format!("uid:{user}")
}

/// What a caller can be allowed; one polkit action each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// To start runs, to steer one's own, and to call operations.
    Run,
    /// To steer runs of others.
    ControlOthers,
    /// To read what runs of others did and wrote.
    ReadOutput,
    /// To connect, disconnect and restart agents.
    ManageAgents,
    /// To have the configuration read again, and to change what is logged.
    Reload,
    /// To let the daemon take no new runs, and to have its state written out.
    Admin,
}

impl Right {
    /// Every right.
    pub const ALL: [Self; 6] =
        [Self::Run, Self::ControlOthers, Self::ReadOutput, Self::ManageAgents, Self::Reload, Self::Admin];

    /// Its name, as the last part of the polkit action.
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::ControlOthers => "control-others",
            Self::ReadOutput => "read-output",
            Self::ManageAgents => "manage-agents",
            Self::Reload => "reload",
            Self::Admin => "admin",
        }
    }
}

/// Why a caller may not do what it wants. Nothing happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It is not allowed.
    #[error("{caller} may not do this: it needs the right `{right}`", right = right.word())]
    Refused {
        /// The caller in words.
        caller: String,
        /// What it would need.
        right: Right,
    },
    /// It would be allowed after a person has proven who it is, and the caller did not allow that one is asked.
    #[error("{caller} may do this (right `{right}`) only after a person has authenticated", right = right.word())]
    Unproven {
        /// The caller in words.
        caller: String,
        /// What it would need.
        right: Right,
    },
    /// Nobody is there to say so; then it is not allowed.
    #[error("whether {caller} may do this (right `{right}`) cannot be asked: {reason}", right = right.word())]
    Silent {
        /// The caller in words.
        caller: String,
        /// What it would need.
        right: Right,
        /// Why nobody can be asked.
        reason: String,
    },
}

/// Decides what callers may do that are neither root nor the daemon's own user.
#[async_trait]
pub trait Authority: Send + Sync + 'static {
    /// Whether a caller has a right. `about` is told to the authority, for rules of the host (`definition` = `deploy`); a
    /// person is asked only when `interactive`.
    async fn allows(
        &self,
        caller: &Caller,
        right: Right,
        about: &[(&str, &str)],
        interactive: bool,
    ) -> Result<(), Denied>;
}
