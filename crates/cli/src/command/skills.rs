//! `op-dbus skills`: markdown knowledge that calls are given, and what it demands of them.

use clap::{Args, Subcommand};
use op_proto::v1::{GetSkillRequest, GetSkillResponse, ListSkillsRequest, SkillSummary};
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::render::table::Table;
use crate::render::text::{clean, hang, one_line};
use crate::seat::{Context, Session};
use crate::terminal::Terminal;
use crate::{json, print};

const EXAMPLES: &str = "\
Examples:
  op-dbus skills
  op-dbus skills show rust-optimization                   # what makes it active, what it demands, its text
  op-dbus skills show my-skill references/details.md      # a file beside it

A skill is a directory with a SKILL.md (agentskills.io): those that ship, `skills/` of the configuration, ~/.config/op-dbus/skills,
`[skills] directories`, and without a daemon `.op-dbus/skills` and `.agents/skills` of the repository. A step names some with
`skills = [\"...\"]`; others are active by `op-dbus-tools` and `op-dbus-paths` in their metadata.";

/// List skills, or show one
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct Skills {
    #[command(subcommand)]
    action: Option<Action>,
}

/// What to do with one.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
enum Action {
    /// Show a skill, or a file beside it
    Show {
        /// Skill, as `op-dbus skills` lists it
        skill: String,
        /// A file beside it, by its path from there
        resource: Option<String>,
    },
}

impl Skills {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        ctx.with(Vec::new(), async move |session| {
            match self.action {
                None => list(session, ctx).await?,
                Some(Action::Show { skill, resource }) => show(session, skill, resource, ctx).await?,
            }
            Ok(Exit::Done)
        })
        .await
    }
}

async fn list(session: &Session, ctx: &Context) -> Result<(), Failure> {
    let answer = session.client.skills().list(ListSkillsRequest {}).await?.into_inner();
    for found in &answer.diagnostics {
        print::note(&clean(&found.rendered));
    }
    if ctx.terminal.json {
        print::json(&answer.skills.iter().map(json::skill_summary).collect::<Value>())
    } else {
        print::text(&table(&answer.skills, &ctx.terminal))
    }
}

fn table(skills: &[SkillSummary], terminal: &Terminal) -> String {
    let mut table = Table::new(["SKILL", "PRIORITY", "DESCRIPTION"]);
    for skill in skills {
        table.row([
            terminal.paint.bold(&skill.name),
            skill.priority.to_string(),
            one_line(&skill.description),
        ]);
    }
    table.render(terminal.columns)
}

async fn show(
    session: &Session,
    skill: String,
    resource: Option<String>,
    ctx: &Context,
) -> Result<(), Failure> {
    let is_whole = resource.is_none();
    let request = GetSkillRequest { skill, resource: resource.unwrap_or_default() };
    let answer = session.client.skills().get(request).await?.into_inner();
    if ctx.terminal.json {
        return print::json(&json::skill(&answer));
    }
    if is_whole {
        print::text(&about(&answer, &ctx.terminal))?;
    }
    print::line(&clean(answer.text.trim_end()))
}

/// What stands above the text: a line for everything that there is to say.
fn about(of: &GetSkillResponse, terminal: &Terminal) -> String {
    let skill = of.skill.clone().unwrap_or_default();
    let summary = skill.summary.unwrap_or_default();
    let lines = [
        ("for", vec![summary.description.clone()]),
        ("needs", vec![skill.compatibility]),
        ("license", vec![skill.license]),
        ("performers", vec![skill.tools.join(" ")]),
        ("paths", vec![skill.paths.join(" ")]),
        ("demands", skill.constraints),
        ("files", skill.resources),
        ("from", vec![skill.origin]),
    ];
    let columns = terminal.columns.unwrap_or(usize::MAX);
    let mut text = format!("{}  priority {}\n", terminal.paint.bold(&summary.name), summary.priority);
    for (label, values) in lines {
        for value in values.iter().filter(|value| !value.is_empty()) {
            text += &hang(&format!("{label:<11} "), &one_line(value), columns);
        }
    }
    text.push('\n');
    text
}
