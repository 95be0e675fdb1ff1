//! `get_all`: the facts about somebody.

use op_agent::Failure;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fact::{Fact, Span};
use super::invalid;
use super::owner::Owner;
use super::store::Version;
use crate::database::{Database, Fault};
use crate::origin::Caller;

/// Most facts of one page.
const MOST: usize = 1000;

/// Bytes of facts from which on a page ends, so that it can be sent.
const BYTES: usize = 2 << 20;

/// Which facts: of a `memory_id`, or of `user_id`, `agent_id` and `run_id`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetAll {
    /// One fact only, also when it is over.
    memory_id: Option<i64>,
    /// Facts about this user.
    user_id: Option<String>,
    /// Facts about this agent.
    agent_id: Option<String>,
    /// Facts about this run.
    run_id: Option<String>,
    /// Whether facts that are over are told too, and what each one said before: all of it, or as much as can be sent.
    #[serde(default)]
    history: bool,
    /// Most facts, 1 to 1,000; of one `memory_id` with `history`, most of what it said before.
    #[serde(default = "page")]
    limit: usize,
    /// How many of these to pass over.
    #[serde(default)]
    offset: usize,
}

fn page() -> usize {
    100
}

/// Facts, the oldest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Facts {
    /// The facts of this page.
    pub(super) results: Vec<Fact>,
    /// How many there are.
    pub(super) total: usize,
    /// The offset of the next page, of facts or of what the one fact said before; null when this is the last one.
    pub(super) next: Option<usize>,
}

pub(super) async fn get_all(database: Database, _: Caller, args: GetAll) -> Result<Facts, Failure> {
    if args.limit == 0 || args.limit > MOST {
        return Err(invalid(format!("the limit is {}", args.limit), format!("ask for 1 to {MOST} facts")));
    }
    if let Some(id) = args.memory_id {
        if args.user_id.is_some() || args.agent_id.is_some() || args.run_id.is_some() {
            return Err(invalid(
                "a fact is asked for by its id and by whom it is about",
                "leave one of them out",
            ));
        }
        let wanted = if args.history { Span { offset: args.offset, limit: args.limit } } else { Span::NONE };
        return database.read(move |db| of_one(db, id, wanted)).await;
    }
    let owner = Owner::new(args.user_id, args.agent_id, args.run_id)?;
    database.read(move |db| of_owner(db, &owner, args.history, args.limit, args.offset)).await
}

/// One fact, and a page of what it said before.
fn of_one(db: &Connection, id: i64, wanted: Span) -> Result<Facts, Fault> {
    let Some(last) = Version::last(db, id)? else {
        return Ok(Facts { results: Vec::new(), total: 0, next: None });
    };
    let fact = Fact::of(db, &last, wanted)?;
    let end = wanted.offset.saturating_add(fact.history.len());
    let next = (end < fact.earlier && !fact.history.is_empty()).then_some(end);
    Ok(Facts { results: vec![fact], total: 1, next })
}

fn of_owner(
    db: &Connection,
    owner: &Owner,
    history: bool,
    limit: usize,
    offset: usize,
) -> Result<Facts, Fault> {
    let mut with: Vec<Value> = Vec::new();
    let mut clause = String::from(if history { "TRUE" } else { "until IS NULL" });
    for (column, name) in owner.ids() {
        clause.push_str(" AND ");
        clause.push_str(column);
        clause.push_str(" = ?");
        with.push(name.to_owned().into());
    }
    let count = format!("SELECT count(DISTINCT fact) FROM versions WHERE {clause}");
    let total: i64 = db.prepare_cached(&count)?.query_row(params_from_iter(&with), |row| row.get(0))?;
    let total = usize::try_from(total).unwrap_or(0);
    with.extend([limit, offset].map(|number| Value::from(i64::try_from(number).unwrap_or(i64::MAX))));
    let page =
        format!("SELECT max(id) FROM versions WHERE {clause} GROUP BY fact ORDER BY fact LIMIT ? OFFSET ?");
    let mut asked = db.prepare_cached(&page)?;
    let told = if history { Span { offset: 0, limit: usize::MAX } } else { Span::NONE };
    let (mut results, mut bytes) = (Vec::new(), 0);
    for id in asked.query_map(params_from_iter(&with), |row| row.get(0))? {
        let Some(version) = Version::by_id(db, id?)? else { continue };
        let fact = Fact::of(db, &version, told)?;
        bytes += serde_json::to_vec(&fact)?.len();
        if bytes > BYTES && !results.is_empty() {
            break;
        }
        results.push(fact);
    }
    let end = offset.saturating_add(results.len());
    let next = (end < total && !results.is_empty()).then_some(end);
    Ok(Facts { results, total, next })
}
