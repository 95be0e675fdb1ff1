//! What is to be run, and where, and with what.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use op_agent::{Call, Failure};
use tokio::process::Command;

use super::group;
use super::running::Running;
use crate::settings::Settings;

/// A program with its arguments, directory, environment and limits.
pub(crate) struct Program<'a> {
    settings: &'a Settings,
    name: OsString,
    arguments: Vec<OsString>,
    directory: PathBuf,
    environment: Vec<(String, String)>,
    pub(super) input: Option<Vec<u8>>,
    pub(super) time_limit: Duration,
    pub(super) output_limit: usize,
}

/// Why a program did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// There is no such program.
    #[error("there is no program `{0}`")]
    Missing(String),
    /// The call gives a variable that may not reach programs.
    #[error("the environment variable {0} may not be given to programs")]
    Environment(String),
    /// The system refused.
    #[error("starting `{program}`: {source}")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
}

impl<'a> Program<'a> {
    /// A program that runs in `directory`, without arguments or input, within the time limit of the settings.
    pub(crate) fn new(settings: &'a Settings, name: impl AsRef<OsStr>, directory: &Path) -> Self {
        Self {
            settings,
            name: name.as_ref().to_owned(),
            arguments: Vec::new(),
            directory: directory.to_owned(),
            environment: Vec::new(),
            input: None,
            time_limit: settings.time_limit,
            output_limit: settings.output_limit(),
        }
    }

    /// Adds arguments.
    pub(crate) fn args<T: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Gives variables beyond those of the agent; only names on the allow-list are taken.
    pub(crate) fn environment(
        mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, StartError> {
        for (name, value) in variables {
            if !self.settings.environment.contains(&name) {
                return Err(StartError::Environment(name));
            }
            self.environment.push((name, value));
        }
        Ok(self)
    }

    /// Gives a variable of the agent's own choice, which no caller can reach.
    pub(crate) fn with(mut self, name: &str, value: &Path) -> Self {
        self.environment.push((name.to_owned(), value.display().to_string()));
        self
    }

    /// Keeps at most `bytes` of each stream, whatever the settings keep of outputs: for what must be read whole.
    pub(crate) fn keeping(mut self, bytes: usize) -> Self {
        self.output_limit = bytes;
        self
    }

    /// Gives input; without it the program reads an empty one.
    pub(crate) fn input(mut self, input: Option<String>) -> Self {
        self.input = input.map(String::into_bytes);
        self
    }

    /// Shortens the time limit of the settings.
    pub(crate) fn within(mut self, limit: Option<Duration>) -> Self {
        self.time_limit = limit.map_or(self.time_limit, |limit| limit.min(self.time_limit));
        self
    }

    /// Starts the program for `call`.
    pub(crate) fn start(self, call: &Call) -> Result<Running, StartError> {
        let (child, group) = group::start(&mut self.command()).map_err(|error| self.refused(error))?;
        Running::new(child, group, &self, call).map_err(|error| self.refused(error))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.name);
        command
            .args(&self.arguments)
            .current_dir(&self.directory)
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| self.lets_through(name)))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(if self.input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn lets_through(&self, name: &OsStr) -> bool {
        self.settings.environment.iter().any(|allowed| name == allowed.as_str())
    }

    fn refused(&self, source: io::Error) -> StartError {
        let program = self.name.to_string_lossy().into_owned();
        match source.kind() {
            io::ErrorKind::NotFound => StartError::Missing(program),
            _ => StartError::Start { program, source },
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let message = error.to_string();
        match error {
            StartError::Missing(program) => Self::failed("program_missing", message)
                .hint(format!("install `{program}`, or mend the PATH of the agent")),
            StartError::Environment(name) => Self::rejected("environment_not_allowed", message)
                .hint(format!("add {name} to `environment` in the settings of the agent")),
            StartError::Start { .. } => Self::failed("program_not_started", message),
        }
    }
}
