//! `list`: which entries there are.

use std::sync::Arc;

use op_agent::Failure;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::invalid;
use super::session::seen;
use super::store::{BARE, Store, Stored};
use crate::database::Fault;
use crate::origin::Caller;
use crate::scope::Scope;

/// Most entries of one page.
const MOST: usize = 1000;

/// Most bytes of a pattern, twice those of a key.
const GLOB: usize = 1024;

/// Which entries to list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    /// Only keys that fit this pattern: `*` is anything, `?` one letter, `[a-z]` one of these.
    glob: Option<String>,
    /// Only entries that have this tag.
    tag: Option<String>,
    /// Most entries, 1 to 1,000.
    #[serde(default = "page")]
    limit: usize,
    /// How many entries to pass over.
    #[serde(default)]
    offset: usize,
    /// Whose entries: `shared` or `session`; by default the session's, then the shared ones.
    scope: Option<Scope>,
}

fn page() -> usize {
    100
}

/// Entries without their values, sorted by key.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listed {
    /// The entries of this page.
    pub(super) entries: Vec<Entry>,
    /// How many there are.
    pub(super) total: usize,
    /// The offset of the next page; null when this is the last one.
    pub(super) next: Option<usize>,
}

/// What narrows a list.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) tag: Option<String>,
    pub(super) glob: Option<String>,
}

impl Filter {
    /// Refuses a pattern that cannot fit any key: one that is too long, or that has control characters, of which a NUL would end it.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let is_wrong = |glob: &&String| glob.len() > GLOB || glob.contains(char::is_control);
        match self.glob.as_ref().filter(is_wrong) {
            Some(glob) => {
                let shown: String = glob.chars().take(80).collect();
                let hint = format!("give it at most {GLOB} bytes without control characters");
                Err(invalid(format!("`{}` is no pattern of keys", shown.escape_debug()), hint))
            }
            None => Ok(()),
        }
    }

    pub(super) fn is_any(&self) -> bool {
        self.tag.is_some() || self.glob.is_some()
    }

    /// The rest of a statement that looks into one scope, and what it is asked with. `now` is given when something is over.
    fn clause(&self, scope: i64, now: Option<i64>) -> (String, Vec<Value>) {
        let mut with: Vec<Value> = vec![scope.into()];
        let mut sql = match &self.tag {
            None => " FROM entries WHERE scope = ?".to_owned(),
            Some(tag) => {
                with.push(tag.clone().into());
                " FROM tagged JOIN entries USING (scope, key) WHERE tagged.scope = ? AND tag = ?".to_owned()
            }
        };
        if let Some(glob) = &self.glob {
            sql += " AND key GLOB ?";
            with.push(glob.clone().into());
        }
        if let Some(now) = now {
            sql += " AND (expires IS NULL OR expires > ?)";
            with.push(now.into());
        }
        (sql, with)
    }
}

pub(super) async fn list(store: Arc<Store>, caller: Caller, args: List) -> Result<Listed, Failure> {
    if args.limit == 0 || args.limit > MOST {
        return Err(invalid(format!("the limit is {}", args.limit), format!("ask for 1 to {MOST} entries")));
    }
    let filter = Filter { tag: args.tag.clone(), glob: args.glob.clone() };
    filter.check()?;
    store.tidy(caller.now).await?;
    let (mut listed, ids) = store.read(move |db| read(db, &caller, &args, &filter)).await?;
    for (entry, id) in listed.entries.iter_mut().zip(ids) {
        entry.access_count += store.counted(id);
    }
    Ok(listed)
}

fn read(db: &Connection, caller: &Caller, args: &List, filter: &Filter) -> Result<(Listed, Vec<i64>), Fault> {
    let (mut total, mut found) = (0, Vec::new());
    for scope in seen(db, caller, args.scope)? {
        let many = count(db, scope, filter, caller.now)?;
        let skip = args.offset.saturating_sub(total);
        let left = args.limit - found.len();
        if left > 0 && skip < many {
            found.extend(ids(db, scope, filter, left, skip, caller.now)?);
        }
        total += many;
    }
    let entries: Vec<Entry> = found.iter().map(|id| bare(db, *id)).collect::<Result<_, _>>()?;
    let end = args.offset.saturating_add(entries.len());
    let next = (end < total && !entries.is_empty()).then_some(end);
    Ok((Listed { entries, total, next }, found))
}

/// An entry without its value, which is not even read.
fn bare(db: &Connection, id: i64) -> Result<Entry, Fault> {
    let mut asked = db.prepare_cached(&format!("SELECT {BARE}, bytes FROM entries WHERE id = ?1"))?;
    let (stored, bytes) = asked.query_row([id], |row| Ok((Stored::read(row)?, row.get(11)?)))?;
    Ok(Entry { bytes, ..Entry::of(&stored, 0, 0)? })
}

/// Ids of a scope's entries, sorted by key.
pub(super) fn ids(
    db: &Connection,
    scope: i64,
    filter: &Filter,
    limit: usize,
    offset: usize,
    now: i64,
) -> Result<Vec<i64>, Fault> {
    let (clause, mut with) = filter.clause(scope, over(db, now)?);
    with.extend([limit, offset].map(|number| Value::from(i64::try_from(number).unwrap_or(i64::MAX))));
    let mut asked = db.prepare_cached(&format!("SELECT entries.id{clause} ORDER BY key LIMIT ? OFFSET ?"))?;
    Ok(asked.query_map(params_from_iter(with), |row| row.get(0))?.collect::<Result<_, _>>()?)
}

fn count(db: &Connection, scope: i64, filter: &Filter, now: i64) -> Result<usize, Fault> {
    let (clause, with) = filter.clause(scope, over(db, now)?);
    let mut asked = db.prepare_cached(&format!("SELECT count(*){clause}"))?;
    let many: i64 = asked.query_row(params_from_iter(with), |row| row.get(0))?;
    Ok(usize::try_from(many).unwrap_or(0))
}

/// The time, when something is over that is still there. Without that, an index answers what to count.
fn over(db: &Connection, now: i64) -> Result<Option<i64>, Fault> {
    Ok(super::store::is_any_over(db, now)?.then_some(now))
}
