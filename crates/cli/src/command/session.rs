//! `op-dbus session`: opens a session and holds it.

use std::env;

use clap::Args;
use op_proto::v1::OpenSessionRequest;
use op_proto::v1::open_session_response::Told;
use tokio_stream::StreamExt as _;

use super::agents::change;
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::seat::{self, Context};
use crate::terminal::Terminal;
use crate::{json, print};

const EXAMPLES: &str = "\
Examples:
  op-dbus session --client notebook
  op-dbus call memory.remember key=deploy value=monday --session ID
  op-dbus run code_review path=. --session ID

It holds the session until Ctrl-C: its id is the first line of standard output, agents are told as they change. With --json
there is one JSON document per line.";

/// Open a session, and hold it until Ctrl-C
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Session {
    /// What it is for, for those who look
    #[arg(long, value_name = "WORDS", default_value = "op-dbus session")]
    client: String,
}

impl Session {
    /// Does it. To be left is how it ends well.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let mut interrupts = Interrupts::listen()?;
        let here = env::current_dir()
            .map_err(|error| Failure::broken("the current directory is gone").because(&error))?;
        let session = ctx.open(vec![here], &mut interrupts).await?;
        let held = tokio::select! {
            held = self.hold(&session, &ctx.terminal) => held,
            _ = interrupts.next() => Ok(Exit::Done),
        };
        session.close().await;
        held
    }

    async fn hold(&self, session: &seat::Session, terminal: &Terminal) -> Result<Exit, Failure> {
        if session.is_hosted() {
            print::note(&format!("no daemon is running: this one is reached as `{}`", session.program()));
        }
        let request = OpenSessionRequest { client: self.client.clone() };
        let mut told = session.client.sessions().open(request).await?.into_inner();
        while let Some(response) = told.next().await {
            if let Some(told) = response?.told {
                tell(&told, terminal)?;
            }
        }
        print::note("the session was closed");
        Ok(Exit::Done)
    }
}

fn tell(told: &Told, terminal: &Terminal) -> Result<(), Failure> {
    match (told, terminal.json) {
        (Told::Session(session), true) => print::json_line(&json::session(session)),
        (Told::Agent(agent), true) => print::json_line(&json::agent(agent)),
        (Told::Session(session), false) => {
            print::line(&session.id)?;
            session.agents.iter().for_each(|agent| print::note(&change(agent, terminal)));
            Ok(())
        }
        (Told::Agent(agent), false) => {
            print::note(&change(agent, terminal));
            Ok(())
        }
    }
}
