//! `op-dbus serve` as a process.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use op_proto::v1::ListPlansRequest;
use rustix::process::Signal;
use tokio::process::Child;

use super::{Client, PATIENCE, Place, process, until};

/// A daemon that answers. It is killed when it is dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    client: Client,
    log: PathBuf,
}

impl Daemon {
    /// Starts the daemon of a place and waits until it answers.
    ///
    /// # Panics
    /// When it ends before it does.
    pub async fn start(place: &Place) -> Self {
        Self::start_as(place, &[], &[]).await
    }

    /// As [`Daemon::start`], with more words and with variables.
    ///
    /// # Panics
    /// When it ends before it answers.
    pub async fn start_as(place: &Place, words: &[&str], variables: &[(&str, &str)]) -> Self {
        let log = place.at("daemon.log");
        let file = File::options().create(true).append(true).open(&log).expect("a log");
        let mut command = place.command(&["serve"]);
        command.args(words).envs(variables.iter().copied());
        command.stdout(Stdio::null()).stderr(Stdio::from(file));
        let mut child = command.spawn().expect("the daemon starts");
        let client = until("an answer of the daemon", async || {
            if let Some(status) = child.try_wait().expect("it can be asked") {
                panic!("the daemon ended with {status}\n{}", fs::read_to_string(&log).unwrap_or_default());
            }
            let client = Client::connect(&place.socket()).await?;
            client.plans().list(ListPlansRequest {}).await.ok().map(|_| client)
        });
        let client = client.await;
        Self { child, client, log }
    }

    /// A client of it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Its process.
    ///
    /// # Panics
    /// When it has ended.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("the daemon runs")
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The most memory it had at one time, in bytes.
    pub fn peak_memory(&self) -> u64 {
        process::peak_memory(self.pid())
    }

    /// Kills it as `kill -9` does.
    ///
    /// # Panics
    /// When it has ended before.
    pub async fn kill(mut self) {
        self.child.start_kill().expect("it runs");
        self.child.wait().await.expect("it is gone");
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Panics
    /// When it does not.
    pub async fn terminate(self) -> ExitStatus {
        process::signal(self.pid(), Signal::TERM);
        self.exit().await
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// When it does not.
    pub async fn exit(mut self) -> ExitStatus {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("the daemon ends").expect("it can be waited for")
    }
}
