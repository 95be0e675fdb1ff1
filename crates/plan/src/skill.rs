//! Skills: markdown knowledge that calls are given, and what it demands of them.
//!
//! A skill is a directory with a `SKILL.md` in the open Agent Skills format (<https://agentskills.io/specification>): YAML front
//! matter with `name`, `description`, `license`, `compatibility`, `metadata` and `allowed-tools`, then markdown. What is ours
//! stands in `metadata`, which is a map of texts, so that the same file is valid everywhere:
//!
//! | key | value |
//! | --- | --- |
//! | `op-dbus-tools` | globs of performers, with blanks between: `rust_pro.* file_write`. `*` is any text, `?` one character |
//! | `op-dbus-paths` | globs of paths, with blanks between: `**/*.rs Cargo.toml`. `*` and `?` stay in one folder, `**` is any folders; one that begins with neither `/` nor `**` begins in any folder |
//! | `op-dbus-priority` | a whole number from 0 to 1000; skills of a call stand in falling order of it, then by name. 0 without |
//! | `op-dbus-constraints` | one constraint a line, as below; `#` begins a remark |
//!
//! ```text
//! require_argument TARGET ARGUMENT       the call must give this argument
//! forbid_argument TARGET ARGUMENT        the call must not give it
//! require_before TARGET CALLS            one of CALLS must have succeeded earlier in the run
//! require_after TARGET CALLS             one of CALLS must succeed later in the run, which fails otherwise
//! max_executions TARGET N                at most N calls of TARGET in the run, attempts counted
//! require_confirmation TARGET            a person must approve the call
//! ```
//!
//! `TARGET` is a glob of performers, `*` for every call that the skill is active in, or `GLOB(ARGUMENT=VALUE)` for the calls with
//! that value of an argument; `CALLS` are such targets with `|` between.
//!
//! A skill is active in a call that names it (`skills = ["rust-optimization"]` on the step), whose performer it names, or of whose
//! [path arguments](PATHS) one matches. Only the first two are told when a run starts; see [`Carried`].

mod constraint;
mod front;
mod links;
mod notation;
mod pattern;
mod read;
mod shelf;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catalogue::Performer;

pub use constraint::{Constraint, Rule};
use pattern::parts;
pub use pattern::{Glob, PathGlob, Pattern};
pub use shelf::{Skills, Written};

/// Longest `SKILL.md`, in bytes. The format recommends a tenth of it.
pub const MAX_FILE: usize = 64 << 10;

/// Most bytes of text that all skills of a call give it together. What does not fit is left out by its priority, and its constraints hold.
pub const MAX_TEXT: usize = 32 << 10;

/// The argument that skills are given in, to operations whose schema has it: a list of `{ "name": .., "text": .. }`.
pub const ARGUMENT: &str = "skills";

/// Arguments that are paths: texts, or lists of texts, of these names.
pub const PATHS: [&str; 14] = [
    "path",
    "paths",
    "file",
    "files",
    "folder",
    "dir",
    "directory",
    "cwd",
    "manifest",
    "script",
    "source",
    "target",
    "context",
    "workspace",
];

/// A skill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skill {
    /// Its name: that of its directory.
    pub name: String,
    /// What it is for and when it is of use.
    pub description: String,
    /// Under what terms it may be used; empty when it does not say.
    pub license: String,
    /// What it needs around it; empty when it does not say.
    pub compatibility: String,
    /// Free texts by key, ours included.
    pub metadata: BTreeMap<String, String>,
    /// Tools that other clients may let it use without asking. Here the casts and allow-lists of agents say that.
    pub allowed_tools: Vec<String>,
    /// Performers that it is active for.
    pub tools: Vec<Glob>,
    /// Paths that it is active for.
    pub paths: Vec<PathGlob>,
    /// Higher ones stand first.
    pub priority: u32,
    /// What it demands of calls that it is active in.
    pub constraints: Vec<Constraint>,
    /// The markdown.
    pub body: String,
    /// Files beside it, by their path below its directory.
    pub resources: BTreeMap<String, String>,
    /// Digest of its file and its resources, in hexadecimal.
    pub digest: String,
    /// Where it comes from, for people.
    pub origin: String,
}

