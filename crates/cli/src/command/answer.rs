//! The answer to a step that asks, bound to the question that was shown.

use std::io::{self, IsTerminal as _};

use clap::Args;
use op_proto::v1::apply_request::Control;
use op_proto::v1::{ApproveRequest, Gate, Run, Step};

use super::fetch;
use super::steer::{Target, Which, Words, no_more, send, steer, with};
use crate::failure::{Exit, Failure};
use crate::print;
use crate::render::gate::Wait;
use crate::render::run::question;
use crate::seat::Context;

/// What `approve` and `reject` take.
#[derive(Debug, Args)]
pub(crate) struct Answer {
    /// Run, by its id or the beginning of it; or say below which ones
    run: Option<String>,
    /// Step that asks; the only one when left out
    step: Option<String>,
    /// The question that was shown, by its digest or the beginning of it
    #[arg(long, value_name = "DIGEST", default_value = "", hide_default_value = true)]
    digest: String,
    /// What to say with it
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    comment: String,
    #[command(flatten)]
    which: Which,
}

impl Answer {
    /// Gives it; on a terminal it is made sure first where that is wanted.
    pub(crate) async fn give(self, approved: bool, sure: bool, ctx: &Context) -> Result<Exit, Failure> {
        let (target, words) = self.which.pick([self.run, self.step])?;
        let mut words = words.into_iter();
        let step = words.next().unwrap_or_default();
        no_more(words.as_slice())?;
        let (digest, comment) = (self.digest, self.comment);
        let request = ApproveRequest { run: String::new(), step, digest, approved, comment };
        match target {
            Target::One(run) if request.digest.is_empty() => {
                with(ctx, &run, Words::GOES_ON, async |session, run| {
                    let shown = fetch(&session.client, run).await?;
                    let request = bound(&request, &shown, sure, ctx).await?;
                    send(&session.client, run, &Control::Approve(request)).await
                })
                .await
            }
            target => steer(ctx, target, Control::Approve(request), Words::GOES_ON).await,
        }
    }
}

/// The answer to what the run asks now. Where it is not clear what that is, the daemon says why.
async fn bound(
    request: &ApproveRequest,
    run: &Run,
    sure: bool,
    ctx: &Context,
) -> Result<ApproveRequest, Failure> {
    let Some((step, gate)) = asked(run, &request.step) else { return Ok(request.clone()) };
    if io::stderr().is_terminal() {
        print::aside(&question(step, gate, ctx.terminal.aside, ctx.terminal.width));
        if sure && io::stdin().is_terminal() && !agreed().await? {
            return Err(Failure::refused("nothing was answered").hint("the step goes on waiting"));
        }
    }
    Ok(ApproveRequest { step: step.id.clone(), digest: gate.digest.clone(), ..request.clone() })
}

/// The one step that asks, or the one that was named if it does.
fn asked<'r>(run: &'r Run, named: &str) -> Option<(&'r Step, &'r Gate)> {
    let steps = run.phases.iter().flat_map(|phase| &phase.steps);
    let asks = steps.filter_map(|step| Some((step, step.gate.as_ref()?)));
    let mut asks = asks.filter(|(step, gate)| {
        matches!(Wait::of(gate), Wait::Approval(_)) && (named.is_empty() || step.id == named)
    });
    asks.next().filter(|_| asks.next().is_none())
}

async fn agreed() -> Result<bool, Failure> {
    print::aside("let it go on? [y/N] ");
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    });
    let line = read.await.map_err(|error| Failure::broken("cannot read the answer").because(&error))?;
    let line = line.map_err(|error| Failure::broken("cannot read the answer").because(&error))?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}
