//! `op-dbus logs`: what the steps of a run wrote.

use std::collections::HashSet;

use clap::Args;
use op_proto::v1::watch_response::Seen;
use op_proto::v1::{Event, OutputRequest, OutputResponse, Progress, Run, Step, WatchRequest};
use serde_json::json;
use tokio_stream::StreamExt as _;

use super::fetch;
use super::watch::{last, state_of};
use crate::client::Client;
use crate::failure::{Exit, Failure};
use crate::render::state::has_ended;
use crate::render::text::{one_line, settled};
use crate::seat::{Context, Session};
use crate::terminal::Terminal;
use crate::{json, print};

const EXAMPLES: &str = "\
Examples:
  op-dbus logs k3x9
  op-dbus logs k3x9 --step build/1
  op-dbus logs k3x9 --follow

Of a step that has ended, the kept output of its last attempt is shown; of one in flight, with --follow, what it
writes from now on. `op-dbus output RUN STEP --raw` writes it byte for byte.";

/// Show what the steps of a run wrote
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Logs {
    /// Run, by its id or the beginning of it
    run: String,
    /// Only this step
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// Go on with what is written until the run ends
    #[arg(long, short)]
    follow: bool,
}

impl Logs {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        ctx.with(Vec::new(), async |session| {
            let run = fetch(&session.client, &self.run).await?;
            let mut tail = Tail {
                client: &session.client,
                terminal: &ctx.terminal,
                run: run.summary.clone().unwrap_or_default().id,
                only: self.step.as_deref(),
                told: HashSet::new(),
            };
            tail.kept(&run).await?;
            if self.follow && !has_ended(state_of(&run)) {
                tail.follow(&run, session).await?;
            }
            Ok(Exit::Done)
        })
        .await
    }
}

/// What was written so far of it.
struct Tail<'a> {
    client: &'a Client,
    terminal: &'a Terminal,
    run: String,
    only: Option<&'a str>,
    /// Steps of which something was written as it came.
    told: HashSet<String>,
}

impl Tail<'_> {
    /// Writes the kept output of the steps that have ended.
    async fn kept(&self, run: &Run) -> Result<(), Failure> {
        let mut steps: Vec<&Step> = run.phases.iter().flat_map(|phase| &phase.steps).collect();
        if let Some(only) = self.only {
            steps.retain(|step| step.id == only);
        }
        if steps.is_empty()
            && let Some(only) = self.only
        {
            // The daemon knows the nearest name.
            self.fetch(only).await?;
        }
        for step in steps.iter().filter(|step| step.attempts > 0) {
            let output = self.fetch(&step.id).await?;
            self.write(&output)?;
        }
        Ok(())
    }

    async fn fetch(&self, step: &str) -> Result<OutputResponse, Failure> {
        let request = OutputRequest { run: self.run.clone(), step: step.to_owned(), attempt: 0 };
        Ok(self.client.runs().output(request).await?.into_inner())
    }

    fn write(&self, output: &OutputResponse) -> Result<(), Failure> {
        let OutputResponse { step, attempt, chunks, dropped, .. } = output;
        if self.terminal.json {
            let told = json!({ "step": step, "attempt": attempt, "output": json::chunks(chunks), "dropped": dropped });
            return print::json_line(&told);
        }
        let bytes: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.data.iter().copied()).collect();
        self.lines(step, &String::from_utf8_lossy(&bytes))?;
        match dropped {
            0 => Ok(()),
            _ => self
                .lines(step, &format!("… {dropped} bytes between the beginning and the end were not kept")),
        }
    }

    fn lines(&self, step: &str, text: &str) -> Result<(), Failure> {
        let prefix =
            format!("{} {} ", self.terminal.paint.cyan(one_line(step)), self.terminal.paint.dim("│"));
        let lines: String = text
            .lines()
            .map(|line| format!("{prefix}{}", settled(line)).trim_end().to_owned() + "\n")
            .collect();
        if lines.is_empty() { Ok(()) } else { print::text(&lines) }
    }

    /// Writes what comes until the run ends.
    async fn follow(&mut self, run: &Run, session: &Session) -> Result<(), Failure> {
        if last(run, session).is_some() {
            let failure = Failure::broken(format!("run {} sleeps: no daemon is running", self.run));
            return Err(failure.hint("`op-dbus serve` wakes it"));
        }
        let request = WatchRequest { run: self.run.clone(), from: run.sequence + 1, events_only: false };
        let mut stream = self.client.runs().watch(request).await?.into_inner();
        while let Some(seen) = stream.next().await {
            match seen?.seen {
                Some(Seen::Progress(progress)) if self.wants(&progress.step) => self.progress(&progress)?,
                Some(Seen::Event(event)) if self.wants(&event.step) => self.event(&event).await?,
                Some(Seen::Progress(_) | Seen::Event(_)) | None => {}
            }
        }
        Ok(())
    }

    fn wants(&self, step: &str) -> bool {
        !step.is_empty() && self.only.is_none_or(|only| only == step)
    }

    fn progress(&mut self, progress: &Progress) -> Result<(), Failure> {
        if progress.output.is_empty() {
            return Ok(());
        }
        self.told.insert(progress.step.clone());
        if self.terminal.json {
            return print::json_line(
                &json!({ "step": progress.step, "output": json::chunks(&progress.output) }),
            );
        }
        if progress.folded > 0 {
            self.lines(&progress.step, &format!("… {} pieces came too fast to be shown", progress.folded))?;
        }
        let bytes: Vec<u8> = progress.output.iter().flat_map(|chunk| chunk.data.iter().copied()).collect();
        self.lines(&progress.step, &String::from_utf8_lossy(&bytes))
    }

    /// A step that ended before anything of it was seen has all of its output kept.
    async fn event(&mut self, event: &Event) -> Result<(), Failure> {
        let has_ended = matches!(event.kind.as_str(), "step_succeeded" | "step_failed");
        if has_ended && !self.told.contains(&event.step) {
            let output = self.fetch(&event.step).await?;
            self.write(&output)?;
        }
        Ok(())
    }
}
