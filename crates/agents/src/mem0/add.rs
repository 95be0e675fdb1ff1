//! `add`: facts, as they are said.

use std::collections::HashSet;

use op_agent::Failure;
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fact::{checked, duplicate, missing};
use super::invalid;
use super::owner::Owner;
use super::store::{End, Version, known, superseded};
use crate::database::{Database, Fault};
use crate::lexicon;
use crate::origin::Caller;

/// Most facts of one call.
const MOST: usize = 500;

/// What to add: `text` or `texts`, about at least one of `user_id`, `agent_id` and `run_id`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Add {
    /// The fact, in at most 16 KiB; it is kept as it is said.
    text: Option<String>,
    /// Several facts instead, at most 500: all of them are added, or none.
    #[serde(default)]
    texts: Vec<String>,
    /// The user that they are about.
    user_id: Option<String>,
    /// The agent that they are about.
    agent_id: Option<String>,
    /// The run that they are about.
    run_id: Option<String>,
    /// Anything else to keep with them, at most 16 KiB as JSON.
    #[serde(default)]
    metadata: Map<String, Value>,
    /// The `memory_id` of a fact about the same that holds no more, now that `text` does.
    supersedes: Option<i64>,
    /// Whether to add also what another fact about the same says already. Else the same words, or nine tenths of five
    /// words or more, are rejected as `duplicate`.
    #[serde(default)]
    allow_similar: bool,
}

/// What was added.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Added {
    /// One for each fact, in their order.
    pub(super) results: Vec<One>,
}

/// One fact that was added.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct One {
    /// Its id.
    pub(super) memory_id: i64,
    /// What it says.
    pub(super) memory: String,
    /// The fact that holds no more because of it.
    pub(super) superseded: Option<i64>,
}

pub(super) async fn add(database: Database, caller: Caller, args: Add) -> Result<Added, Failure> {
    let owner = Owner::new(args.user_id, args.agent_id, args.run_id)?;
    let texts = match (args.text, args.texts) {
        (Some(text), texts) if texts.is_empty() => vec![text],
        (None, texts) if !texts.is_empty() && args.supersedes.is_none() => texts,
        _ => {
            return Err(invalid(
                "there must be one fact, or a list of them",
                "give `text`, or `texts` without `supersedes`",
            ));
        }
    };
    if texts.len() > MOST {
        return Err(invalid(
            format!("there are {} facts", texts.len()),
            format!("add at most {MOST} at once"),
        ));
    }
    if let Some(twice) = twice(&texts) {
        return Err(invalid(format!("`{twice}` is said twice"), "say each fact once"));
    }
    let metadata = texts.iter().try_fold(String::new(), |_, text| checked(text, &args.metadata))?;
    let desk =
        Desk { owner, metadata, supersedes: args.supersedes, allow_similar: args.allow_similar, caller };
    database
        .write(move |db| {
            Ok(Added { results: texts.iter().map(|text| desk.add(db, text)).collect::<Result<_, _>>()? })
        })
        .await
}

/// A text of the same words as one before it.
fn twice(texts: &[String]) -> Option<&str> {
    let mut said = HashSet::new();
    texts.iter().find(|text| !said.insert(lexicon::words(text).collect::<Vec<_>>())).map(String::as_str)
}

/// One call that adds.
struct Desk {
    owner: Owner,
    metadata: String,
    supersedes: Option<i64>,
    allow_similar: bool,
    caller: Caller,
}

impl Desk {
    fn add(&self, db: &Connection, text: &str) -> Result<One, Fault> {
        let found = known(db, &self.owner, text, self.supersedes, &self.caller)?;
        if let Some((same, _)) = &found
            && same.call == self.caller.key
            && same.text == text
        {
            // The same call was here before.
            return Ok(One {
                memory_id: same.fact,
                memory: text.to_owned(),
                superseded: superseded(db, same.fact)?,
            });
        }
        if let Some(found) = found.filter(|_| !self.allow_similar) {
            return Err(duplicate(text, &found).into());
        }
        let old = self.supersedes.map(|fact| self.outdated(db, fact)).transpose()?;
        let memory_id = self.version(text).begin(db)?;
        if let Some(old) = &old {
            old.end(db, End::Superseded { by: memory_id }, self.caller.now)?;
        }
        Ok(One { memory_id, memory: text.to_owned(), superseded: old.map(|old| old.fact) })
    }

    fn outdated(&self, db: &Connection, fact: i64) -> Result<Version, Fault> {
        let old = Version::current(db, fact)?.ok_or_else(|| missing(fact))?;
        if old.owner != self.owner {
            let hint = "give the `user_id`, `agent_id` and `run_id` of that fact";
            return Err(invalid(format!("fact {fact} is about somebody else"), hint).into());
        }
        Ok(old)
    }

    fn version(&self, text: &str) -> Version {
        Version {
            id: 0,
            fact: 0,
            text: text.to_owned(),
            metadata: self.metadata.clone(),
            owner: self.owner.clone(),
            made: self.caller.now,
            since: self.caller.now,
            until: None,
            ended: None,
            superseded_by: None,
            call: self.caller.key.clone(),
            session: self.caller.session.clone(),
        }
    }
}
