//! `op-dbusd.toml`: the daemon itself.

use std::net::SocketAddr;
use std::path::PathBuf;

use op_agents::settings::Confinement;
use serde::Deserialize;

use super::fragment::Span;

/// `op-dbusd.toml` as it is written. Every key can be left out; unknown ones are refused.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DaemonFile {
    /// Folder for what must last.
    pub state: Option<PathBuf>,
    /// Folders that agents may work in.
    pub allowed_roots: Option<Vec<PathBuf>>,
    /// Whether the kernel must hold agents to their roots: `require`, `prefer` or `off`.
    pub sandbox: Option<Confinement>,
    /// Folder with a file for each secret.
    pub credentials: Option<PathBuf>,
    /// The door for clients.
    #[serde(default)]
    pub grpc: Grpc,
    /// What the daemon is bounded by.
    #[serde(default)]
    pub limits: LimitsTable,
    /// The language model that plays roles.
    #[serde(default)]
    pub models: ModelsTable,
    /// Where skills are.
    #[serde(default)]
    pub skills: SkillsTable,
}

/// `[skills]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SkillsTable {
    /// Directories of skills, such as those of repositories that are trusted.
    pub directories: Option<Vec<PathBuf>>,
}

/// `[models]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelsTable {
    /// Base of an OpenAI-compatible API.
    pub url: Option<String>,
    /// The model that is asked unless a role names another one.
    pub model: Option<String>,
    /// Name of the credential that holds the key.
    pub key: Option<String>,
    /// How long one answer may take.
    pub timeout: Option<Span>,
}

/// `[grpc]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grpc {
    /// The Unix socket.
    pub socket: Option<PathBuf>,
    /// The TCP port; must be on loopback.
    pub listen: Option<SocketAddr>,
    /// Users, by number, that may use the socket beside root and the daemon's own.
    pub users: Option<Vec<u32>>,
}

/// `[limits]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsTable {
    /// Runs under way at the same time.
    pub runs: Option<usize>,
    /// Bytes of output kept of each attempt.
    pub output_bytes: Option<usize>,
    /// Bytes of the arguments of a call.
    pub argument_bytes: Option<usize>,
    /// Bytes of what steps returned that is kept for other runs.
    pub result_bytes: Option<u64>,
    /// How long calls in flight may take when the daemon goes down.
    pub drain: Option<Span>,
    /// How long a call by a client may take that does not say.
    pub call: Option<Span>,
    /// Sessions of clients that are open.
    pub sessions: Option<usize>,
    /// Sessions of one user that are open.
    pub user_sessions: Option<usize>,
    /// Calls of a session, or of a user outside of sessions, in any minute.
    pub calls_per_minute: Option<u32>,
    /// The same in any hour.
    pub calls_per_hour: Option<u32>,
    /// The same at one time.
    pub calls_at_once: Option<u32>,
}

impl DaemonFile {
    /// This file, with what a later one says on top.
    #[must_use]
    pub fn overlaid(self, later: Self) -> Self {
        Self {
            state: later.state.or(self.state),
            allowed_roots: later.allowed_roots.or(self.allowed_roots),
            sandbox: later.sandbox.or(self.sandbox),
            credentials: later.credentials.or(self.credentials),
            grpc: Grpc {
                socket: later.grpc.socket.or(self.grpc.socket),
                listen: later.grpc.listen.or(self.grpc.listen),
                users: later.grpc.users.or(self.grpc.users),
            },
            limits: LimitsTable {
                runs: later.limits.runs.or(self.limits.runs),
                output_bytes: later.limits.output_bytes.or(self.limits.output_bytes),
                argument_bytes: later.limits.argument_bytes.or(self.limits.argument_bytes),
                result_bytes: later.limits.result_bytes.or(self.limits.result_bytes),
                drain: later.limits.drain.or(self.limits.drain),
                call: later.limits.call.or(self.limits.call),
                sessions: later.limits.sessions.or(self.limits.sessions),
                user_sessions: later.limits.user_sessions.or(self.limits.user_sessions),
                calls_per_minute: later.limits.calls_per_minute.or(self.limits.calls_per_minute),
                calls_per_hour: later.limits.calls_per_hour.or(self.limits.calls_per_hour),
                calls_at_once: later.limits.calls_at_once.or(self.limits.calls_at_once),
            },
            models: ModelsTable {
                url: later.models.url.or(self.models.url),
                model: later.models.model.or(self.models.model),
                key: later.models.key.or(self.models.key),
                timeout: later.models.timeout.or(self.models.timeout),
            },
            skills: SkillsTable { directories: later.skills.directories.or(self.skills.directories) },
        }
    }
}
