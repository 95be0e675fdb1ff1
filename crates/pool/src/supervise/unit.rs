//! An agent as a unit of systemd: started and stopped over D-Bus, watched until it ends, and told what it may touch by a file.

use std::fs;
use std::future::Future;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::systemd::{Job, Systemd, SystemdError, Watched};
use crate::settings::UnitLaunch;

const UNIT_SERVICE: &str = "org.freedesktop.systemd1.Service";

/// How long a job may take before the hub gives it up: longer than the unit may take to start or stop.
const JOB: Duration = Duration::from_mins(1);

/// How long a unit may take to be gone after it was killed.
const KILLED: Duration = Duration::from_secs(5);

/// A unit that was started, and is watched. Dropping it lets go of the unit, which runs on.
#[derive(Debug)]
pub(crate) struct Unit {
    launch: UnitLaunch,
    standing: watch::Receiver<Standing>,
    /// The one task that starts and watches.
    _watch: JoinSet<()>,
}

/// How a unit stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    Starting,
    /// It runs, with this process where systemd tells it.
    Runs(Option<u32>),
    /// It does not run, for this reason.
    Ended(String),
}

/// Why a unit does not run.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("cannot write `{0}`, from which the unit is told what it may touch: {1}")]
    File(String, io::Error),
    #[error(transparent)]
    Systemd(#[from] SystemdError),
    #[error("the job to start {0} was not over within {JOB:?}")]
    Slow(String),
}

impl Unit {
    /// Begins to start a unit.
    pub(crate) fn start(launch: UnitLaunch) -> Self {
        let (tell, standing) = watch::channel(Standing::Starting);
        let mut task = JoinSet::new();
        let told = launch.clone();
        task.spawn(async move {
            let reason = match bring_up(&told).await {
                Ok(mut unit) => {
                    tell.send_replace(Standing::Runs(main_pid(&unit).await));
                    follow(&mut unit).await
                }
                Err(error) => error.to_string(),
            };
            tell.send_replace(Standing::Ended(reason));
        });
        Self { launch, standing, _watch: task }
    }

    /// Resolves once it runs; never, if it does not come to that.
    pub(crate) fn started(&self) -> impl Future<Output = ()> + use<> {
        let mut standing = self.standing.clone();
        async move {
            let never = standing.wait_for(|now| matches!(now, Standing::Runs(_))).await.is_err();
            if never {
                std::future::pending::<()>().await;
            }
        }
    }

    pub(crate) fn id(&self) -> Option<u32> {
        match &*self.standing.borrow() {
            Standing::Runs(pid) => *pid,
            Standing::Starting | Standing::Ended(_) => None,
        }
    }

    /// Returns once it has ended, or has failed to start.
    pub(crate) async fn ended(&self) {
        // A task that is gone without a word was aborted together with this value.
        let _ = self.standing.clone().wait_for(|now| matches!(now, Standing::Ended(_))).await;
    }

    /// Why it ended.
    pub(crate) fn reap(self) -> String {
        match &*self.standing.borrow() {
            Standing::Ended(reason) => reason.clone(),
            Standing::Starting | Standing::Runs(_) => format!("the hub let go of {}", self.launch.unit),
        }
    }

    /// Has systemd stop the unit, and kills it when it has not ended within the grace.
    pub(crate) async fn stop(self, grace: Duration) {
        let UnitLaunch { unit, bus, .. } = &self.launch;
        if let Err(error) = stop(unit, bus.as_deref(), grace).await {
            tracing::warn!(unit, %error, "an agent is left to systemd");
        }
    }
}

async fn stop(unit: &str, bus: Option<&str>, grace: Duration) -> Result<(), SystemdError> {
    let systemd = Systemd::connect(bus).await?;
    let mut stopping = std::pin::pin!(systemd.job(Job::Stop, unit));
    if let Ok(ended) = tokio::time::timeout(grace, &mut stopping).await {
        return ended;
    }
    tracing::warn!(unit, ?grace, "an agent did not end in time and is killed");
    systemd.kill(unit).await?;
    let gone = tokio::time::timeout(KILLED, stopping).await;
    gone.unwrap_or_else(|_| Err(SystemdError::Gone(format!("stop {unit}"))))
}