/// Why a skill is active in a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The step names it.
    Named,
    /// The performer matches this glob of it.
    Performer(Glob),
    /// A path argument matches this glob of it.
    Path(PathGlob),
}

impl std::fmt::Display for Because {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named => f.write_str("the step names it"),
            Self::Performer(glob) => write!(f, "the performer is `{glob}`"),
            Self::Path(glob) => write!(f, "a path is `{glob}`"),
        }
    }
}

/// When a skill that a player carries is active.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Active {
    /// In every call.
    Always(Because),
    /// In calls with a path that one of these matches.
    Paths(Vec<PathGlob>),
}

/// A skill as a player of a run carries it: frozen with the cast, so that it stays the same for the whole run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// The skill.
    pub skill: String,
    /// Its digest.
    pub digest: String,
    /// When it is active.
    pub active: Active,
    /// What it demands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<Constraint>,
    /// Its markdown, where the performer takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Arc<str>>,
}

impl Carried {
    /// Why it is active in a call with these arguments; `None` when it is not.
    pub fn because(&self, arguments: &Value) -> Option<Because> {
        match &self.active {
            Active::Always(because) => Some(because.clone()),
            Active::Paths(globs) => matching(globs, arguments).cloned().map(Because::Path),
        }
    }
}

impl Skill {
    /// Why it is active in a call that no step makes; `None` when it is not.
    pub fn because(&self, performer: &Performer, arguments: &Value) -> Option<Because> {
        let by_performer = || self.names(performer).cloned().map(Because::Performer);
        by_performer().or_else(|| matching(&self.paths, arguments).cloned().map(Because::Path))
    }

    /// The glob of it that a performer matches.
    fn names(&self, performer: &Performer) -> Option<&Glob> {
        let name = performer.to_string();
        self.tools.iter().find(|glob| glob.matches(&name))
    }

    /// The skill as a player carries it whose step names it or not; `None` when it can be active in no call of that player.
    /// `takes` tells whether the performer takes an argument of this name.
    pub fn carried(
        &self,
        performer: &Performer,
        is_named: bool,
        takes: impl Fn(&str) -> bool,
    ) -> Option<Carried> {
        let active = match self.names(performer) {
            _ if is_named => Active::Always(Because::Named),
            Some(glob) => Active::Always(Because::Performer(glob.clone())),
            None if self.paths.is_empty() || !PATHS.iter().any(|path| takes(path)) => return None,
            None => Active::Paths(self.paths.clone()),
        };
        Some(Carried {
            skill: self.name.clone(),
            digest: self.digest.clone(),
            active,
            constraints: self.constraints.clone(),
            text: takes(ARGUMENT).then(|| self.body.as_str().into()),
        })
    }
}

/// Longest path that Linux takes, in bytes (`PATH_MAX`): a longer one leads to no file.
const PATH_MAX: usize = 4096;

/// The first glob that one of the path arguments matches. Arguments come from outside and may be large.
fn matching<'g>(globs: &'g [PathGlob], arguments: &Value) -> Option<&'g PathGlob> {
    let given = PATHS.iter().filter_map(|name| arguments.get(name));
    let mut paths: Vec<&str> = Vec::new();
    for value in given {
        match value {
            Value::String(path) => paths.push(path),
            Value::Array(many) => paths.extend(many.iter().filter_map(Value::as_str)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
        }
    }
    let paths: Vec<_> = paths.into_iter().filter(|path| path.len() < PATH_MAX).map(parts).collect();
    globs.iter().find(|glob| paths.iter().any(|path| glob.fits(path)))
}
