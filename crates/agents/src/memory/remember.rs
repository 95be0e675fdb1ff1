//! `remember` and `unremember`.

use std::collections::HashSet;
use std::sync::Arc;

use op_agent::Failure;
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::session::{enter, seen, whose};
use super::store::{Limits, Store, Stored};
use super::{invalid, past};
use crate::database::Fault;
use crate::lexicon;
use crate::origin::{Caller, Provenance};
use crate::scope::Scope;
use crate::undo::Undo;

/// Most entries of one call.
const MOST: usize = 1000;

/// Most bytes of a key.
const KEY: usize = 512;

/// Most bytes of a value as JSON.
const VALUE: usize = 1 << 20;

/// Most tags of an entry.
const TAGS: usize = 32;

/// Most bytes of a tag.
const TAG: usize = 64;

/// Milliseconds that an entry of a session lives at most, should nobody tell that the session is over: a week.
const SESSION: i64 = 7 * 24 * 60 * 60 * 1000;

/// What to remember: `key` and `value`, or `entries`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Remember {
    /// The key, of at most 512 bytes.
    key: Option<String>,
    /// The value, any JSON of at most 1 MiB.
    #[serde(default)]
    value: Value,
    /// Labels to find it by: at most 32, of at most 64 bytes each.
    #[serde(default)]
    tags: Vec<String>,
    /// Seconds until it is forgotten; 0 for never.
    #[serde(default)]
    ttl_secs: u64,
    /// Several entries instead, at most 1,000: all of them are remembered, or none.
    #[serde(default)]
    entries: Vec<Item>,
    /// Whether an entry that has the key already is replaced (the default) or the call rejected as `exists`.
    #[serde(default = "yes")]
    overwrite: bool,
    /// Whose it is: `shared` (the default), or the `session`'s, which sees it alone and takes it along when it ends.
    scope: Option<Scope>,
    /// Whether to remember also what another entry says already. Else a value of five different words or more, of which nine
    /// tenths are those of another entry, is rejected as `similar`.
    #[serde(default)]
    allow_similar: bool,
}

fn yes() -> bool {
    true
}

/// One of several entries.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Item {
    /// The key.
    key: String,
    /// The value.
    value: Value,
    /// Labels.
    #[serde(default)]
    tags: Vec<String>,
    /// Seconds until it is forgotten; 0 for never.
    #[serde(default)]
    ttl_secs: u64,
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Remembered {
    /// One for each entry, in their order.
    pub(super) entries: Vec<Written>,
    /// Under which what was replaced is kept for a week.
    pub(super) receipt: String,
}

/// An entry that is remembered now.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Written {
    /// Its key.
    pub(super) key: String,
    /// Whether there was one before.
    pub(super) outcome: Change,
    /// Changes whenever the key is written anew; an undo brings the old one back.
    pub(super) revision: i64,
    /// Whose it is.
    pub(super) scope: Scope,
}

/// Whether there was an entry before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Change {
    /// There was none.
    Created,
    /// There was one, and it said something else.
    Replaced,
    /// There was one that said just that.
    Unchanged,
}

/// What is there after an undo.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Unremembered {
    /// Keys that are gone again.
    pub(super) removed: Vec<String>,
    /// Keys that have the value again that was replaced.
    pub(super) restored: Vec<String>,
    /// Keys that were left as they are: unchanged then, gone since, or written by somebody else.
    pub(super) left: Vec<String>,
}

pub(super) async fn remember(
    store: Arc<Store>,
    caller: Caller,
    mut args: Remember,
) -> Result<Remembered, Failure> {
    let items = items(&mut args)?;
    let limits = store.limits;
    store
        .write(caller.now, move |db| {
            let desk =
                Desk { db, caller: &caller, scope: args.scope.unwrap_or(Scope::Shared), args: &args, limits };
            let number = enter(db, desk.scope, &caller)?;
            let entries = items.iter().map(|item| desk.remember(number, item)).collect::<Result<_, _>>()?;
            past::prune(db, &caller)?;
            Ok(Remembered { entries, receipt: caller.key.clone() })
        })
        .await
}

