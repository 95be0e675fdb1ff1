//! `merge`: contexts become a new version of one.
//!
//! | strategy | texts | lists | others, and mixtures |
//! | --- | --- | --- | --- |
//! | `concat` | one after the other, a blank line between | one list | a list of them; lists among them are spliced in |
//! | `dedupe` | as `concat`, each paragraph once | as `concat`, each element once | as `concat`, each element once |
//! | `latest` | the newest text | the newest list | objects: by key at any depth, the newest wins; else the newest |
//!
//! "Once" keeps the first. The newest is the one that was saved last.

use std::collections::HashSet;
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Shelf;
use super::content::Content;
use super::delete::One;
use super::name::{Type, check_name, checked_tags};
use super::record::{Version, heard, now};
use super::save::Saved;
use super::store::{New, content, find, keep};
use crate::scope::Scope;

/// Most contexts of one merge.
const MOST: usize = 100;

/// How contexts are merged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Strategy {
    /// One after the other.
    #[default]
    Concat,
    /// One after the other, each part once.
    Dedupe,
    /// The newest wins.
    Latest,
}

/// What to merge.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Merge {
    /// The names of the contexts, from 2 to 100, in the order in which they are merged; of each the newest version is taken.
    names: Vec<String>,
    /// The name of the context that gets the new version.
    into: String,
    /// How they are merged; `concat` if not said.
    #[serde(default)]
    strategy: Strategy,
    /// What the merged context is about; as the first one if not said.
    #[serde(default, rename = "type")]
    kind: Option<Type>,
    /// Tags of the merged context; those of all if not said.
    #[serde(default)]
    tags: Option<Vec<String>>,
    /// Whose contexts.
    #[serde(default)]
    scope: Scope,
}

/// A context that others were merged into.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Merged {
    #[serde(flatten)]
    saved: Saved,
    /// How they were merged.
    strategy: Strategy,
    /// The versions that were merged, in order.
    from: Vec<One>,
}

/// Merges contexts.
pub(super) async fn merge(shelf: Arc<Shelf>, call: Call, args: Merge) -> Result<Merged, Failure> {
    let session = args.scope.owner(call.session())?;
    check_name(&args.into)?;
    if !(2..=MOST).contains(&args.names.len()) {
        let message = format!("from 2 to {MOST} contexts are merged, and {} are named", args.names.len());
        return Err(Failure::rejected("invalid_names", message));
    }
    let tags = args.tags.map(checked_tags).transpose()?;
    let (names, into, strategy, kind) = (args.names, args.into, args.strategy, args.kind);
    let write = shelf.contexts.write(move |db| {
        let mut parts = Vec::new();
        for name in &names {
            let version = find(db, &session, name, None)?;
            let value = content(db, &version)?.value()?;
            parts.push((version, value));
        }
        let tags = tags.or_else(|| Some(all_tags(&parts)));
        let kind = kind.or_else(|| parts.first().map(|(version, _)| version.kind));
        let from = parts.iter().map(|(version, _)| One::from(version.clone())).collect();
        let content = Content::of(merged(strategy, parts))?;
        let (version, already) = keep(db, &session, New { name: into, kind, tags, content, saved: now() })?;
        Ok(Merged { saved: Saved { version, already }, strategy, from })
    });
    write.await
}

fn all_tags(parts: &[(Version, Value)]) -> Vec<String> {
    let mut tags: Vec<String> = parts.iter().flat_map(|(version, _)| version.tags.clone()).collect();
    tags.sort();
    tags.dedup();
    tags
}

fn merged(strategy: Strategy, mut parts: Vec<(Version, Value)>) -> Value {
    match strategy {
        Strategy::Concat => joined(parts.into_iter().map(|(_, value)| value).collect(), false),
        Strategy::Dedupe => joined(parts.into_iter().map(|(_, value)| value).collect(), true),
        Strategy::Latest => {
            // The sort is stable: of equal age, the one that is named last wins.
            parts.sort_by_key(|(version, _)| heard(&version.saved));
            latest(parts.into_iter().map(|(_, value)| value))
        }
    }
}

