//! `op-dbus logs`: what the steps of a run wrote.

use std::collections::HashSet;
use std::ops::Range;

use clap::Args;
use op_proto::v1::watch_response::Seen;
use op_proto::v1::{Event, OutputRequest, OutputResponse, Phase, Progress, Run, Step, WatchRequest};
use serde_json::{Value, json};
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
  op-dbus logs k3x9 --step 'test/1[3]'     # item 3 of its list, counted from 0
  op-dbus logs k3x9 --follow

Of a step that has ended, the kept output of its last attempt is shown, of every visit and every item of its list; of one in flight, with --follow, what it
writes from now on. `op-dbus output RUN STEP --raw` writes it byte for byte.";

/// Show what the steps of a run wrote
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Logs {
    /// Run, by its id or the beginning of it
    run: String,
    /// Only this step, or `STEP[ITEM]` of its list
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
    /// Writes the kept output of the steps that have ended: of each visit, and of each item of a list.
    async fn kept(&self, run: &Run) -> Result<(), Failure> {
        let steps = run.phases.iter().flat_map(|phase| phase.steps.iter().map(move |step| (phase, step)));
        let steps: Vec<_> =
            steps.filter(|(_, step)| self.only.is_none_or(|only| home(only) == step.id)).collect();
        if steps.is_empty()
            && let Some(only) = self.only
        {
            // The daemon knows the nearest name.
            self.fetch(only, 0).await?;
        }
        for (phase, step) in steps {
            for visit in visits(phase, step) {
                for name in names(step).filter(|name| self.wants(name)) {
                    let output = self.fetch(&name, visit).await?;
                    self.write(&output, visit)?;
                }
            }
        }
        Ok(())
    }

    async fn fetch(&self, step: &str, visit: u32) -> Result<OutputResponse, Failure> {
        let request = OutputRequest { run: self.run.clone(), step: step.to_owned(), attempt: 0, visit };
        Ok(self.client.runs().output(request).await?.into_inner())
    }

    /// Writes what was kept of a visit; 0 stands for the only one, or the last.
    fn write(&self, output: &OutputResponse, visit: u32) -> Result<(), Failure> {
        let OutputResponse { step, attempt, chunks, dropped, visit: told, .. } = output;
        if self.terminal.json {
            return print::json_line(&json!({
                "step": step,
                "visit": told,
                "attempt": attempt,
                "output": json::chunks(chunks),
                "dropped": dropped,
            }));
        }
        let name = if visit > 0 { format!("{step} visit {visit}") } else { step.clone() };
        let bytes: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.data.iter().copied()).collect();
        self.lines(&name, &String::from_utf8_lossy(&bytes))?;
        match dropped {
            0 => Ok(()),
            _ => self
                .lines(&name, &format!("… {dropped} bytes between the beginning and the end were not kept")),
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
                Some(Seen::Event(event)) if self.only.is_none_or(|only| home(only) == event.step) => {
                    self.event(&event).await?;
                }
                Some(Seen::Progress(_) | Seen::Event(_)) | None => {}
            }
        }
        Ok(())
    }

    fn wants(&self, step: &str) -> bool {
        let is_part = |only: &str| only == step || (only == home(step) && !only.contains('['));
        !step.is_empty() && self.only.is_none_or(is_part)
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

    /// A step or an item that ended before anything of it was seen has all of its output kept.
    async fn event(&mut self, event: &Event) -> Result<(), Failure> {
        let name = match event.kind.as_str() {
            "step_succeeded" | "step_failed" => event.step.clone(),
            "item_succeeded" | "item_failed" => {
                let fact: Value = serde_json::from_str(&event.json).unwrap_or_default();
                format!("{}[{}]", event.step, fact.get("item").and_then(Value::as_u64).unwrap_or_default())
            }
            _ => return Ok(()),
        };
        if self.wants(&name) && !self.told.contains(&name) {
            let output = self.fetch(&name, 0).await?;
            self.write(&output, 0)?;
        }
        // The next visit is told anew.
        self.told.remove(&name);
        Ok(())
    }
}

/// The step that an item belongs to, or the step itself.
fn home(name: &str) -> &str {
    name.split('[').next().unwrap_or(name)
}

/// Visits of a step that may have written something; 0 stands for the only one.
fn visits(phase: &Phase, step: &Step) -> Range<u32> {
    match phase.visit {
        0 | 1 if step.attempts == 0 && step.items.is_none() => 0..0,
        0 | 1 => 0..1,
        visit => 1..visit + 1,
    }
}

/// The names under which the output of a step is kept: its own, and those of the items that began.
fn names(step: &Step) -> impl Iterator<Item = String> {
    let items = 0..step.items.as_ref().map_or(0, |items| items.begun);
    let own = step.items.is_none().then(|| step.id.clone());
    own.into_iter().chain(items.map(|item| format!("{}[{item}]", step.id)))
}
