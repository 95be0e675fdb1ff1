//! `op-dbus tools`: the operations that are called by their bare names.

use std::time::Duration;

use clap::Args;
use op_proto::v1::{ListToolsRequest, OperationStatus};
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::render::table::Table;
use crate::render::text::one_line;
use crate::render::time;
use crate::seat::Context;
use crate::terminal::Terminal;
use crate::{json, print};

const EXAMPLES: &str = "\
Examples:
  op-dbus tools
  op-dbus tools --json | jq '.[] | {name, input_schema}'";

/// List the tools
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Tools {}

impl Tools {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        ctx.with(Vec::new(), async |session| {
            let tools = session.client.tools().list(ListToolsRequest {}).await?.into_inner().tools;
            if ctx.terminal.json {
                print::json(&tools.iter().map(json::operation).collect::<Value>())?;
            } else {
                print::text(&table(&tools, &ctx.terminal))?;
            }
            Ok(Exit::Done)
        })
        .await
    }
}

fn table(tools: &[OperationStatus], terminal: &Terminal) -> String {
    let mut table = Table::new(["TOOL", "EFFECTS", "CALLS", "FAILED", "MEAN", "DESCRIPTION", "WHY NOT"]);
    for tool in tools {
        table.row([
            terminal.paint.bold(&tool.name),
            one_line(&tool.effects),
            tool.calls.to_string(),
            tool.failures.to_string(),
            mean(tool).map(time::span).unwrap_or_default(),
            one_line(&tool.description),
            terminal.paint.yellow(one_line(&tool.unavailable)),
        ]);
    }
    table.render(terminal.columns)
}

fn mean(tool: &OperationStatus) -> Option<Duration> {
    let calls = u32::try_from(tool.calls).unwrap_or(u32::MAX);
    time::length(tool.total.as_ref())?.checked_div(calls)
}
