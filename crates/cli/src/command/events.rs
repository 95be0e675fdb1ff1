//! `op-dbus events`: the journal of all runs.

use clap::Args;
use jiff::Timestamp;
use op_proto::v1::{EventsRequest, EventsResponse};
use tokio_stream::StreamExt as _;

use crate::failure::{Exit, Failure};
use crate::render::text::{cut, one_line};
use crate::render::time;
use crate::seat::Context;
use crate::terminal::Terminal;
use crate::{json, print};

const EXAMPLES: &str = "\
Examples:
  op-dbus events --run k3x9
  op-dbus events --kind step_failed --kind run_failed --since 1h
  op-dbus events --user alice --since 2026-01-31T08:00 --limit 1000 --json
  op-dbus events --follow
  op-dbus events --kind call                        # calls of clients, outside of runs

With --json there is one JSON document per line.";

/// Show events of all runs, oldest first
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Events {
    /// Only of this run
    #[arg(long, value_name = "RUN", default_value = "", hide_default_value = true)]
    run: String,
    /// Only of this kind, such as `step_failed`; may stand more than once
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// Only of runs that this user started
    #[arg(long, value_name = "USER", default_value = "", hide_default_value = true)]
    user: String,
    /// Only since then: a time, or how long ago
    #[arg(long, value_name = "TIME", value_parser = time::moment)]
    since: Option<Timestamp>,
    /// The newest so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Go on with events to come
    #[arg(long, short)]
    follow: bool,
}

impl Events {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let request = self.request();
        ctx.with(Vec::new(), async move |session| {
            let mut stream = session.client.journal().events(request).await?.into_inner();
            while let Some(entry) = stream.next().await {
                let entry = entry?;
                if ctx.terminal.json {
                    print::json_line(&json::audit(&entry))?;
                } else {
                    print::line(&line(&entry, &ctx.terminal))?;
                }
            }
            Ok(Exit::Done)
        })
        .await
    }

    fn request(self) -> EventsRequest {
        EventsRequest {
            run: self.run,
            kinds: self.kind,
            user: self.user,
            since: self.since.map(time::stamp),
            until: None,
            limit: self.limit,
            follow: self.follow,
        }
    }
}

fn line(entry: &EventsResponse, terminal: &Terminal) -> String {
    let event = entry.event.clone().unwrap_or_default();
    let at = time::of(event.at.as_ref()).map(time::day).unwrap_or_default();
    let paint = terminal.paint;
    if entry.run.is_empty() {
        let line = format!("{} {}", paint.dim(at), one_line(&event.message));
        return terminal.columns.map_or_else(|| line.clone(), |columns| cut(&line, columns));
    }
    let (run, sequence) = (paint.bold(one_line(&entry.run)), paint.dim(format!("{:>4}", event.sequence)));
    let line = format!("{} {run} {sequence} {}", paint.dim(at), one_line(&event.message));
    terminal.columns.map_or_else(|| line.clone(), |columns| cut(&line, columns))
}
