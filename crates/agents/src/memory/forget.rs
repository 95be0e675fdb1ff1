//! `forget` and `restore`.

use std::collections::HashSet;
use std::sync::Arc;

use op_agent::Failure;
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::{Filter, ids};
use super::recall::{first, keys};
use super::remember::too_late;
use super::session::{number, seen, whose};
use super::store::{SHARED, Store, Stored};
use super::{invalid, past};
use crate::database::Fault;
use crate::origin::Caller;
use crate::scope::Scope;
use crate::undo::Undo;

/// Most entries that one call forgets, so that it can say which they were, and be undone.
const MOST: usize = 5000;

/// What to forget: by `key`, `keys`, or by `tag` and `glob`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Forget {
    /// The key.
    key: Option<String>,
    /// Several keys, at most 1,000.
    #[serde(default)]
    keys: Vec<String>,
    /// Every entry that has this tag.
    tag: Option<String>,
    /// Every entry whose key fits this pattern: `*` is anything, `?` one letter, `[a-z]` one of these.
    glob: Option<String>,
    /// Most entries that are forgotten by tag or pattern, at most 5,000.
    #[serde(default = "most")]
    limit: usize,
    /// Whose entries: `shared` or `session`; by default, of a key the one that recall answers, and by tag or pattern all that the caller
    /// sees.
    scope: Option<Scope>,
}

fn most() -> usize {
    MOST
}

/// What is forgotten.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Gone {
    /// The entries.
    pub(super) forgotten: Vec<Name>,
    /// Keys that were asked for and are not there.
    pub(super) absent: Vec<String>,
    /// Whether there are more entries of the tag or pattern than the limit.
    pub(super) more: bool,
    /// Under which the entries are kept for a week.
    pub(super) receipt: String,
}

/// Which entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub(super) struct Name {
    /// Its key.
    pub(super) key: String,
    /// Whose it is.
    pub(super) scope: Scope,
}

/// What is there after an undo.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Restored {
    /// Entries that are back.
    pub(super) restored: Vec<Name>,
    /// Entries that are not: their key is there again since, or their time or session is over.
    pub(super) left: Vec<Name>,
}

pub(super) async fn forget(store: Arc<Store>, caller: Caller, args: Forget) -> Result<Gone, Failure> {
    let filter = Filter { tag: args.tag, glob: args.glob };
    filter.check()?;
    let by_name = args.key.is_some() || !args.keys.is_empty();
    if by_name == filter.is_any() {
        return Err(invalid("it must be said what to forget", "give `key`, `keys`, or `tag` and `glob`"));
    }
    if args.limit == 0 || args.limit > MOST {
        return Err(invalid(format!("the limit is {}", args.limit), format!("forget 1 to {MOST} at once")));
    }
    let names = if by_name { keys(args.key, args.keys, "forget")? } else { Vec::new() };
    store
        .write(caller.now, move |db| {
            let before = past::names(db, &caller.key)?;
            let mut done =
                Gone { forgotten: Vec::new(), absent: Vec::new(), more: false, receipt: caller.key.clone() };
            let scopes = seen(db, &caller, args.scope)?;
            // The same call was here before: what it forgot then is what it forgets.
            let is_new = before.is_empty();
            done.forgotten.extend(before.into_iter().map(name));
            if by_name {
                one_by_one(db, &caller, &scopes, names, &mut done)?;
            } else if is_new {
                all_of(db, &caller, &scopes, &filter, args.limit, &mut done)?;
            }
            past::prune(db, &caller)?;
            Ok(done)
        })
        .await
}

fn one_by_one(
    db: &Connection,
    caller: &Caller,
    scopes: &[i64],
    keys: Vec<String>,
    done: &mut Gone,
) -> Result<(), Fault> {
    for key in keys {
        if done.forgotten.iter().any(|name| name.key == key) {
            continue;
        }
        match first(db, scopes, &key, caller.now)? {
            Some(entry) => take(db, caller, &entry, done)?,
            None => done.absent.push(key),
        }
    }
    Ok(())
}

fn all_of(
    db: &Connection,
    caller: &Caller,
    scopes: &[i64],
    filter: &Filter,
    limit: usize,
    done: &mut Gone,
) -> Result<(), Fault> {
    for scope in scopes {
        let left = limit - done.forgotten.len();
        let found = ids(db, *scope, filter, left + 1, 0, caller.now)?;
        done.more |= found.len() > left;
        for id in found.into_iter().take(left) {
            if let Some(entry) = Stored::by_id(db, id)? {
                take(db, caller, &entry, done)?;
            }
        }
    }
    Ok(())
}

fn take(db: &Connection, caller: &Caller, entry: &Stored, done: &mut Gone) -> Result<(), Fault> {
    past::keep(db, caller, entry)?;
    entry.take_out(db)?;
    done.forgotten.push(name((entry.scope, entry.key.clone())));
    Ok(())
}

fn name((scope, key): (i64, String)) -> Name {
    Name { key, scope: whose(scope) }
}

/// Undoes `forget`, in one transaction.
pub(super) async fn restore(
    store: Arc<Store>,
    caller: Caller,
    args: Undo<Forget, Gone>,
) -> Result<Restored, Failure> {
    store.write(caller.now, move |db| undo(db, &caller, &args.output)).await
}

fn undo(db: &Connection, caller: &Caller, gone: &Gone) -> Result<Restored, Fault> {
    let mut done = Restored { restored: Vec::new(), left: Vec::new() };
    let kept = past::names(db, &gone.receipt)?;
    let names: HashSet<Name> = kept.iter().cloned().map(name).collect();
    for missing in gone.forgotten.iter().filter(|name| !names.contains(name)) {
        account_for(db, caller, missing)?;
        done.left.push(missing.clone());
    }
    for (scope, key) in kept {
        let Some(entry) = past::find(db, &gone.receipt, scope, &key)? else { continue };
        let is_back = bring_back(db, &gone.receipt, &entry, caller.now)?;
        let list = if is_back { &mut done.restored } else { &mut done.left };
        list.push(name((scope, key)));
    }
    Ok(done)
}

/// What is not kept any more must be there, brought back before or remembered anew, or have gone with its session.
fn account_for(db: &Connection, caller: &Caller, name: &Name) -> Result<(), Fault> {
    let scope = match name.scope {
        Scope::Shared => Some(SHARED),
        Scope::Session => number(db, &caller.session)?,
    };
    let Some(scope) = scope else { return Ok(()) };
    if first(db, &[scope], &name.key, caller.now)?.is_none() {
        return Err(too_late(&name.key).into());
    }
    Ok(())
}

/// Whether an entry is put back: not when its key is there anew, nor when its time or session is over.
fn bring_back(db: &Connection, receipt: &str, entry: &Stored, now: i64) -> Result<bool, Fault> {
    let is_taken = first(db, &[entry.scope], &entry.key, now)?.is_some();
    if is_taken || entry.is_over(now) || !is_open(db, entry.scope)? {
        return Ok(false);
    }
    if let Some(over) = Stored::find(db, entry.scope, &entry.key)? {
        over.take_out(db)?;
    }
    past::bring_back(db, receipt, entry)?;
    Ok(true)
}

/// Whether the session of a scope goes on.
fn is_open(db: &Connection, scope: i64) -> Result<bool, Fault> {
    let mut asked = db.prepare_cached("SELECT EXISTS (SELECT 1 FROM scopes WHERE id = ?1)")?;
    Ok(scope == SHARED || asked.query_row([scope], |row| row.get(0))?)
}