/// The entries of a call, each checked.
fn items(args: &mut Remember) -> Result<Vec<Item>, Failure> {
    let items = match (args.key.take(), std::mem::take(&mut args.entries)) {
        (Some(key), entries) if entries.is_empty() => {
            let (value, tags) = (std::mem::take(&mut args.value), std::mem::take(&mut args.tags));
            vec![Item { key, value, tags, ttl_secs: args.ttl_secs }]
        }
        (None, entries)
            if !entries.is_empty() && args.value.is_null() && args.tags.is_empty() && args.ttl_secs == 0 =>
        {
            entries
        }
        _ => {
            let hint = "give `key` and `value`, or `entries` that have their own each";
            return Err(invalid("there must be one entry, or a list of them", hint));
        }
    };
    if items.len() > MOST {
        return Err(invalid(
            format!("there are {} entries", items.len()),
            format!("remember at most {MOST} at once"),
        ));
    }
    let mut keys = HashSet::new();
    if let Some(twice) = items.iter().find(|item| !keys.insert(&item.key)) {
        let message = format!("there are two entries `{}`", twice.key);
        return Err(invalid(message, "give each entry a key of its own"));
    }
    items.into_iter().map(checked).collect()
}

/// With its tags sorted, each once.
fn checked(mut item: Item) -> Result<Item, Failure> {
    key(&item.key)?;
    item.tags.sort();
    item.tags.dedup();
    let is_wrong = |tag: &String| tag.is_empty() || tag.len() > TAG || tag.contains(char::is_control);
    if let Some(tag) = item.tags.iter().find(|tag| is_wrong(tag)) {
        let message = format!("`{}` is no tag", tag.escape_debug());
        return Err(invalid(message, format!("give it 1 to {TAG} bytes without control characters")));
    }
    if item.tags.len() > TAGS {
        let message = format!("the entry `{}` has {} tags", item.key, item.tags.len());
        return Err(invalid(message, format!("give it at most {TAGS}")));
    }
    Ok(item)
}

/// Whether a text can be a key.
pub(super) fn key(key: &str) -> Result<(), Failure> {
    if key.is_empty() || key.len() > KEY || key.contains(char::is_control) {
        let message = format!("`{}` is no key", key.chars().take(80).collect::<String>().escape_debug());
        return Err(invalid(message, format!("give it 1 to {KEY} bytes without control characters")));
    }
    Ok(())
}

/// One call that remembers.
struct Desk<'a> {
    db: &'a Connection,
    caller: &'a Caller,
    scope: Scope,
    args: &'a Remember,
    limits: Limits,
}