fn joined(values: Vec<Value>, once: bool) -> Value {
    let texts: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
    if let Some(texts) = texts {
        let mut paragraphs: Vec<&str> = texts.iter().map(|text| text.trim_end_matches('\n')).collect();
        if once {
            let mut seen = HashSet::new();
            paragraphs = texts
                .iter()
                .flat_map(|text| text.split("\n\n"))
                .map(|part| part.trim_end_matches('\n'))
                .collect();
            paragraphs.retain(|paragraph| !paragraph.trim().is_empty() && seen.insert(paragraph.trim()));
        }
        return Value::String(paragraphs.join("\n\n"));
    }
    let mut elements: Vec<Value> = Vec::new();
    for value in values {
        match value {
            Value::Array(items) => elements.extend(items),
            value => elements.push(value),
        }
    }
    if once {
        let mut seen = HashSet::new();
        elements.retain(|element| seen.insert(element.to_string()));
    }
    Value::Array(elements)
}

fn latest(values: impl Iterator<Item = Value>) -> Value {
    values
        .reduce(|older, newer| match (older, newer) {
            (Value::Object(older), Value::Object(newer)) => Value::Object(overlaid(older, newer)),
            (_, newer) => newer,
        })
        .unwrap_or_default()
}

fn overlaid(mut older: Map<String, Value>, newer: Map<String, Value>) -> Map<String, Value> {
    for (key, value) in newer {
        let value = match (older.remove(&key), value) {
            (Some(Value::Object(older)), Value::Object(newer)) => Value::Object(overlaid(older, newer)),
            (_, value) => value,
        };
        older.insert(key, value);
    }
    older
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::content::Form;
    use super::super::record::told;
    use super::*;

    fn of(strategy: Strategy, values: &[Value]) -> Value {
        let part = |(age, value): (i64, &Value)| {
            let version = Version {
                name: "x".into(),
                number: 1,
                kind: Type::Generic,
                tags: Vec::new(),
                form: Form::Json,
                bytes: 0,
                sha256: String::new(),
                saved: told(age),
            };
            (version, value.clone())
        };
        // The first one is the newest.
        let ages = (0..).map(|age: i64| 1000 - age);
        merged(strategy, ages.zip(values).map(part).collect())
    }

    #[test]
    fn concat_puts_one_after_the_other() {
        assert_eq!(of(Strategy::Concat, &[json!("a\n"), json!("b")]), json!("a\n\nb"));
        assert_eq!(of(Strategy::Concat, &[json!([1]), json!([1, 2])]), json!([1, 1, 2]));
        assert_eq!(
            of(Strategy::Concat, &[json!({ "a": 1 }), json!("x"), json!([2])]),
            json!([{ "a": 1 }, "x", 2])
        );
    }

    #[test]
    fn dedupe_keeps_the_first_of_what_is_the_same() {
        assert_eq!(of(Strategy::Dedupe, &[json!("a\n\nb"), json!("b \n\nc\n")]), json!("a\n\nb\n\nc"));
        assert_eq!(
            of(Strategy::Dedupe, &[json!([1, { "a": 1 }]), json!([{ "a": 1 }, 2])]),
            json!([1, { "a": 1 }, 2])
        );
    }

    #[test]
    fn latest_lets_the_newest_win_key_by_key() {
        let values = [json!({ "a": { "x": 1 }, "b": 1 }), json!({ "a": { "x": 2, "y": 2 }, "c": 2 })];
        assert_eq!(of(Strategy::Latest, &values), json!({ "a": { "x": 1, "y": 2 }, "b": 1, "c": 2 }));
        assert_eq!(of(Strategy::Latest, &[json!("new"), json!({ "a": 1 })]), json!("new"));
    }
}
