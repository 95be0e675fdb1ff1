//! `op-dbus agent`: one bundled agent in this process, which the daemon starts and people seldom do; or any agent held against the
//! protocol.

mod conform;
mod credential;

use std::io;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use op_agent::{BindError, Inherited, Listener};
use op_agents::{Settings, lifeline, sandbox};
use op_daemon::logging;
use op_proto::Address;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::block_on_one;
use crate::failure::{Exit, Failure};
use crate::seat::Context;

const EXAMPLES: &str = "\
Examples:
  op-dbus agent tools --listen unix:/run/user/1000/tools.sock --settings '{\"roots\": [\"/home/me/src\"]}'
  op-dbus agent rust_pro --listen tcp:127.0.0.1:50051
  op-dbus agent conform unix:/run/me/my_agent.sock";

/// Serve one bundled agent, or hold any agent against the protocol
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Agent {
    #[command(subcommand)]
    task: Option<Task>,
    #[command(flatten)]
    bundled: Option<Bundled>,
}

/// What else can be done about agents.
#[derive(Debug, Subcommand)]
enum Task {
    Conform(conform::Conform),
}

/// A bundled agent to serve.
#[derive(Debug, Args)]
struct Bundled {
    /// Agent
    #[arg(value_parser = PossibleValuesParser::new(op_agents::NAMES))]
    name: String,
    /// Where to listen: unix:PATH or tcp:HOST:PORT; a socket that systemd hands over without it
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<Address>,
    /// What the agent may touch, as JSON; the credential `settings` of its unit without it
    #[arg(long, value_name = "JSON", value_parser = settings)]
    settings: Option<Settings>,
    /// End when standard input is closed: whoever started it is gone
    #[arg(long)]
    lifeline: bool,
}

fn settings(text: &str) -> Result<Settings, serde_json::Error> {
    serde_json::from_str(text)
}

impl Agent {
    /// Does it.
    pub(crate) fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        match (self.task, self.bundled) {
            (Some(Task::Conform(conform)), _) => block_on_one(conform.run(ctx)),
            (None, Some(bundled)) => bundled.run(),
            (None, None) => Err(Failure::refused("nothing says which agent is to be served")
                .hint("`op-dbus agent --help` names the bundled agents")),
        }
    }
}

impl Bundled {
    /// Confines this process and serves. There is one thread until it is confined.
    fn run(self) -> Result<Exit, Failure> {
        if self.lifeline {
            logging::begin_below("info");
        } else {
            logging::begin("info");
        }
        let Self { name, listen, settings, lifeline } = self;
        let place = Place::of(listen)?;
        let settings = settings.map_or_else(credential::settings, Ok)?;
        let report = sandbox(&name, &settings, place.made())
            .map_err(|error| Failure::broken(format!("cannot confine the agent `{name}`")).because(&error))?;
        if let Some(warning) = report.warning() {
            tracing::warn!(agent = name, "{warning}");
        }
        block_on_one(serve(name, settings, place, lifeline))
    }
}

/// Where an agent listens.
enum Place {
    /// At a socket or port that it makes.
    Made(Address),
    /// On a socket that it was started with.
    Inherited(Inherited),
}

impl Place {
    /// What was asked for, else what this process was started with.
    fn of(listen: Option<Address>) -> Result<Self, Failure> {
        if let Some(address) = listen {
            return Ok(Self::Made(address));
        }
        let inherited = Inherited::take()
            .map_err(|error| Failure::broken("cannot take the socket of the agent").because(&error))?;
        inherited.map(Self::Inherited).ok_or_else(|| {
            Failure::refused("nobody says where the agent is to listen")
                .hint("give `--listen unix:/path/to.sock`, or let systemd start it with a socket")
        })
    }

    /// The place that this process is to make.
    fn made(&self) -> Option<&Address> {
        match self {
            Self::Made(address) => Some(address),
            Self::Inherited(_) => None,
        }
    }

    async fn open(self) -> Result<Listener, BindError> {
        match self {
            Self::Made(address) => Listener::bind(&address).await,
            Self::Inherited(inherited) => Listener::adopt(inherited),
        }
    }
}

async fn serve(name: String, settings: Settings, place: Place, lifeline: bool) -> Result<Exit, Failure> {
    let failed = |error: &dyn std::error::Error| {
        Failure::broken(format!("cannot serve the agent `{name}`")).because(error)
    };
    let end = End::listen(lifeline).map_err(|error| failed(&error))?;
    let agent = op_agents::build(&name, &settings).expect("the name is one of the bundled agents");
    let listener = place.open().await.map_err(|error| failed(&error))?;
    agent.serve(listener, end.reached()).await.map_err(|error| failed(&error))?;
    Ok(Exit::Done)
}

/// What ends an agent.
struct End {
    terminate: Signal,
    interrupt: Signal,
    on_lifeline: bool,
}

impl End {
    fn listen(on_lifeline: bool) -> io::Result<Self> {
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt, on_lifeline })
    }

    /// Resolves when it is time. Ctrl-C in a terminal reaches all processes there; an agent that hangs on a lifeline leaves it
    /// to its daemon, which may still need it.
    async fn reached(mut self) {
        if self.on_lifeline {
            let cut = lifeline::watch();
            tokio::select! {
                () = cut => {}
                _ = self.terminate.recv() => {}
            }
        } else {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
        }
    }
}