impl Desk<'_> {
    fn remember(&self, scope: i64, item: &Item) -> Result<Written, Fault> {
        let present = Stored::find(self.db, scope, &item.key)?;
        let present = match present {
            Some(present) if present.is_over(self.caller.now) => {
                present.take_out(self.db)?;
                None
            }
            present => present,
        };
        let draft = self.draft(scope, item, present.as_ref())?;
        let written =
            |outcome, revision| Ok(Written { key: item.key.clone(), outcome, revision, scope: self.scope });
        if let Some(present) = &present {
            let says_so = present.value == draft.value && present.tags == draft.tags;
            if says_so && present.call == self.caller.key {
                let before = past::find(self.db, &self.caller.key, scope, &item.key)?;
                let outcome = if before.is_some() { Change::Replaced } else { Change::Created };
                return written(outcome, present.id);
            }
            if says_so && present.expires == draft.expires {
                return written(Change::Unchanged, present.id);
            }
            if !self.args.overwrite {
                return Err(exists(present).into());
            }
        }
        if !self.args.allow_similar {
            self.admit(&draft, present.as_ref())?;
        }
        if let Some(present) = &present {
            past::keep(self.db, self.caller, present)?;
            present.take_out(self.db)?;
        }
        self.room(&draft)?;
        let outcome = if present.is_some() { Change::Replaced } else { Change::Created };
        written(outcome, draft.put_in(self.db)?)
    }

    /// The entry as it will be.
    fn draft(&self, scope: i64, item: &Item, present: Option<&Stored>) -> Result<Stored, Fault> {
        let value = item.value.to_string();
        if value.len() > VALUE {
            let message = format!("the value of `{}` has {} bytes as JSON", item.key, value.len());
            let hint = format!("keep at most {VALUE} bytes, or remember where the rest is");
            return Err(Failure::rejected("value_too_large", message).hint(hint).into());
        }
        let now = self.caller.now;
        let asked = i64::try_from(item.ttl_secs).ok().filter(|seconds| *seconds > 0);
        let life = asked.map(|seconds| seconds.saturating_mul(1000));
        let life =
            if self.scope == Scope::Session { Some(life.unwrap_or(SESSION).min(SESSION)) } else { life };
        Ok(Stored {
            id: 0,
            scope,
            key: item.key.clone(),
            value,
            tags: serde_json::to_string(&item.tags)?,
            made: present.map_or(now, |present| present.made),
            changed: now,
            expires: life.map(|life| now.saturating_add(life)),
            call: self.caller.key.clone(),
            session: self.caller.session.clone(),
            accesses: present.map_or(0, |present| present.accesses),
        })
    }

    /// Refuses what another entry says already that the caller sees.
    fn admit(&self, draft: &Stored, present: Option<&Stored>) -> Result<(), Fault> {
        let body = lexicon::of_value(&serde_json::from_str(&draft.value)?);
        let mut scopes = seen(self.db, self.caller, None)?;
        if self.scope == Scope::Shared {
            scopes.retain(|scope| *scope == draft.scope);
        }
        let except = present.map(|present| present.id);
        let claim = lexicon::Claim { body: &body, spaces: &scopes, marks: &[], except, now: self.caller.now };
        let Some(found) = lexicon::alike(self.db, &claim, |_| Ok(true))? else { return Ok(()) };
        let Some(other) = Stored::of(self.db, found.id, self.caller.now)? else { return Ok(()) };
        let message = format!(
            "the value of `{}` says what `{}` says already: they share {:.0} % of their words",
            draft.key,
            other.key,
            found.share * 100.0
        );
        let detail = json!({
            "key": draft.key, "near": other.key, "scope": whose(other.scope), "share": found.share,
            "written_by": Provenance::of(&other.call, &other.session),
        });
        let hint = "change the entry that is there, or set `allow_similar` to true to have both";
        Err(Failure::rejected("similar", message).hint(hint).detail(detail).into())
    }

    /// Refuses what the store has no room for.
    fn room(&self, draft: &Stored) -> Result<(), Fault> {
        let (entries, bytes): (i64, i64) = self
            .db
            .prepare_cached("SELECT entries, bytes FROM totals")?
            .query_row((), |row| Ok((row.get(0)?, row.get(1)?)))?;
        if entries < self.limits.entries && bytes.saturating_add(draft.bytes()) <= self.limits.bytes {
            return Ok(());
        }
        let message = format!(
            "there is no room for `{}`: the memory holds {entries} of {} entries and {bytes} of {} bytes",
            draft.key, self.limits.entries, self.limits.bytes
        );
        let hint = "forget what is not needed any more, and give entries that are not for ever a `ttl_secs`";
        Err(Failure::rejected("memory_full", message).hint(hint).into())
    }
}

fn exists(present: &Stored) -> Failure {
    Failure::rejected(
        "exists",
        format!("there is an entry `{}` already, and it says something else", present.key),
    )
    .hint("choose another key, or set `overwrite` to true to replace it")
    .detail(json!({ "key": present.key, "written_by": Provenance::of(&present.call, &present.session) }))
}

/// Undoes `remember`, in one transaction. An entry that was written again since stays.
pub(super) async fn unremember(
    store: Arc<Store>,
    caller: Caller,
    args: Undo<Remember, Remembered>,
) -> Result<Unremembered, Failure> {
    let now = caller.now;
    store.write(now, move |db| undo(db, &args.output)).await
}

fn undo(db: &Connection, output: &Remembered) -> Result<Unremembered, Fault> {
    let mut done = Unremembered { removed: Vec::new(), restored: Vec::new(), left: Vec::new() };
    for written in &output.entries {
        let present =
            if written.outcome == Change::Unchanged { None } else { Stored::by_id(db, written.revision)? };
        let Some(present) = present.filter(|present| present.key == written.key) else {
            done.left.push(written.key.clone());
            continue;
        };
        let before = past::find(db, &output.receipt, present.scope, &present.key)?;
        match (written.outcome, before) {
            (Change::Replaced, None) => {
                return Err(too_late(&written.key).into());
            }
            (Change::Replaced, Some(before)) => {
                present.take_out(db)?;
                past::bring_back(db, &output.receipt, &before)?;
                done.restored.push(written.key.clone());
            }
            (Change::Created | Change::Unchanged, _) => {
                present.take_out(db)?;
                done.removed.push(written.key.clone());
            }
        }
    }
    Ok(done)
}

/// The failure for an undo that needs what is not kept any more.
pub(super) fn too_late(key: &str) -> Failure {
    Failure::failed("too_late", format!("what `{key}` said before is not kept any more"))
        .hint("remember it anew, or forget it")
}
