//! Full-text search over what an agent keeps in its [`database`](crate::database): texts in, scored ids out.
//!
//! A text is a heading and a body, both as words, in a space; a search names the spaces it looks into and sees no others. The index is
//! FTS5 over the distinct words, newest first, which is what keeps a search short: of a word that more than [`WEIGHED`] texts
//! have, the newest that many are weighed, and the answer says so.
//!
//! # The score
//!
//! BM25 (Robertson and Zaragoza, 2009; `k1` 1.2, `b` 0.75), a word of the heading counted three times, divided by what a text would have in which every
//! word of the query stood without end. So it is between 0 and 1, whatever the query: about 0.45 when each word stands once in a
//! text of average length, more the oftener and the shorter. How many texts have a word that is in more than [`WEIGHED`] of them is estimated from how densely they
//! lie.

mod alike;
mod search;
mod words;

use op_agent::Failure;
use rusqlite::{Connection, OptionalExtension, params};

use crate::database::Fault;

pub(crate) use alike::{Claim, alike, near};
pub(crate) use search::{Hit, Query, search};
pub(crate) use words::{distinct, of_value, words};

/// Most texts that are weighed for one word, and for all words of a query together, in one space.
pub(crate) const WEIGHED: usize = 512;

/// Most different words of a query.
const MOST: usize = 16;

/// How often a word of a heading counts.
const HEADING: usize = 3;

/// Bytes of the words of a body that are kept for weighing. The index has all of them.
const KEPT: usize = 4096;

/// A text to be found.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    /// Its id, of which there is none yet. Larger ids are newer.
    pub(crate) id: i64,
    /// Where it is found.
    pub(crate) space: i64,
    /// Marks by which searches can be narrowed.
    pub(crate) marks: &'a [i64],
    /// When it ceases to be found, in milliseconds since 1970; never when none.
    pub(crate) until: Option<i64>,
    /// Its name and labels, as words.
    pub(crate) heading: &'a [String],
    /// What it says, as words.
    pub(crate) body: &'a [String],
}

/// Puts a text in.
pub(crate) fn put(db: &Connection, text: &Text<'_>) -> Result<(), Fault> {
    let body = kept(text.body);
    let length = i64::try_from(text.heading.len() * HEADING + text.body.len()).unwrap_or(i64::MAX);
    let mut every = distinct(text.heading);
    every.extend(distinct(text.body));
    let words = every.into_iter().map(|word| token(word, text.space));
    let line: Vec<String> = words.chain(text.marks.iter().map(|mark| marked(*mark))).collect();
    db.prepare_cached("INSERT INTO lexicon (rowid, words) VALUES (?1, ?2)")?
        .execute(params![text.id, line.join(" ")])?;
    db.prepare_cached(
        "INSERT INTO lexicon_texts (id, space, until, length, cut, heading, body, digest)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        text.id,
        text.space,
        text.until,
        length,
        whole(text.body) > KEPT,
        text.heading.join(" "),
        body,
        alike::digest(text.body)
    ])?;
    count(db, text.space, 1, length)
}

/// Takes a text out; one that is not there is out already.
pub(crate) fn remove(db: &Connection, id: i64) -> Result<(), Fault> {
    let gone = db
        .prepare_cached("DELETE FROM lexicon_texts WHERE id = ?1 RETURNING space, length")?
        .query_row([id], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    let Some((space, length)) = gone else { return Ok(()) };
    db.prepare_cached("DELETE FROM lexicon WHERE rowid = ?1")?.execute([id])?;
    count(db, space, -1, -length)
}

/// The words of a query, each once.
pub(crate) fn query(text: &str) -> Result<Vec<String>, Failure> {
    let mut found: Vec<String> = Vec::new();
    words(text).for_each(|word| {
        if !found.contains(&word) {
            found.push(word);
        }
    });
    match found.len() {
        0 => Err(Failure::rejected("no_words", format!("there is no word in the query `{text}`"))
            .hint("ask with letters or digits")),
        1..=MOST => Ok(found),
        more => Err(Failure::rejected("too_many_words", format!("the query has {more} words"))
            .hint(format!("ask with at most {MOST}"))),
    }
}

fn count(db: &Connection, space: i64, texts: i64, length: i64) -> Result<(), Fault> {
    db.prepare_cached(
        "INSERT INTO lexicon_totals (space, texts, length) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET texts = texts + ?2, length = length + ?3",
    )?
    .execute(params![space, texts, length])?;
    if texts < 0 {
        db.prepare_cached("DELETE FROM lexicon_totals WHERE space = ?1 AND texts = 0")?.execute([space])?;
    }
    Ok(())
}

/// Bytes of the words of a body, with a blank behind each.
fn whole(body: &[String]) -> usize {
    body.iter().map(|word| word.len() + 1).sum()
}

/// The first words of a body, as many as are kept.
fn kept(body: &[String]) -> String {
    let mut text = String::new();
    for word in body {
        if text.len() + word.len() >= KEPT {
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

/// A word as the index has it. That of a space is another one than the same in the next space, so that none sees the other's.
/// No word has a `§` of its own.
fn token(word: &str, space: i64) -> String {
    if space == 0 { word.to_owned() } else { format!("{word}§{space}") }
}

fn marked(mark: i64) -> String {
    format!("§{mark}")
}

/// The newest ids of texts that have all of `tokens`, at most `most`.
fn newest(db: &Connection, tokens: &[String], most: usize) -> Result<Vec<i64>, Fault> {
    let quoted: Vec<String> = tokens.iter().map(|token| format!("\"{token}\"")).collect();
    let mut asked =
        db.prepare_cached("SELECT rowid FROM lexicon WHERE lexicon MATCH ?1 ORDER BY rowid DESC LIMIT ?2")?;
    let ids = asked
        .query_map(params![quoted.join(" AND "), i64::try_from(most).unwrap_or(i64::MAX)], |row| {
            row.get(0)
        })?;
    Ok(ids.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests;
