//! A private message bus, and ears on it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use futures::StreamExt as _;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use zbus::message::{Message, Type};
use zbus::{Connection, MatchRule, MessageStream};

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A dbus-daemon of its own; it ends with the value.
pub(crate) struct PrivateBus {
    dir: TempDir,
    daemon: Child,
}

impl PrivateBus {
    pub(crate) async fn start() -> Self {
        let dir = TempDir::new().expect("a directory");
        open_to_all(dir.path());
        let config = format!(
            "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
             \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
             <busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\"><allow user=\"*\"/><allow send_destination=\"*\" eavesdrop=\"true\"/>\
             <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
            dir.path().join("bus").display()
        );
        std::fs::write(dir.path().join("bus.conf"), config).expect("a file");
        let daemon = spawn(dir.path()).await;
        Self { dir, daemon }
    }

    pub(crate) fn address(&self) -> String {
        format!("unix:path={}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("bus")
    }

    pub(crate) async fn connect(&self) -> Connection {
        let builder = zbus::connection::Builder::address(self.address().as_str());
        builder.method_timeout(PATIENCE).build().await.expect("the bus is there")
    }

    /// Ends the daemon of the bus.
    pub(crate) async fn stop(&mut self) {
        self.daemon.kill().await.expect("it was there");
        // The next one makes its own.
        let _ = std::fs::remove_file(self.socket());
    }

    /// Starts the daemon of the bus again, at the same address.
    pub(crate) async fn start_again(&mut self) {
        self.daemon = spawn(self.dir.path()).await;
    }
}

async fn spawn(dir: &Path) -> Child {
    let mut command = Command::new("dbus-daemon");
    command.arg("--config-file").arg(dir.join("bus.conf"));
    command.args(["--nofork", "--nosyslog", "--print-address=1"]);
    command.stdout(Stdio::piped()).kill_on_drop(true);
    let mut daemon = command.spawn().expect("dbus-daemon is installed");
    let mut lines = BufReader::new(daemon.stdout.take().expect("it has one")).lines();
    lines.next_line().await.expect("readable").expect("it tells its address once it listens");
    daemon
}

/// A way to a bus on which the first connection can be wedged, as by a bus that reads it no more; later ones are not.
pub(crate) struct Relay {
    dir: TempDir,
    wedged: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Relay {
    pub(crate) fn start(bus: &PrivateBus) -> Self {
        let dir = TempDir::new().expect("a directory");
        let listener = UnixListener::bind(dir.path().join("relay")).expect("a socket");
        let (wedged, to) = (watch::Sender::new(false), bus.socket());
        let wedge = wedged.subscribe();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            let mut is_first = true;
            while let Ok((client, _)) = listener.accept().await {
                let wedge = is_first.then(|| wedge.clone());
                is_first = false;
                connections.spawn(relay(client, to.clone(), wedge));
            }
        });
        Self { dir, wedged, task }
    }

    pub(crate) fn address(&self) -> String {
        format!("unix:path={}", self.dir.path().join("relay").display())
    }

    /// From now on nothing goes over the first connection any more, and it stays open.
    pub(crate) fn wedge(&self) {
        self.wedged.send_replace(true);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn relay(mut client: UnixStream, to: PathBuf, wedge: Option<watch::Receiver<bool>>) {
    let mut bus = UnixStream::connect(to).await.expect("the bus is there");
    let is_wedged = async {
        match wedge {
            Some(mut wedge) => drop(wedge.wait_for(|wedged| *wedged).await),
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        // How a connection ends is no matter of the way between.
        _ = tokio::io::copy_bidirectional(&mut client, &mut bus) => return,
        () = is_wedged => {}
    }
    std::future::pending::<()>().await;
}

fn open_to_all(dir: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).expect("its own directory");
}

/// Hears every signal of the daemon, in order.
pub(crate) struct Ear {
    heard: mpsc::UnboundedReceiver<Message>,
}

impl Ear {
    /// Hears what a connection is sent from now on.
    pub(crate) async fn on(connection: &Connection) -> Self {
        let rule = MatchRule::builder().msg_type(Type::Signal).sender(op_dbus::NAME).build().expect("valid");
        let mut signals = MessageStream::for_match_rule(rule, connection, None).await.expect("listening");
        let (sender, heard) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(message)) = signals.next().await {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        Self { heard }
    }

    /// The next signal.
    pub(crate) async fn next(&mut self) -> Message {
        let heard = tokio::time::timeout(PATIENCE, self.heard.recv()).await;
        heard.expect("a signal comes in time").expect("the connection lives")
    }

    /// The next signal that a test waits for; those before it are passed over.
    pub(crate) async fn wait(&mut self, is_it: impl Fn(&Message) -> bool) -> Message {
        loop {
            let message = self.next().await;
            if is_it(&message) {
                return message;
            }
        }
    }

    /// The next signal of this name.
    pub(crate) async fn signal(&mut self, member: &str) -> Message {
        self.wait(|message| is(message, member)).await
    }

    /// Every signal up to the one that a test waits for, that one included.
    pub(crate) async fn all_until(&mut self, is_it: impl Fn(&Message) -> bool) -> Vec<Message> {
        let mut all = Vec::new();
        loop {
            let message = self.next().await;
            let is_last = is_it(&message);
            all.push(message);
            if is_last {
                return all;
            }
        }
    }
}

pub(crate) fn is(message: &Message, member: &str) -> bool {
    message.header().member().is_some_and(|name| name.as_str() == member)
}

pub(crate) fn path_of(message: &Message) -> String {
    message.header().path().expect("a signal has one").to_string()
}
