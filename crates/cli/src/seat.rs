//! The daemon that answers, or the one that is hosted in this process because none does.

use std::path::{Path, PathBuf};

use op_daemon::{Configuration, Host, HostOptions, logging};
use op_proto::v1::{GetPlanRequest, GetRequest, Input};

use crate::client::{Client, ConnectError};
use crate::failure::{Exit, Failure};
use crate::inputs;
use crate::interrupt::Interrupts;
use crate::options::Globals;
use crate::print;
use crate::render::gate::quoted;
use crate::terminal::Terminal;

/// What a hosted daemon logs unless it is asked to: what it does is seen by other means.
const SILENCE: &str = "off";

/// What a command stands on: the options that all take, and the terminal.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) globals: Globals,
    pub(crate) terminal: Terminal,
}

impl Context {
    /// The configuration that the options name.
    pub(crate) fn configuration(&self) -> Result<Configuration, Failure> {
        let read = Configuration::load(self.globals.config.as_deref());
        read.map_err(|error| Failure::refused("cannot read the configuration").because(&error))
    }

    /// The configuration of a daemon in this process: it also has the skills of the repository that this process is in, which its user
    /// may read anyway.
    pub(crate) fn hosted_configuration(&self) -> Result<Configuration, Failure> {
        let configuration = self.configuration()?;
        Ok(match std::env::current_dir() {
            Ok(folder) => configuration.with_repository(&folder),
            // Who stands nowhere is in no repository.
            Err(_) => configuration,
        })
    }

    /// Connects to the daemon, or hosts one that may touch `roots`, and does something with it. What was hosted is stopped
    /// at the end, also when the user interrupts.
    pub(crate) async fn with<F>(&self, roots: Vec<PathBuf>, work: F) -> Result<Exit, Failure>
    where
        F: AsyncFnOnce(&Session) -> Result<Exit, Failure>,
    {
        let mut interrupts = Interrupts::listen()?;
        let session = self.open(roots, &mut interrupts).await?;
        let result = tokio::select! {
            result = work(&session) => result,
            _ = interrupts.next() => Err(Failure::interrupted()),
        };
        session.close().await;
        result
    }

    /// Connects to the daemon, or hosts one, unless the user interrupts.
    pub(crate) async fn open(
        &self,
        roots: Vec<PathBuf>,
        interrupts: &mut Interrupts,
    ) -> Result<Session, Failure> {
        let open = async { Seat::find(self).await?.open(roots).await };
        tokio::select! {
            session = open => session,
            _ = interrupts.next() => Err(Failure::interrupted()),
        }
    }
}

/// Where the daemon is, before anything is started.
pub(crate) enum Seat {
    /// One answers.
    Daemon(Client),
    /// None does; this is what one would be started with.
    Empty(Box<Configuration>),
}

impl Seat {
    /// Looks for the daemon.
    pub(crate) async fn find(ctx: &Context) -> Result<Self, Failure> {
        if let Some(socket) = &ctx.globals.socket {
            return Ok(Self::Daemon(Client::connect(socket).await.map_err(|error| unreachable(&error))?));
        }
        let configuration = ctx.hosted_configuration()?;
        let own = configuration.socket();
        for socket in configuration.sockets() {
            match Client::connect(&socket).await {
                Ok(client) => return Ok(Self::Daemon(client)),
                Err(ConnectError::Absent(_)) => {}
                // The host's daemon is not there for everybody.
                Err(ConnectError::Denied(_)) if socket != own => {}
                Err(error) => return Err(unreachable(&error)),
            }
        }
        for note in configuration.notes() {
            print::note(&format!("{} {note}", ctx.terminal.aside.yellow("warning:")));
        }
        Ok(Self::Empty(Box::new(configuration)))
    }

    /// What a plan takes.
    pub(crate) async fn inputs(&self, plan: &str, terminal: &Terminal) -> Result<Vec<Input>, Failure> {
        match self {
            Self::Daemon(client) => {
                let answer = client.plans().get(GetPlanRequest { plan: plan.to_owned() }).await?;
                Ok(answer.into_inner().plan.unwrap_or_default().inputs)
            }
            Self::Empty(configuration) => local(configuration, plan, terminal),
        }
    }

    /// Starts what is not there yet.
    pub(crate) async fn open(self, roots: Vec<PathBuf>) -> Result<Session, Failure> {
        match self {
            Self::Daemon(client) => Ok(Session { client, host: None }),
            Self::Empty(configuration) => host(&configuration, roots).await,
        }
    }
}

async fn host(configuration: &Configuration, roots: Vec<PathBuf>) -> Result<Session, Failure> {
    logging::begin(SILENCE);
    let host = Host::start(configuration, HostOptions { roots }).await;
    let host =
        host.map_err(|error| Failure::broken("cannot host a daemon in this process").because(&error))?;
    match Client::connect(host.socket()).await {
        Ok(client) => Ok(Session { client, host: Some(host) }),
        Err(error) => {
            host.stop().await;
            Err(Failure::broken("the hosted daemon cannot be reached").because(&error))
        }
    }
}

