//! `op-dbus serve`: the daemon in the foreground.

use clap::{Args, ValueEnum};
use op_daemon::logging;
use op_daemon::settings::{AgentsAs, BusChoice};

use crate::failure::{Exit, Failure};
use crate::seat::Context;

const EXAMPLES: &str = "\
Examples:
  op-dbus serve
  op-dbus serve --config /etc/op-dbus

Serves until SIGTERM or Ctrl-C; SIGHUP has it read its configuration again. Unfinished runs of the journal are woken at the start and sleep at the end.
OP_DBUS_LOG says what is logged to standard error, such as `info,op_pool=debug`.";

/// Serve as the daemon, in the foreground
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    /// What bundled agents run as
    #[arg(long, value_name = "AS", default_value = "children")]
    agents: Agents,
    /// Message bus to be controlled over: `session`, if there is one; `system`; `off`; or an address such as `unix:path=/run/bus`
    #[arg(long, default_value = "session", value_parser = bus)]
    bus: BusChoice,
}

fn bus(text: &str) -> Result<BusChoice, String> {
    match text {
        "off" => Ok(BusChoice::Off),
        "session" => Ok(BusChoice::Session),
        "system" => Ok(BusChoice::System),
        address if address.contains(':') => Ok(BusChoice::Address(address.to_owned())),
        _ => {
            Err("a bus is `session`, `system`, `off`, or an address such as `unix:path=/run/bus`".to_owned())
        }
    }
}

/// What bundled agents run as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Agents {
    /// Child processes, which end with the daemon
    Children,
    /// Units of systemd, op-agent@NAME.service, each in a sandbox of its own
    Units,
}

impl From<Agents> for AgentsAs {
    fn from(agents: Agents) -> Self {
        match agents {
            Agents::Children => Self::Children,
            Agents::Units => Self::Units,
        }
    }
}

impl Serve {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let levels = logging::begin("info");
        let configuration = ctx.configuration()?.with_agents_as(self.agents.into()).with_bus(self.bus);
        let served = op_daemon::serve(configuration, levels).await;
        served
            .map(|()| Exit::Done)
            .map_err(|error| Failure::broken("the daemon cannot serve").because(&error))
    }
}
