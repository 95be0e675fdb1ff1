//! The engine of containers: `docker`, or `podman` where there is no docker.

pub(crate) mod build;

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::process::{self, Ended, Program};
use crate::tools::Desk;

/// Where docker's builder keeps its notes. It fails where it cannot write them, and its own choice is below the home, which
/// the sandbox closes.
const NOTES: &str = "BUILDX_CONFIG";

/// What to look at when an engine does not answer.
const UNREACHABLE: &str = "is the engine running, and may the agent reach it? DOCKER_HOST, DOCKER_CONFIG and CONTAINER_HOST \
                           reach it if `environment` of the agent names them";

/// A program that builds and pushes images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// docker.
    Docker,
    /// podman.
    Podman,
}

/// An engine that works for a call.
pub(crate) struct Engine<'a> {
    pub(crate) kind: Kind,
    desk: &'a Desk,
    call: &'a Call,
    directory: PathBuf,
}

impl Kind {
    /// The name of the program.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }
}

impl<'a> Engine<'a> {
    /// The engine of this host.
    pub(crate) async fn find(desk: &'a Desk, call: &'a Call) -> Result<Self, Failure> {
        for kind in [Kind::Docker, Kind::Podman] {
            let engine = Self::of(kind, desk, call)?;
            match engine.read(["--version"]).await {
                // What is installed as `docker` may be podman, which says other things than docker does.
                Ok(ended) if kind == Kind::Docker && ended.stdout.text().starts_with("podman") => {}
                Ok(_) => return Ok(engine),
                Err(failure) if failure.reason() == "program_missing" => {}
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::failed("program_missing", "there is neither `docker` nor `podman`")
            .hint("install `docker` or `podman`, or mend the PATH of the agent"))
    }

    /// A certain engine, whether it is there or not.
    pub(crate) fn of(kind: Kind, desk: &'a Desk, call: &'a Call) -> Result<Self, Failure> {
        Ok(Self { kind, desk, call, directory: desk.roots.existing(Path::new("."))? })
    }

    /// Lets it work in another directory.
    pub(crate) fn within(self, directory: PathBuf) -> Self {
        Self { directory, ..self }
    }

    /// Does something that people may watch. `what` names it in a failure.
    pub(crate) async fn run<T: AsRef<OsStr>>(
        &self,
        what: &str,
        args: impl IntoIterator<Item = T>,
    ) -> Result<Ended, Failure> {
        let ended = process::run(self.program(args), self.call).await?;
        ended.succeeded(&format!("{} {what}", self.kind.program()))
    }

    /// The image that a name stands for; `None` if there is none.
    ///
    /// The engines say that an image is not there in words of their own and with the exit code of any failure. So one that
    /// cannot be looked at is missing if the engine can list images at all.
    pub(crate) async fn image(&self, name: &str) -> Result<Option<String>, Failure> {
        let name = tagged(name);
        let looked = self.read(["image", "inspect", "--format={{.Id}}", &name]).await?;
        if looked.status.success() {
            return Ok(Some(looked.stdout.text().trim().to_owned()));
        }
        let listed = self.read(["image", "ls", "--quiet", &name]).await?;
        let what = format!("{} image ls", self.kind.program());
        listed.succeeded(&what).map(|_| None).map_err(|failure| failure.hint(UNREACHABLE))
    }

    /// Does something whose answer the operation reads, well or not.
    pub(crate) async fn read<T: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = T>,
    ) -> Result<Ended, Failure> {
        process::read(self.program(args), self.call).await
    }

    fn program<T: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = T>) -> Program<'a> {
        let program = Program::new(&self.desk.settings, self.kind.program(), &self.directory).args(args);
        let is_given =
            self.desk.settings.environment.iter().any(|name| name == NOTES) && env::var_os(NOTES).is_some();
        match &self.desk.settings.state {
            Some(state) if !is_given => program.with(NOTES, &state.join("buildx")),
            _ => program,
        }
    }
}

/// The name of an image, as it may be given to an engine: no flag, and nothing but what names are made of.
pub(crate) fn name(text: &str) -> Result<(), Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '@');
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(plain) {
        return Ok(());
    }
    Err(Failure::rejected("invalid_arguments", format!("`{text}` is not the name of an image")))
}

/// The name with its tag, so that it is not taken for the beginning of an id.
fn tagged(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or_default();
    if last.contains([':', '@']) { name.to_owned() } else { format!("{name}:latest") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_flag_and_no_pattern() {
        for good in ["app", "app:1.2", "localhost:5000/team/app", "app@sha256:00ff"] {
            assert!(name(good).is_ok(), "{good}");
        }
        for bad in ["", "--all", "a b", "app*", ":1", "app;ls"] {
            assert_eq!(name(bad).unwrap_err().reason(), "invalid_arguments", "{bad}");
        }
    }

    #[test]
    fn a_name_without_a_tag_means_the_latest() {
        assert_eq!(tagged("app"), "app:latest");
        assert_eq!(tagged("localhost:5000/app"), "localhost:5000/app:latest");
        assert_eq!(tagged("app:1"), "app:1");
    }
}
