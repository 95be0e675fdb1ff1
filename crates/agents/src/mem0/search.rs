//! `search`: facts by their words.

use op_agent::Failure;
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fact::{Fact, Span};
use super::invalid;
use super::owner::Owner;
use super::store::{SPACE, Version};
use crate::database::{Database, Fault};
use crate::lexicon::{self, Hit, Query};
use crate::origin::Caller;

/// Most facts of each kind that a search answers.
const MOST: usize = 100;

/// What to look for, about at least one of `user_id`, `agent_id` and `run_id`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    /// 1 to 16 words, in any order and case. A word is letters and digits in a row, and is found as a whole.
    query: String,
    /// Facts about this user.
    user_id: Option<String>,
    /// Facts about this agent.
    agent_id: Option<String>,
    /// Facts about this run.
    run_id: Option<String>,
    /// Most facts of each kind, 1 to 100.
    #[serde(default = "few")]
    limit: usize,
    /// The least score of a fact, between 0 and 1.
    #[serde(default)]
    threshold: f64,
}

fn few() -> usize {
    10
}

/// What was found, each list with the best first.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Matches {
    /// Facts that have every word of the query.
    pub(super) results: Vec<Match>,
    /// Facts that have some of the words and not all; looked for when `results` is shorter than the limit.
    pub(super) near: Vec<Match>,
    /// Whether everything was weighed that could be among them. If not, a word is so common that only the newest facts were.
    pub(super) complete: bool,
}

/// A fact, and how well it fits.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Match {
    /// Between 0 and 1: BM25 as a share of what is possible for the query. A word that stands once in a fact of average
    /// length gives 0.45.
    pub(super) score: f64,
    /// The fact.
    #[serde(flatten)]
    pub(super) fact: Fact,
}

pub(super) async fn search(database: Database, caller: Caller, args: Search) -> Result<Matches, Failure> {
    if args.limit == 0 || args.limit > MOST {
        return Err(invalid(format!("the limit is {}", args.limit), format!("ask for 1 to {MOST} facts")));
    }
    if !(0.0..=1.0).contains(&args.threshold) {
        return Err(invalid(format!("`threshold` is {}", args.threshold), "set it between 0 and 1"));
    }
    let owner = Owner::new(args.user_id, args.agent_id, args.run_id)?;
    let words = lexicon::query(&args.query)?;
    database
        .read(move |db| {
            let Some(marks) = owner.marks(db)? else {
                return Ok(Matches { results: Vec::new(), near: Vec::new(), complete: true });
            };
            let (now, limit, least) = (caller.now, args.limit, args.threshold);
            let query = Query { words: &words, spaces: &[SPACE], marks: &marks, now, limit, least };
            let found = lexicon::search(db, &query)?;
            let (results, near) = (facts(db, &found.every)?, facts(db, &found.some)?);
            Ok(Matches { results, near, complete: found.complete })
        })
        .await
}

fn facts(db: &Connection, hits: &[Hit]) -> Result<Vec<Match>, Fault> {
    let mut found = Vec::with_capacity(hits.len());
    for hit in hits {
        if let Some(version) = Version::by_id(db, hit.id)? {
            found.push(Match { score: hit.score, fact: Fact::of(db, &version, Span::NONE)? });
        }
    }
    Ok(found)
}
