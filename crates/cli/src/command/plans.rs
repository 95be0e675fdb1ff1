//! `op-dbus plans`: what can be run.

use clap::Args;
use op_proto::v1::{GetPlanRequest, Input, ListPlansRequest, PlanSummary};
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::render::table::Table;
use crate::render::text::{hang, one_line};
use crate::seat::Context;
use crate::terminal::Terminal;
use crate::{json, print};

const EXAMPLES: &str = "\
Examples:
  op-dbus plans
  op-dbus plans code_review      # one plan, with what it takes";

/// List plans, or show one
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Plans {
    /// Only this plan, with what it takes
    plan: Option<String>,
}

impl Plans {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        ctx.with(Vec::new(), async move |session| {
            let terminal = &ctx.terminal;
            let mut plans = session.client.plans();
            if let Some(plan) = self.plan {
                let plan = plans.get(GetPlanRequest { plan }).await?.into_inner().plan.unwrap_or_default();
                if terminal.json {
                    print::json(&json::plan(&plan))?;
                } else {
                    print::text(&sheet(&plan, terminal))?;
                }
                return Ok(Exit::Done);
            }
            let plans = plans.list(ListPlansRequest {}).await?.into_inner().plans;
            if terminal.json {
                print::json(&plans.iter().map(json::plan).collect::<Value>())?;
            } else {
                print::text(&table(&plans, terminal))?;
            }
            Ok(Exit::Done)
        })
        .await
    }
}

fn table(plans: &[PlanSummary], terminal: &Terminal) -> String {
    let mut table = Table::new(["PLAN", "PHASES", "STEPS", "INPUTS", "DESCRIPTION"]);
    for plan in plans {
        table.row([
            terminal.paint.bold(&plan.id),
            plan.phases.to_string(),
            plan.steps.to_string(),
            plan.inputs.iter().map(word).collect::<Vec<_>>().join(" "),
            one_line(&plan.description),
        ]);
    }
    table.render(terminal.columns)
}

/// `path=PATH` when it must be given, in brackets when not.
fn word(input: &Input) -> String {
    let word = format!("{}={}", input.name, input.r#type.to_uppercase());
    if input.required { word } else { format!("[{word}]") }
}

fn sheet(plan: &PlanSummary, terminal: &Terminal) -> String {
    let mut text = format!("{}  {}\n", terminal.paint.bold(&plan.id), terminal.paint.dim(&plan.shape));
    let lists = [("tags", plan.tags.join(", ")), ("agents", plan.agents.join(", "))];
    let lines = [
        ("about", plan.description.clone()),
        ("version", plan.version.clone()),
        ("category", plan.category.clone()),
    ];
    for (name, value) in lines.into_iter().chain(lists).filter(|(_, value)| !value.is_empty()) {
        text += &hang(&format!("{name:9} "), &value, terminal.width);
    }
    if plan.inputs.is_empty() {
        return text;
    }
    let mut table = Table::new(["INPUT", "TYPE", "REQUIRED", "DEFAULT", "DESCRIPTION"]);
    for input in &plan.inputs {
        let required = if input.required { "yes" } else { "no" };
        let cells = [&input.name, &input.r#type, required, &input.default, &input.description];
        table.row(cells.map(one_line));
    }
    format!("{text}\n{}", table.render(terminal.columns))
}
