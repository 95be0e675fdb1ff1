//! `op-dbus casts`: named sets of who plays what.

use clap::Args;
use op_proto::v1::{Cast, ListCastsRequest};
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::render::table::Table;
use crate::render::text::{cut, hang, one_line};
use crate::seat::Context;
use crate::terminal::Terminal;
use crate::{json, print};

const EXAMPLES: &str = "\
Examples:
  op-dbus casts
  op-dbus casts thorough                       # one cast, with all of its parts
  op-dbus run code_review --cast thorough      # runs a plan with one of them

A cast says who plays which step or role: a role, an agent or AGENT.OPERATION; `none` means nobody.";

/// How many parts of a cast stand in the list.
const LISTED: usize = 3;

/// Columns of a description in the list: one that is long would leave no room for who plays what.
const DESCRIBED: usize = 36;

/// List casts, or show one: who plays which step or role
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Casts {
    /// Only this cast, with all of its parts
    cast: Option<String>,
}

impl Casts {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        ctx.with(Vec::new(), async |session| {
            let casts = session.client.plans().list_casts(ListCastsRequest {}).await?.into_inner().casts;
            match &self.cast {
                Some(name) => one(name, &casts, ctx)?,
                None if ctx.terminal.json => print::json(&casts.iter().map(json::cast).collect::<Value>())?,
                None if casts.is_empty() => {
                    print::note("no casts; `[casts.NAME]` in the configuration makes one");
                }
                None => print::text(&table(&casts, &ctx.terminal))?,
            }
            Ok(Exit::Done)
        })
        .await
    }
}

fn one(name: &str, casts: &[Cast], ctx: &Context) -> Result<(), Failure> {
    let Some(cast) = casts.iter().find(|cast| cast.name == name) else {
        let refused = Failure::refused(format!("no cast is called `{name}`"));
        return Err(refused.hint("`op-dbus casts` lists them"));
    };
    if ctx.terminal.json { print::json(&json::cast(cast)) } else { print::text(&sheet(cast, &ctx.terminal)) }
}

fn table(casts: &[Cast], terminal: &Terminal) -> String {
    let mut table = Table::new(["CAST", "PLAN", "DESCRIPTION", "WHO PLAYS WHAT"]);
    for cast in casts {
        let parts = parts(cast);
        let mut told: Vec<_> = parts.iter().take(LISTED).map(|(part, who)| format!("{part}={who}")).collect();
        if parts.len() > LISTED {
            told.push(format!("and {} more", parts.len() - LISTED));
        }
        let [plan, description, told] = [plan(cast), &cast.description, &told.join(", ")].map(one_line);
        table.row([terminal.paint.bold(&cast.name), plan, cut(&description, DESCRIBED), told]);
    }
    // All of it is in the sheet of a cast, and in JSON: what is piped is cut too.
    table.render(terminal.columns.or(Some(terminal.width)))
}

fn sheet(cast: &Cast, terminal: &Terminal) -> String {
    let mut text = format!("{}\n", terminal.paint.bold(&cast.name));
    for (name, value) in [("about", cast.description.as_str()), ("plan", plan(cast))] {
        text += &hang(&format!("{name:9} "), value, terminal.width);
    }
    let mut table = Table::new(["STEP OR ROLE", "PLAYED BY"]);
    for (part, who) in parts(cast) {
        table.row([one_line(part), one_line(who)]);
    }
    format!("{text}\n{}", table.render(terminal.columns))
}

fn plan(cast: &Cast) -> &str {
    if cast.plan.is_empty() { "any" } else { &cast.plan }
}

/// Who plays what, in the order of the parts.
fn parts(cast: &Cast) -> Vec<(&str, &str)> {
    let mut parts: Vec<_> = cast.parts.iter().map(|(part, who)| (part.as_str(), who.as_str())).collect();
    parts.sort_unstable();
    parts
}
