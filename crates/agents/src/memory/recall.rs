//! `recall`: the value of a key, exactly that.

use std::sync::Arc;

use op_agent::Failure;
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entry::Entry;
use super::session::seen;
use super::store::{Store, Stored};
use super::{invalid, near, remember};
use crate::database::Fault;
use crate::origin::Caller;
use crate::scope::Scope;

/// Most keys of one call.
const MOST: usize = 1000;

/// Most bytes of values that one call answers, so that the answer can be sent.
const BYTES: usize = 3 << 20;

/// Which keys to recall: `key` or `keys`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Recall {
    /// The key, as it was remembered.
    key: Option<String>,
    /// Several keys instead, at most 1,000, with at most 3 MiB of values.
    #[serde(default)]
    keys: Vec<String>,
    /// Where to look: `shared` or `session`; by default first among the session's, then among the shared ones.
    scope: Option<Scope>,
}

/// What is known under the keys.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Recalled {
    /// Whether every key was found that was asked for.
    pub(super) found: bool,
    /// The value of `key`; null when it is absent, and when `keys` was asked.
    pub(super) value: Value,
    /// One for each key, in their order.
    pub(super) answers: Vec<Answer>,
}

/// What is known under a key.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "status")]
pub(super) enum Answer {
    /// This very key is there.
    Found(Box<Entry>),
    /// It is not.
    Absent {
        /// The key.
        key: String,
        /// Other keys that read like it, the nearest first. None of them was asked for.
        near: Vec<String>,
    },
}

/// A key as it was found in the store.
enum Looked {
    Found(Box<Stored>),
    Absent { key: String, near: Vec<String> },
}

pub(super) async fn recall(store: Arc<Store>, caller: Caller, args: Recall) -> Result<Recalled, Failure> {
    let is_one = args.key.is_some();
    let keys = keys(args.key, args.keys, "recall")?;
    let now = caller.now;
    let looked = store
        .read(move |db| {
            let scopes = seen(db, &caller, args.scope)?;
            let mut looked = Vec::with_capacity(keys.len());
            let mut bytes = 0;
            for key in keys {
                let found = look(db, &scopes, key, now)?;
                bytes += found.length();
                within(bytes)?;
                looked.push(found);
            }
            Ok(looked)
        })
        .await?;
    let ids: Vec<i64> = looked.iter().filter_map(Looked::id).collect();
    let mut counts = store.recalled(&ids, now).await?.into_iter();
    let answers = looked.into_iter().map(|looked| looked.answer(|| counts.next().unwrap_or(0)));
    let answers = answers.collect::<Result<Vec<_>, Fault>>().map_err(unreadable)?;
    let found = answers.iter().all(|answer| matches!(answer, Answer::Found(_)));
    let value = match answers.first() {
        Some(Answer::Found(entry)) if is_one => entry.value.clone(),
        Some(Answer::Found(_) | Answer::Absent { .. }) | None => Value::Null,
    };
    Ok(Recalled { found, value, answers })
}

/// The keys that `key` or `keys` of an operation name.
pub(super) fn keys(key: Option<String>, keys: Vec<String>, operation: &str) -> Result<Vec<String>, Failure> {
    let keys = match key {
        Some(key) if keys.is_empty() => vec![key],
        None if !keys.is_empty() => keys,
        Some(_) | None => {
            return Err(invalid("there must be one key, or a list of them", "give either `key` or `keys`"));
        }
    };
    if keys.len() > MOST {
        return Err(invalid(
            format!("there are {} keys", keys.len()),
            format!("{operation} at most {MOST} at once"),
        ));
    }
    keys.iter().try_for_each(|key| remember::key(key))?;
    Ok(keys)
}

/// The first entry of a key in some scopes.
pub(super) fn first(db: &Connection, scopes: &[i64], key: &str, now: i64) -> Result<Option<Stored>, Fault> {
    for scope in scopes {
        if let Some(found) = Stored::find(db, *scope, key)?.filter(|entry| !entry.is_over(now)) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn look(db: &Connection, scopes: &[i64], key: String, now: i64) -> Result<Looked, Fault> {
    if let Some(found) = first(db, scopes, &key, now)? {
        return Ok(Looked::Found(Box::new(found)));
    }
    let near = near::keys(db, scopes, &key, now)?;
    Ok(Looked::Absent { key, near })
}

/// Refuses as soon as it is known that the answer cannot be sent, with no more than that in memory.
fn within(bytes: usize) -> Result<(), Failure> {
    if bytes <= BYTES {
        return Ok(());
    }
    let message =
        format!("the values of these keys have more than {BYTES} bytes, which is what an answer holds");
    Err(Failure::rejected("value_too_large", message).hint("recall fewer keys at once"))
}

fn unreadable(fault: Fault) -> Failure {
    match fault {
        Fault::Refused(failure) => failure,
        other => {
            Failure::failed("database_corrupt", format!("an entry does not read as it was written: {other}"))
        }
    }
}

impl Looked {
    fn length(&self) -> usize {
        match self {
            Self::Found(stored) => stored.value.len(),
            Self::Absent { .. } => 0,
        }
    }

    fn id(&self) -> Option<i64> {
        match self {
            Self::Found(stored) => Some(stored.id),
            Self::Absent { .. } => None,
        }
    }

    fn answer(self, count: impl FnOnce() -> i64) -> Result<Answer, Fault> {
        match self {
            Self::Found(stored) => Ok(Answer::Found(Box::new(Entry::of(&stored, count(), usize::MAX)?))),
            Self::Absent { key, near } => Ok(Answer::Absent { key, near }),
        }
    }
}
