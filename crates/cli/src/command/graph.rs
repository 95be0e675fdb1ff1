//! `op-dbus graph`: a plan as a drawing.

use clap::{Args, ValueEnum};
use op_proto::v1::{DrawFormat, DrawRequest};
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::print;
use crate::seat::Context;

const EXAMPLES: &str = "\
Examples:
  op-dbus graph code_review
  op-dbus graph code_review --format mermaid > plan.mmd";

/// Draw a plan
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Graph {
    /// Plan, as `op-dbus plans` lists it
    plan: String,
    /// How to draw: boxes on a terminal, mermaid elsewhere, unless said
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Boxes in text
    Boxes,
    /// A mermaid flowchart
    Mermaid,
}

impl Graph {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let by_place = if ctx.terminal.columns.is_some() { Format::Boxes } else { Format::Mermaid };
        let format = match self.format.unwrap_or(by_place) {
            Format::Boxes => DrawFormat::Boxes,
            Format::Mermaid => DrawFormat::Mermaid,
        };
        let width = u32::try_from(ctx.terminal.columns.unwrap_or(0)).unwrap_or(0);
        let request = DrawRequest { plan: self.plan, format: format.into(), width };
        ctx.with(Vec::new(), async move |session| {
            let text = session.client.plans().draw(request).await?.into_inner().text;
            if ctx.terminal.json {
                print::json(&json!({ "text": text }))?;
            } else {
                print::line(text.trim_end())?;
            }
            Ok(Exit::Done)
        })
        .await
    }
}