/// Tells the agent what it may touch, and starts it; a unit that runs and was told something else is started anew.
async fn bring_up(launch: &UnitLaunch) -> Result<Watched, StartError> {
    let UnitLaunch { unit, file, told, bus } = launch;
    let unwritten = |error| StartError::File(file.display().to_string(), error);
    let is_news = tell(file, told).map_err(unwritten)?;
    let systemd = Systemd::connect(bus.as_deref()).await?;
    let watched = systemd.watch(unit).await?;
    let job = systemd.job(if is_news { Job::Restart } else { Job::Start }, unit);
    let done = match tokio::time::timeout(JOB, job).await {
        Ok(done) => done.map_err(StartError::from),
        Err(_) => Err(StartError::Slow(unit.clone())),
    };
    if done.is_ok() {
        // One that stays costs no more than a start anew.
        let _ = fs::remove_file(pending(file));
    }
    done.map(|()| watched)
}

/// The file that says that the unit may not have been told yet what its file says.
fn pending(file: &Path) -> PathBuf {
    file.with_extension("pending")
}

/// Writes what the agent is told, for this user alone; whether that may be something else than it knows.
fn tell(file: &Path, told: &str) -> io::Result<bool> {
    let pending = pending(file);
    if fs::read_to_string(file).is_ok_and(|before| before == told) {
        return pending.try_exists();
    }
    // Before the file: the hub may end at any time before the unit is started anew.
    fs::write(pending, "")?;
    // Whole or not at all: systemd may read at any time.
    let new = file.with_extension("new");
    let _ = fs::remove_file(&new);
    let mut written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    written.write_all(told.as_bytes())?;
    fs::rename(new, file)?;
    Ok(true)
}

/// Waits for the end of a unit and says how it came.
async fn follow(unit: &mut Watched) -> String {
    loop {
        match unit.state().await.as_deref() {
            // It is on its way out; how it ends is known when it has.
            Ok("active" | "reloading" | "refreshing" | "deactivating") => {}
            Ok(_) => return ending(unit).await,
            Err(error) => tracing::warn!(%error, "systemd does not say how an agent stands"),
        }
        if !unit.changed().await {
            // Nobody tells any more whether the unit runs. That its link breaks is seen elsewhere.
            std::future::pending::<()>().await;
        }
    }
}

async fn ending(unit: &Watched) -> String {
    let result = unit.property(UNIT_SERVICE, "Result").await.and_then(String::try_from);
    let status = unit.property(UNIT_SERVICE, "ExecMainStatus").await.and_then(i32::try_from);
    match (result, status) {
        (Ok(result), Ok(status)) => format!("its unit ended as `{result}`, with status {status}"),
        (Err(error), _) | (_, Err(error)) => format!("its unit ended, and how is not known: {error}"),
    }
}

async fn main_pid(unit: &Watched) -> Option<u32> {
    let pid = unit.property(UNIT_SERVICE, "MainPID").await.and_then(u32::try_from);
    pid.ok().filter(|pid| *pid != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn an_agent_is_told_by_a_file_of_this_user_alone_and_what_it_was_told_is_no_news() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.json");
        let news = ["{}", "{}", "{\"roots\":[]}"].map(|told| tell(&file, told).expect("writes"));
        assert_eq!(news, [true; 3], "it was not started with any of it");
        fs::remove_file(pending(&file)).expect("it is there");
        assert!(!tell(&file, "{\"roots\":[]}").expect("reads"));
        let mode = fs::metadata(&file).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).expect("reads").count(), 1);
    }

    #[tokio::test]
    async fn a_unit_without_a_bus_ends_with_a_sentence_that_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let bus = format!("unix:path={}", folder.path().join("nobody").display());
        let file = folder.path().join("a.json");
        let unit = "op-agent@a.service".to_owned();
        let unit = Unit::start(UnitLaunch { unit, file, told: "{}".to_owned(), bus: Some(bus) });
        unit.ended().await;
        let reason = unit.reap();
        assert!(reason.starts_with("systemd cannot be asked to"), "{reason}");
    }
}
