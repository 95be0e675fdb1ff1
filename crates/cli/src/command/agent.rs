//! `op-dbus agent`: one bundled agent in this process. The daemon starts it; people seldom do.

use std::io;

use clap::Args;
use clap::builder::PossibleValuesParser;
use op_agent::Listener;
use op_agents::{Settings, lifeline, sandbox};
use op_daemon::logging;
use op_proto::Address;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::block_on_one;
use crate::failure::{Exit, Failure};

const EXAMPLES: &str = "\
Examples:
  op-dbus agent tools --listen unix:/run/user/1000/tools.sock --settings '{\"roots\": [\"/home/me/src\"]}'
  op-dbus agent rust_pro --listen tcp:127.0.0.1:50051";

/// Serve one bundled agent
#[derive(Debug, Args)]
#[command(hide = true, after_help = EXAMPLES)]
pub(crate) struct Agent {
    /// Agent
    #[arg(value_parser = PossibleValuesParser::new(op_agents::NAMES))]
    name: String,
    /// Where to listen: unix:PATH or tcp:HOST:PORT
    #[arg(long, value_name = "ADDRESS")]
    listen: Address,
    /// What the agent may touch, as JSON
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = settings)]
    settings: Settings,
    /// End when standard input is closed: whoever started it is gone
    #[arg(long)]
    lifeline: bool,
}

fn settings(text: &str) -> Result<Settings, serde_json::Error> {
    serde_json::from_str(text)
}

impl Agent {
    /// Confines this process and serves. There is one thread until it is confined.
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        if self.lifeline {
            logging::begin_below("info");
        } else {
            logging::begin("info");
        }
        let report = sandbox(&self.name, &self.settings, &self.listen).map_err(|error| {
            Failure::broken(format!("cannot confine the agent `{}`", self.name)).because(&error)
        })?;
        if let Some(warning) = report.warning() {
            tracing::warn!(agent = self.name, "{warning}");
        }
        block_on_one(self.serve())
    }

    async fn serve(self) -> Result<Exit, Failure> {
        let failed = |error: &dyn std::error::Error| {
            Failure::broken(format!("cannot serve the agent `{}`", self.name)).because(error)
        };
        let end = End::listen(self.lifeline).map_err(|error| failed(&error))?;
        let agent =
            op_agents::build(&self.name, &self.settings).expect("the name is one of the bundled agents");
        let listener = Listener::bind(&self.listen).await.map_err(|error| failed(&error))?;
        agent.serve(listener, end.reached()).await.map_err(|error| failed(&error))?;
        Ok(Exit::Done)
    }
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