/// Folders of the paths among the inputs of runs. A plan that is gone has none to tell.
async fn roots(client: &Client, runs: &[String]) -> Result<Vec<PathBuf>, Failure> {
    let mut roots = Vec::new();
    for run in runs {
        let answer = client.runs().get(GetRequest { run: run.clone() }).await?;
        let run = answer.into_inner().run.unwrap_or_default();
        let plan = run.summary.unwrap_or_default().plan;
        let Ok(plan) = client.plans().get(GetPlanRequest { plan }).await else { continue };
        let takes = plan.into_inner().plan.unwrap_or_default().inputs;
        let values = serde_json::from_str(&run.inputs).unwrap_or_default();
        // The paths of a run are absolute already.
        roots.extend(inputs::gather(&takes, values, &[], Path::new("/"))?.roots);
    }
    roots.sort();
    roots.dedup();
    Ok(roots)
}

/// What a plan of the configuration takes; nothing when there is no such plan, which the daemon says better. What is wrong
/// with the plans is told, since the one that is asked for may be missing for that reason.
fn local(configuration: &Configuration, plan: &str, terminal: &Terminal) -> Result<Vec<Input>, Failure> {
    let loaded = configuration.plans();
    let id = plan.strip_prefix("workstack_").unwrap_or(plan);
    match loaded.plans.get(plan).or_else(|| loaded.plans.get(id)) {
        Some(plan) => Ok(plan.draft().inputs.iter().map(|(name, input)| described(name, input)).collect()),
        None if loaded.has_errors() => {
            print::note(&op_plan::diagnostic::render_all(&loaded.diagnostics, terminal.aside.is_on()));
            let refused = Failure::refused(format!("no valid plan is called `{plan}`"));
            Err(refused.hint("mend the errors above, or see `op-dbus plans` for what can be run"))
        }
        None => Ok(Vec::new()),
    }
}

fn described(name: &str, input: &op_plan::Input) -> Input {
    Input {
        name: name.to_owned(),
        r#type: input.kind.word().to_owned(),
        required: input.required,
        default: input.default.as_ref().map(ToString::to_string).unwrap_or_default(),
        description: input.description.clone(),
    }
}

fn unreachable(error: &ConnectError) -> Failure {
    let hint = match error {
        ConnectError::Absent(_) => {
            "start one with `op-dbus serve`, or leave --socket and OP_DBUS_SOCKET out to host one here"
        }
        ConnectError::Denied(_) => "run as the user of the daemon, or join the group of its socket",
        ConnectError::Silent(_) | ConnectError::Io { .. } | ConnectError::Protocol { .. } => {
            "`op-dbus doctor` tells what is wrong with this set-up"
        }
    };
    Failure::broken("cannot reach the daemon").because(error).hint(hint)
}

/// A connection, and the host behind it when it is hosted here.
pub(crate) struct Session {
    pub(crate) client: Client,
    host: Option<Host>,
}

impl Session {
    /// The same daemon, so that runs of its journal can go on in it: one that is hosted may touch only what it is told, which is
    /// now what these runs work on.
    pub(crate) async fn able_to_wake(self, runs: &[String], ctx: &Context) -> Result<Self, Failure> {
        if !self.is_hosted() {
            return Ok(self);
        }
        let roots = match roots(&self.client, runs).await {
            Ok(roots) if roots.is_empty() => return Ok(self),
            roots => roots,
        };
        self.close().await;
        host(&ctx.hosted_configuration()?, roots?).await
    }

    /// How another process reaches this daemon, as the beginning of a command.
    pub(crate) fn program(&self) -> String {
        match &self.host {
            None => "op-dbus".to_owned(),
            Some(host) => format!("op-dbus --socket {}", quoted(&host.socket().to_string_lossy())),
        }
    }

    /// Whether the daemon lives in this process, and ends with it.
    pub(crate) fn is_hosted(&self) -> bool {
        self.host.is_some()
    }

    /// Says that runs sleep which a hosted daemon does not wake, and how they are woken.
    pub(crate) fn tell_sleepers(&self, terminal: &Terminal) {
        let sleeping = self.host.as_ref().map_or(0, Host::sleeping);
        let text = match sleeping {
            0 => return,
            1 => "1 unfinished run sleeps; `op-dbus serve` wakes it, `op-dbus ls` shows it".to_owned(),
            many => {
                format!("{many} unfinished runs sleep; `op-dbus serve` wakes them, `op-dbus ls` shows them")
            }
        };
        print::note(&format!("{} {text}", terminal.aside.cyan("note:")));
    }

    /// Stops what was hosted.
    pub(crate) async fn close(self) {
        if let Some(host) = self.host {
            host.stop().await;
        }
    }
}
