//! Lists: what there is, in lines.

use op_engine::ports::{RunFilter, RunRecord};
use op_plan::catalogue::{Operations, TOOLS};
use op_plan::{Severity, Source, load};
use op_run::RunId;
use op_run::run::State;
use zbus::OwnedObjectPath;

use crate::fault::Fault;
use crate::house::{House, Lobby};
use crate::options::{Options, Table};
use crate::path;
use crate::value::MAX;
use crate::view::{lock, micros, micros_or_none};

/// Runs listed where a call does not say how many.
const DEFAULT: u32 = 50;

/// Most runs or events listed at once.
const MOST: u32 = 1000;

/// A run in one line: id, path, kind, plan, state, progress, start, end.
pub(super) type RunLine = (String, OwnedObjectPath, String, String, String, f64, u64, u64);

/// An agent in one line: id, path, state, where it listens.
pub(super) type AgentLine = (String, OwnedObjectPath, String, String);

/// A plan in one line: id, path, shape, description.
pub(super) type PlanLine = (String, OwnedObjectPath, String, String);

/// What can be run or called, in one line: kind, name, description, whether it can be used.
pub(super) type DefinitionLine = (String, String, String, bool);

/// What is wrong in a definition: severity, line, column, message, what to do.
pub(super) type DiagnosticLine = (String, u32, u32, String, String);

/// Runs that match, newest first, and where the next ones begin.
pub(super) async fn runs(
    lobby: &Lobby,
    filter: Table,
    cursor: String,
    limit: u32,
) -> Result<(Vec<RunLine>, String), Fault> {
    let house = &lobby.house;
    let filter = run_filter(filter, cursor, limit)?;
    let records = house.engine.list(&filter).await.map_err(|error| Fault::of(&error))?;
    let is_last = records.len() < filter.limit;
    let next = records.last().filter(|_| !is_last).map(|record| record.id.to_string());
    let lines = records.iter().map(|record| run_line(house, record)).collect();
    Ok((lines, next.unwrap_or_default()))
}

fn run_filter(table: Table, cursor: String, limit: u32) -> Result<RunFilter, Fault> {
    let known = ["labels", "plan", "since-usec", "states", "text", "until-usec", "user"];
    let mut options = Options::new(table, &known)?;
    Ok(RunFilter {
        states: states(&options.words("states")?)?,
        plan: options.word("plan")?,
        user: options.word("user")?,
        labels: options.map("labels")?,
        since: options.instant("since-usec")?,
        until: options.instant("until-usec")?,
        text: options.word("text")?,
        after: Some(cursor).filter(|cursor| !cursor.is_empty()).map(RunId::new),
        limit: most(limit, DEFAULT),
    })
}

/// How many are listed at once where a call asks for so many; 0 asks for as many as is usual.
pub(super) fn most(asked: u32, usual: u32) -> usize {
    if asked == 0 { usual as usize } else { asked.min(MOST) as usize }
}

fn states(words: &[String]) -> Result<Vec<State>, Fault> {
    let state = |word: &String| {
        let found = State::ALL.into_iter().find(|state| state.word() == word);
        found.ok_or_else(|| {
            let known = State::ALL.map(State::word).join(", ");
            Fault::invalid(format!("`{word}` is no state of a run; there is {known}"))
        })
    };
    words.iter().map(state).collect()
}

/// A run that does not stand on the bus has no path until somebody asks for it.
fn run_line(house: &House, record: &RunRecord) -> RunLine {
    let library = house.engine.library();
    let shown = lock(&house.board.runs).get(record.id.as_str()).cloned();
    let (started, ended) = (micros(record.started_at), micros_or_none(record.ended_at));
    let (id, name, state) = (record.id.to_string(), record.plan.clone(), record.state.word().to_owned());
    let (path, kind, progress) = if let Some(view) = shown {
        let path = path::of(path::RUN, record.id.as_str());
        (path, view.plan.draft().shape.word(), view.facts().progress)
    } else {
        let settled = f64::from(record.settled_phases) / f64::from(record.total_phases.max(1));
        let plan = library.plans.get(&record.plan);
        (path::nothing(), plan.map_or("", |plan| plan.draft().shape.word()), settled)
    };
    (id, path, kind.to_owned(), name, state, progress, started, ended)
}

pub(super) fn agents(house: &House) -> Vec<AgentLine> {
    let agents = lock(&house.board.agents);
    let line = |(name, view): (&String, &std::sync::Arc<std::sync::Mutex<op_engine::ports::AgentStatus>>)| {
        let status = lock(view);
        let (state, endpoint) = (status.state.word().to_owned(), status.endpoint.clone());
        (name.clone(), path::of(path::AGENT, name), state, endpoint)
    };
    agents.iter().map(line).collect()
}

pub(super) fn plans(house: &House) -> Vec<PlanLine> {
    let plans = lock(&house.board.plans);
    let line = |(id, plan): (&String, &std::sync::Arc<op_plan::Plan>)| {
        let draft = plan.draft();
        (id.clone(), path::of(path::PLAN, id), draft.shape.word().to_owned(), draft.about.description.clone())
    };
    plans.iter().map(line).collect()
}

/// Plans, tools and operations of agents.
pub(super) fn definitions(house: &House, filter: Table) -> Result<Vec<DefinitionLine>, Fault> {
    let kind = Options::new(filter, &["kind"])?.word("kind")?;
    let library = house.engine.library();
    let mut lines: Vec<DefinitionLine> = Vec::new();
    for (id, plan) in &library.plans {
        let draft = plan.draft();
        lines.push((draft.shape.word().to_owned(), id.clone(), draft.about.description.clone(), true));
    }
    for (agent, operations) in &house.engine.catalogue().agents {
        let Operations::Known(operations) = operations else { continue };
        for (name, operation) in &**operations {
            let (kind, name) =
                if agent == TOOLS { ("tool", name.clone()) } else { ("agent", format!("{agent}.{name}")) };
            let enabled = operation.unavailable.is_none();
            lines.push((kind.to_owned(), name, operation.description.clone(), enabled));
        }
    }
    if let Some(kind) = kind {
        lines.retain(|(of, ..)| *of == kind);
    }
    Ok(lines)
}

/// What is wrong in a text of plans. It is read beside the tasks that serve others.
pub(super) async fn validate(house: &House, toml: String) -> Result<(bool, Vec<DiagnosticLine>), Fault> {
    if toml.len() > MAX {
        let message = format!("the definition has {} bytes, more than {MAX}", toml.len());
        return Err(Fault::exceeded(format!("{message}: check it over gRPC (opdbus.v1.Plans, Check)")));
    }
    let catalogue = house.engine.catalogue();
    let source = Source { name: "definition".to_owned(), text: toml };
    let checked = tokio::task::spawn_blocking(move || load(&[source], &catalogue)).await;
    let loaded = checked.map_err(|_| Fault::internal("the check broke off"))?;
    let place = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    let lines = loaded.diagnostics.iter().map(|of| {
        let severity = match of.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let (line, column) = (place(of.spot.line), place(of.spot.column));
        (severity.to_owned(), line, column, of.message.clone(), of.hint.clone().unwrap_or_default())
    });
    Ok((!loaded.has_errors(), lines.collect()))
}
