//! Keys that read like one that is not there. They are offered beside it and never in its place.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};

use crate::database::Fault;
use crate::lexicon;

/// Most that are offered.
const MOST: usize = 5;

/// Neighbours in the order of keys that are looked at, on either side.
const NEIGHBOURS: i64 = 16;

/// How many of the rarest words of the key are looked for in other entries.
const RAREST: usize = 2;

/// The least likeness, of letters (Jaro and Winkler) or of words (the share that both have), between 0 and 1.
const LIKE: f64 = 0.85;

/// The same for words.
const SHARED: f64 = 0.5;

/// Keys in some scopes that are near to one, the nearest first.
pub(super) fn keys(db: &Connection, scopes: &[i64], key: &str, now: i64) -> Result<Vec<String>, Fault> {
    let words: Vec<String> = lexicon::words(key).collect();
    let words = lexicon::distinct(&words);
    let mut found = BTreeSet::new();
    for scope in scopes {
        beside(db, *scope, key, now, &mut found)?;
        let mut named =
            db.prepare_cached("SELECT key FROM entries WHERE id = ?1 AND (expires IS NULL OR expires > ?2)")?;
        for id in lexicon::near(db, &words, *scope, &[], RAREST)? {
            found.extend(named.query_row([id, now], |row| row.get::<_, String>(0)).optional()?);
        }
    }
    let mut near: Vec<(f64, String)> =
        found.into_iter().filter_map(|other| Some((likeness(key, &words, &other)?, other))).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    Ok(near.into_iter().take(MOST).map(|(_, key)| key).collect())
}

/// The neighbours of a key in their order.
fn beside(
    db: &Connection,
    scope: i64,
    key: &str,
    now: i64,
    found: &mut BTreeSet<String>,
) -> Result<(), Fault> {
    for side in [
        "key > ?2 AND (expires IS NULL OR expires > ?3) ORDER BY key LIMIT ?4",
        "key < ?2 AND (expires IS NULL OR expires > ?3) ORDER BY key DESC LIMIT ?4",
    ] {
        let mut asked = db.prepare_cached(&format!("SELECT key FROM entries WHERE scope = ?1 AND {side}"))?;
        for neighbour in asked.query_map(params![scope, key, now, NEIGHBOURS], |row| row.get(0))? {
            found.insert(neighbour?);
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "numbers of words")]
fn likeness(key: &str, words: &BTreeSet<&str>, other: &str) -> Option<f64> {
    let theirs: Vec<String> = lexicon::words(other).collect();
    let theirs = lexicon::distinct(&theirs);
    let both = words.intersection(&theirs).count();
    let shared = both as f64 / (words.union(&theirs).count().max(1)) as f64;
    let letters = strsim::jaro_winkler(&key.to_lowercase(), &other.to_lowercase());
    (letters >= LIKE || shared >= SHARED).then_some(letters.max(shared))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(key: &str, other: &str) -> bool {
        let words: Vec<String> = lexicon::words(key).collect();
        likeness(key, &lexicon::distinct(&words), other).is_some()
    }

    #[test]
    fn a_slip_of_a_key_another_case_and_other_separators_are_near() {
        assert!(
            like("deploy", "depoly")
                && like("Deploy/Prod", "deploy.prod")
                && like("prod deploy", "deploy-prod")
        );
        assert!(!like("deploy", "weather") && !like("a", "b"));
    }
}
