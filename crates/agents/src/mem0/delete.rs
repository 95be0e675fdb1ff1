//! `delete`: facts that hold no more.

use op_agent::Failure;
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::invalid;
use super::store::{End, Version, purge};
use crate::database::{Database, Fault};
use crate::origin::Caller;

/// Most facts of one call.
const MOST: usize = 1000;

/// What to delete: `memory_id` or `memory_ids`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Delete {
    /// The fact.
    memory_id: Option<i64>,
    /// Several facts instead, at most 1,000.
    #[serde(default)]
    memory_ids: Vec<i64>,
    /// Whether their history goes too, also that of facts which are over already. Else it stays, and is told where it is asked for.
    #[serde(default)]
    purge: bool,
}

/// What is deleted.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Deleted {
    /// The facts that were deleted now.
    pub(super) deleted: Vec<Gone>,
    /// Ids of which there was no fact any more, or never one.
    pub(super) absent: Vec<i64>,
}

/// A fact that is gone.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Gone {
    /// Its id.
    pub(super) memory_id: i64,
    /// What it said last.
    pub(super) memory: String,
}

pub(super) async fn delete(database: Database, caller: Caller, args: Delete) -> Result<Deleted, Failure> {
    let ids = match (args.memory_id, args.memory_ids) {
        (Some(id), ids) if ids.is_empty() => vec![id],
        (None, ids) if !ids.is_empty() && ids.len() <= MOST => ids,
        _ => {
            let hint = format!("give `memory_id`, or `memory_ids` with 1 to {MOST} ids");
            return Err(invalid("it must be said which facts to delete", hint));
        }
    };
    database
        .write(move |db| {
            let mut done = Deleted { deleted: Vec::new(), absent: Vec::new() };
            ids.into_iter().try_for_each(|id| one(db, id, args.purge, caller.now, &mut done))?;
            Ok(done)
        })
        .await
}

fn one(db: &Connection, fact: i64, with_history: bool, now: i64, done: &mut Deleted) -> Result<(), Fault> {
    let last = if with_history { Version::last(db, fact)? } else { Version::current(db, fact)? };
    let Some(last) = last else {
        done.absent.push(fact);
        return Ok(());
    };
    if with_history {
        purge(db, fact)?;
    } else {
        last.end(db, End::Deleted, now)?;
    }
    done.deleted.push(Gone { memory_id: fact, memory: last.text });
    Ok(())
}
