//! `search`: entries by their words.

use std::sync::Arc;

use op_agent::Failure;
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::invalid;
use super::session::seen;
use super::store::{Store, Stored};
use crate::database::Fault;
use crate::lexicon::{self, Hit};
use crate::origin::Caller;
use crate::scope::Scope;

/// Most entries of each kind that a search answers.
const MOST: usize = 100;

/// Bytes of a value from which on it is left out of an answer.
const LONG: usize = 16 * 1024;

/// What to look for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    /// 1 to 16 words, in any order and case. A word is letters and digits in a row, and is found as a whole.
    query: String,
    /// Most entries of each kind, 1 to 100.
    #[serde(default = "few")]
    limit: usize,
    /// The least score of an entry, between 0 and 1.
    #[serde(default)]
    min_score: f64,
    /// Where to look: `shared` or `session`; by default in both.
    scope: Option<Scope>,
}

fn few() -> usize {
    10
}

/// What was found, each list with the best first.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Found {
    /// Entries that have every word of the query.
    pub(super) matches: Vec<Match>,
    /// Entries that have some of the words and not all; looked for when `matches` is shorter than the limit.
    pub(super) near: Vec<Match>,
    /// Whether everything was weighed that could be among them. If not, a word is so common that only the newest entries were.
    pub(super) complete: bool,
}

/// An entry, and how well it fits.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Match {
    /// Between 0 and 1: BM25 with words of key and tags counted three times, as a share of what is possible for the query. A
    /// word that stands once in the value of an entry of average length gives 0.45.
    pub(super) score: f64,
    /// The entry.
    pub(super) entry: Entry,
}

pub(super) async fn search(store: Arc<Store>, caller: Caller, args: Search) -> Result<Found, Failure> {
    if args.limit == 0 || args.limit > MOST {
        return Err(invalid(format!("the limit is {}", args.limit), format!("ask for 1 to {MOST} entries")));
    }
    if !(0.0..=1.0).contains(&args.min_score) {
        return Err(invalid(format!("`min_score` is {}", args.min_score), "set it between 0 and 1"));
    }
    let words = lexicon::query(&args.query)?;
    store.tidy(caller.now).await?;
    let mut found = store
        .read(move |db| {
            let spaces = seen(db, &caller, args.scope)?;
            let (now, limit, least) = (caller.now, args.limit, args.min_score);
            let query = lexicon::Query { words: &words, spaces: &spaces, marks: &[], now, limit, least };
            let found = lexicon::search(db, &query)?;
            let (matches, near) = (entries(db, &found.every, now)?, entries(db, &found.some, now)?);
            Ok(Read { matches, near, complete: found.complete })
        })
        .await?;
    for (id, found) in found.matches.iter_mut().chain(&mut found.near) {
        found.entry.access_count += store.counted(*id);
    }
    let bare = |found: Vec<(i64, Match)>| found.into_iter().map(|(_, found)| found).collect();
    Ok(Found { matches: bare(found.matches), near: bare(found.near), complete: found.complete })
}

/// What was read, with ids.
struct Read {
    matches: Vec<(i64, Match)>,
    near: Vec<(i64, Match)>,
    complete: bool,
}

fn entries(db: &Connection, hits: &[Hit], now: i64) -> Result<Vec<(i64, Match)>, Fault> {
    let mut found = Vec::with_capacity(hits.len());
    for hit in hits {
        if let Some(stored) = Stored::of(db, hit.id, now)? {
            found.push((hit.id, Match { score: hit.score, entry: Entry::of(&stored, 0, LONG)? }));
        }
    }
    Ok(found)
}
