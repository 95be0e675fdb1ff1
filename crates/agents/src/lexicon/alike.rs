//! Which text says the same already.
//!
//! Two bodies are held against each other as sets of words: how many they share of how many there are in either (Jaccard). A text with
//! the very same set is always found; of a body that is longer than what is kept of it, nothing else is. One that shares at least the threshold must share one of the rarest words (prefix filtering,
//! Chaudhuri et al., 2006), so only texts with these are read. What is rare is looked up for the [`PROBES`] longest words only, and
//! of a word in more than [`PROBED`] texts the newest are read: so in a large store a text that differs a little may be missed.

use std::collections::{BTreeSet, HashSet};

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::{KEPT, distinct, kept, marked, newest, token, whole};
use crate::database::Fault;

/// The share of words from which on two bodies say the same.
const SAME: f64 = 0.9;

/// Fewest different words of a body that is held against others: `true` or `port 8080` may well be said twice.
const FEWEST: usize = 5;

/// Most words whose rarity is looked up; longer words are likely rarer.
const PROBES: usize = 16;

/// Most texts that are looked at for one word.
const PROBED: usize = 128;

/// Most of the rarest words whose texts are read.
const RAREST: usize = 4;

/// A text that says the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Alike {
    /// Its id.
    pub(crate) id: i64,
    /// The share of words, between [`SAME`] and 1.
    pub(crate) share: f64,
}

/// What is held against others, and against which.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    /// What it says.
    pub(crate) body: &'a [String],
    /// Where the others are.
    pub(crate) spaces: &'a [i64],
    /// Marks that they have, all of them.
    pub(crate) marks: &'a [i64],
    /// One that is passed over.
    pub(crate) except: Option<i64>,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
}

/// The text that is most like what is claimed, when one is alike at all and `counts`.
pub(crate) fn alike(
    db: &Connection,
    claim: &Claim<'_>,
    counts: impl Fn(i64) -> Result<bool, Fault>,
) -> Result<Option<Alike>, Fault> {
    let Claim { body, spaces, marks, except, now } = *claim;
    let Some(digest) = digest(body) else { return Ok(None) };
    for space in spaces {
        for id in same(db, digest, *space, except, now)? {
            if counts(id)? {
                return Ok(Some(Alike { id, share: 1.0 }));
            }
        }
    }
    // Of bodies that are cut, the beginnings may be the same and nothing else.
    if whole(body) > KEPT {
        return Ok(None);
    }
    let text = kept(body);
    let words: BTreeSet<&str> = text.split(' ').collect();
    let mut most: Option<Alike> = None;
    for space in spaces {
        for id in near(db, &words, *space, marks, rarest(words.len()))? {
            let Some(share) = share(db, id, &words, now)? else { continue };
            let is_more = most.is_none_or(|most| share > most.share);
            if share >= SAME && except != Some(id) && is_more && counts(id)? {
                most = Some(Alike { id, share });
            }
        }
    }
    Ok(most)
}

/// Ids of texts in a space that have these marks and one of the `rarest` rarest of these words.
pub(crate) fn near(
    db: &Connection,
    words: &BTreeSet<&str>,
    space: i64,
    marks: &[i64],
    rarest: usize,
) -> Result<HashSet<i64>, Fault> {
    let mut words: Vec<&str> = words.iter().copied().collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let marks: Vec<String> = marks.iter().map(|mark| marked(*mark)).collect();
    let having = |word| newest(db, &[std::slice::from_ref(&token(word, space)), &marks].concat(), PROBED);
    let lists = words.into_iter().take(PROBES).map(having);
    let mut lists = lists.collect::<Result<Vec<_>, _>>()?;
    lists.retain(|ids| !ids.is_empty());
    lists.sort_by_key(Vec::len);
    Ok(lists.into_iter().take(rarest).flatten().collect())
}

/// A number that equals for bodies of the same words; none when there are too few.
pub(super) fn digest(body: &[String]) -> Option<i64> {
    let words = distinct(body);
    if words.len() < FEWEST {
        return None;
    }
    let mut hash = Sha256::new();
    for word in words {
        hash.update(word);
        hash.update(" ");
    }
    let bytes = hash.finalize();
    bytes.first_chunk().map(|first| i64::from_le_bytes(*first))
}

/// Texts of the very same words, the newest ones.
fn same(db: &Connection, digest: i64, space: i64, except: Option<i64>, now: i64) -> Result<Vec<i64>, Fault> {
    let mut asked = db.prepare_cached(
        "SELECT id FROM lexicon_texts
         WHERE digest = ?1 AND space = ?2 AND id IS NOT ?3 AND (until IS NULL OR until > ?4)
         ORDER BY id DESC LIMIT ?5",
    )?;
    let most = i64::try_from(PROBED).unwrap_or(i64::MAX);
    let ids = asked.query_map(params![digest, space, except, now, most], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// How many words a body that may be alike can lack: among one more than these, it has one.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of words"
)]
fn rarest(words: usize) -> usize {
    (words - (SAME * words as f64).ceil() as usize + 1).min(RAREST)
}

#[expect(clippy::cast_precision_loss, reason = "numbers of words")]
fn share(db: &Connection, id: i64, words: &BTreeSet<&str>, now: i64) -> Result<Option<f64>, Fault> {
    let mut asked = db.prepare_cached(
        "SELECT body FROM lexicon_texts WHERE id = ?1 AND NOT cut AND (until IS NULL OR until > ?2)",
    )?;
    let share = asked.query_row([id, now], |row| {
        let theirs: HashSet<&str> = row.get_ref(0)?.as_str()?.split(' ').collect();
        let both = theirs.iter().filter(|word| words.contains(*word)).count();
        Ok(both as f64 / (theirs.len() + words.len() - both) as f64)
    });
    Ok(share.optional()?)
}
