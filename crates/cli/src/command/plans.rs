//! `op-dbus plans`: what can be run.

use clap::Args;
use op_proto::v1::{
    Cast, GetPlanRequest, Input, ListCastsRequest, ListPlansRequest, ListSchedulesRequest, PlanSummary,
    Schedule,
};
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

/// A plan with what else is known of it.
struct Known {
    plan: PlanSummary,
    schedule: Option<Schedule>,
    /// Casts that are for it, or for any plan.
    casts: Vec<Cast>,
}

impl Plans {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        ctx.with(Vec::new(), async move |session| {
            let (terminal, mut plans) = (&ctx.terminal, session.client.plans());
            let found = match &self.plan {
                Some(plan) => {
                    let answer = plans.get(GetPlanRequest { plan: plan.clone() }).await?;
                    vec![answer.into_inner().plan.unwrap_or_default()]
                }
                None => plans.list(ListPlansRequest {}).await?.into_inner().plans,
            };
            let schedules = plans.list_schedules(ListSchedulesRequest {}).await?.into_inner().schedules;
            let casts = plans.list_casts(ListCastsRequest {}).await?.into_inner().casts;
            let known: Vec<_> = found.into_iter().map(|plan| know(plan, &schedules, &casts)).collect();
            match (self.plan.is_some(), terminal.json) {
                (true, true) => print::json(&known.iter().map(document).next().unwrap_or_default())?,
                (false, true) => print::json(&known.iter().map(document).collect::<Value>())?,
                (true, false) => {
                    print::text(&known.iter().map(|of| sheet(of, terminal)).collect::<String>())?;
                }
                (false, false) => print::text(&table(&known, terminal))?,
            }
            Ok(Exit::Done)
        })
        .await
    }
}

fn know(plan: PlanSummary, schedules: &[Schedule], casts: &[Cast]) -> Known {
    let schedule = schedules.iter().find(|schedule| schedule.plan == plan.id).cloned();
    let is_for = |cast: &&Cast| cast.plan.is_empty() || cast.plan == plan.id;
    let casts = casts.iter().filter(is_for).cloned().collect();
    Known { plan, schedule, casts }
}

fn document(of: &Known) -> Value {
    let mut told = json::plan(&of.plan);
    told["schedule"] = of.schedule.as_ref().map_or(Value::Null, json::schedule);
    told["casts"] = of.casts.iter().map(|cast| cast.name.as_str()).collect();
    told
}

fn table(known: &[Known], terminal: &Terminal) -> String {
    let head = ["PLAN", "SHAPE", "PHASES", "STEPS", "INPUTS", "SCHEDULE", "CASTS", "DESCRIPTION"];
    let mut table = Table::new(head);
    for Known { plan, schedule, casts } in known {
        // Casts for any plan would stand in every row.
        let own: Vec<_> =
            casts.iter().filter(|cast| !cast.plan.is_empty()).map(|cast| one_line(&cast.name)).collect();
        table.row([
            terminal.paint.bold(&plan.id),
            one_line(&plan.shape),
            plan.phases.to_string(),
            plan.steps.to_string(),
            plan.inputs.iter().map(word).collect::<Vec<_>>().join(" "),
            schedule.as_ref().map(when).unwrap_or_default(),
            own.join(" "),
            one_line(&plan.description),
        ]);
    }
    table.render(terminal.columns)
}

fn when(schedule: &Schedule) -> String {
    let paused = if schedule.paused { " (paused)" } else { "" };
    format!("{}{paused}", one_line(&schedule.cron))
}

/// `path=PATH` when it must be given, in brackets when not.
fn word(input: &Input) -> String {
    let word = format!("{}={}", input.name, input.r#type.to_uppercase());
    if input.required { word } else { format!("[{word}]") }
}

fn sheet(of: &Known, terminal: &Terminal) -> String {
    let Known { plan, schedule, casts } = of;
    let mut text = format!("{}  {}\n", terminal.paint.bold(&plan.id), terminal.paint.dim(&plan.shape));
    let casts: Vec<_> = casts.iter().map(|cast| cast.name.as_str()).collect();
    let lists = [
        ("tags", plan.tags.join(", ")),
        ("agents", plan.agents.join(", ")),
        ("schedule", schedule.as_ref().map(when).unwrap_or_default()),
        ("casts", casts.join(", ")),
    ];
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
