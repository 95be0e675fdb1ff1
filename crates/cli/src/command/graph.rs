//! `op-dbus graph`: a plan as a drawing, or a run with its state.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use op_proto::v1::{DrawFormat, DrawRequest, GetPlanRequest};
use serde_json::json;
use tonic::{Code, Status};

use crate::client::Client;
use crate::failure::{Exit, Failure};
use crate::print;
use crate::render::drawing::painted;
use crate::seat::Context;

const EXAMPLES: &str = "\
Examples:
  op-dbus graph code_review
  op-dbus graph k3x9                            # a run, with the state of each phase
  op-dbus graph code_review -o plan.svg         # the format by the name of the file
  op-dbus graph code_review --format mermaid > plan.mmd";

/// Draw a plan, or a run with its state
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Graph {
    /// Plan, as `op-dbus plans` lists it, or a run by its id or the beginning of it
    #[arg(value_name = "PLAN|RUN")]
    of: String,
    /// How to draw: by the name of the file, or boxes on a terminal and mermaid elsewhere, unless said
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// File to write; standard output when left out
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Boxes in text
    Boxes,
    /// A mermaid flowchart
    Mermaid,
    /// Graphviz text
    Dot,
    /// An SVG picture
    Svg,
}

impl Format {
    /// What the name of a file says.
    fn of(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()? {
            "svg" => Some(Self::Svg),
            "dot" | "gv" => Some(Self::Dot),
            "mmd" | "mermaid" => Some(Self::Mermaid),
            "txt" => Some(Self::Boxes),
            _ => None,
        }
    }

    fn wire(self) -> DrawFormat {
        match self {
            Self::Boxes => DrawFormat::Boxes,
            Self::Mermaid => DrawFormat::Mermaid,
            Self::Dot => DrawFormat::Dot,
            Self::Svg => DrawFormat::Svg,
        }
    }
}

impl Graph {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let format = self.format(ctx);
        let Self { of, output, .. } = self;
        let width = u32::try_from(ctx.terminal.columns.unwrap_or(0)).unwrap_or(0);
        ctx.with(Vec::new(), async move |session| {
            let drawn = draw(&session.client, &of, format, width).await?;
            let text = match (format, drawn.of_run && output.is_none() && !ctx.terminal.json) {
                (DrawFormat::Boxes, true) => painted(&drawn.text, ctx.terminal.paint),
                _ => drawn.text,
            };
            match output {
                Some(file) => write(&file, &text)?,
                None if ctx.terminal.json => print::json(&json!({ "text": text }))?,
                None => print::line(text.trim_end())?,
            }
            Ok(Exit::Done)
        })
        .await
    }

    fn format(&self, ctx: &Context) -> DrawFormat {
        let by_name = self.output.as_deref().and_then(Format::of);
        let is_seen = self.output.is_none() && ctx.terminal.columns.is_some();
        let by_place = if is_seen { Format::Boxes } else { Format::Mermaid };
        self.format.or(by_name).unwrap_or(by_place).wire()
    }
}

/// A drawing, and whether it is one of a run.
struct Drawn {
    text: String,
    of_run: bool,
}

/// Draws the plan of this name, or the run where there is none.
async fn draw(client: &Client, of: &str, format: DrawFormat, width: u32) -> Result<Drawn, Failure> {
    let mut plans = client.plans();
    let unknown = match plans.get(GetPlanRequest { plan: of.to_owned() }).await {
        Ok(_) => None,
        Err(status) if status.code() == Code::NotFound => Some(status),
        Err(status) => return Err(status.into()),
    };
    let (plan, run) = if unknown.is_none() { (of, "") } else { ("", of) };
    let request = DrawRequest { plan: plan.to_owned(), format: format.into(), width, run: run.to_owned() };
    match (plans.draw(request).await, unknown) {
        (Ok(drawn), _) => Ok(Drawn { text: drawn.into_inner().text, of_run: plan.is_empty() }),
        (Err(status), Some(unknown)) if status.code() == Code::NotFound => Err(nothing(of, unknown)),
        (Err(status), _) => Err(status.into()),
    }
}

fn nothing(of: &str, unknown: Status) -> Failure {
    Failure::from(unknown).during(format!("`{of}` is neither a plan nor the beginning of a run's id"))
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, format!("{}\n", text.trim_end())).map_err(|error| {
        Failure::broken(format!("cannot write the drawing to `{}`", file.display())).because(&error)
    })
}
