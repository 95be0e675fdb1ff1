//! Which texts have the words of a query, and how well each fits.

use std::cmp::Reverse;
use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row};

use super::{HEADING, WEIGHED, marked, newest, token};
use crate::database::Fault;

/// How soon a word that stands often counts no more (BM25).
const K1: f64 = 1.2;

/// How far the length of a text counts (BM25).
const B: f64 = 0.75;

/// What to look for.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    /// Different words, as [`query`](super::query) reads them.
    pub(crate) words: &'a [String],
    /// Where to look.
    pub(crate) spaces: &'a [i64],
    /// Marks that a text must have, all of them.
    pub(crate) marks: &'a [i64],
    /// Milliseconds since 1970.
    pub(crate) now: i64,
    /// Most hits of each kind.
    pub(crate) limit: usize,
    /// The least score of a hit.
    pub(crate) least: f64,
}

/// What was found, each list with the best first.
#[derive(Debug)]
pub(crate) struct Found {
    /// The texts that have every word.
    pub(crate) every: Vec<Hit>,
    /// Texts that have some of the words and not all, looked for only when `every` is shorter than the limit.
    pub(crate) some: Vec<Hit>,
    /// Whether all texts were weighed that could have been found; if not, the newest ones were.
    pub(crate) complete: bool,
}

/// One text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Hit {
    /// Its id.
    pub(crate) id: i64,
    /// Between 0 and 1.
    pub(crate) score: f64,
}

/// Looks for texts.
pub(crate) fn search(db: &Connection, query: &Query<'_>) -> Result<Found, Fault> {
    let mut found = Found { every: Vec::new(), some: Vec::new(), complete: true };
    let looks = query.spaces.iter().filter_map(|space| Look::new(db, query, *space).transpose());
    let looks = looks.collect::<Result<Vec<_>, _>>()?;
    looks.iter().try_for_each(|look| look.every(&mut found))?;
    best(&mut found.every, query);
    if found.every.len() < query.limit && query.words.len() > 1 {
        looks.iter().try_for_each(|look| look.some(&mut found))?;
    }
    best(&mut found.some, query);
    Ok(found)
}

fn best(hits: &mut Vec<Hit>, query: &Query<'_>) {
    hits.retain(|hit| hit.score >= query.least);
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.id.cmp(&a.id)));
    hits.truncate(query.limit);
}

/// A search in one space.
struct Look<'a> {
    db: &'a Connection,
    query: &'a Query<'a>,
    marks: Vec<String>,
    /// Rarest first.
    terms: Vec<Term<'a>>,
    /// The average length of a text.
    average: f64,
}

/// A word of the query.
struct Term<'a> {
    word: &'a str,
    token: String,
    /// The newest texts that have it.
    ids: Vec<i64>,
    /// How much it tells: its inverse document frequency.
    weight: f64,
}

impl Term<'_> {
    fn is_whole(&self) -> bool {
        self.ids.len() < WEIGHED
    }
}

/// A text, held against the query.
struct Weighed {
    hit: Hit,
    /// How many of the words it is known to have.
    had: usize,
    /// Whether it may have more of them.
    cut: bool,
}

#[expect(clippy::cast_precision_loss, reason = "numbers of texts and words are far below 2^52")]
impl<'a> Look<'a> {
    /// None when the space is empty.
    fn new(db: &'a Connection, query: &'a Query<'a>, space: i64) -> Result<Option<Self>, Fault> {
        let totals = db
            .prepare_cached("SELECT texts, length FROM lexicon_totals WHERE space = ?1")?
            .query_row([space], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
            .optional()?;
        let Some((texts, length)) = totals.filter(|(texts, _)| *texts > 0) else { return Ok(None) };
        let (first, last): (i64, i64) = db
            .prepare_cached(
                "SELECT (SELECT min(id) FROM lexicon_texts), (SELECT max(id) FROM lexicon_texts)",
            )?
            .query_row((), |row| Ok((row.get(0)?, row.get(1)?)))?;
        let marks: Vec<String> = query.marks.iter().map(|mark| marked(*mark)).collect();
        let mut terms = Vec::with_capacity(query.words.len());
        for word in query.words {
            let token = token(word, space);
            let mut tokens = marks.clone();
            tokens.push(token.clone());
            let ids = newest(db, &tokens, WEIGHED)?;
            let weight = weight(&ids, (first, last), texts as f64);
            terms.push(Term { word, token, ids, weight });
        }
        terms.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        Ok(Some(Self { db, query, marks, terms, average: (length as f64 / texts as f64).max(1.0) }))
    }

    /// Adds the texts that have every word.
    ///
    /// Those that have the rarest one are read and looked through, or, when there are too many of them, those that have
    /// the two rarest. Asking the index for all words at once takes several times as long when they are common, so that is done
    /// only when it can make a difference.
    fn every(&self, found: &mut Found) -> Result<(), Fault> {
        let Some((rarest, rest)) = self.terms.split_first() else { return Ok(()) };
        let second = rest.first().filter(|_| !rarest.is_whole());
        let pair = second.map(|second| self.having(&[rarest, second])).transpose()?;
        let ids = pair.as_ref().unwrap_or(&rarest.ids);
        let weighed = self.weigh(ids)?;
        let all = self.terms.len();
        let mut hits: Vec<Hit> = weighed.iter().filter(|text| text.had == all).map(|text| text.hit).collect();
        let is_whole = ids.len() < WEIGHED;
        let unsure = weighed.iter().any(|text| text.had < all && text.cut);
        let short = !is_whole && all > 2 && hits.len() < self.query.limit;
        found.complete &= is_whole;
        if unsure || short {
            let ids = self.having(&self.terms.iter().collect::<Vec<_>>())?;
            hits = self.weigh(&ids)?.into_iter().map(|text| text.hit).collect();
        }
        found.every.append(&mut hits);
        Ok(())
    }

    /// Adds texts that have some of the words: of the rarest words first, as far as the number goes.
    fn some(&self, found: &mut Found) -> Result<(), Fault> {
        let mut known: HashSet<i64> = found.every.iter().map(|hit| hit.id).collect();
        let ids = self.terms.iter().flat_map(|term| &term.ids).copied().filter(|id| known.insert(*id));
        let ids: Vec<i64> = ids.take(WEIGHED).collect();
        found.complete &= self.terms.iter().all(Term::is_whole) && ids.len() < WEIGHED;
        let all = self.terms.len();
        found.some.extend(self.weigh(&ids)?.into_iter().filter(|text| text.had < all).map(|text| text.hit));
        Ok(())
    }

    /// The newest texts that have all of some words.
    fn having(&self, terms: &[&Term<'_>]) -> Result<Vec<i64>, Fault> {
        let mut tokens: Vec<String> = terms.iter().map(|term| term.token.clone()).collect();
        tokens.extend(self.marks.iter().cloned());
        newest(self.db, &tokens, WEIGHED)
    }

    /// Reads texts and scores them. Those that are not found any more are left out.
    fn weigh(&self, ids: &[i64]) -> Result<Vec<Weighed>, Fault> {
        let mut sorted = ids.to_vec();
        sorted.sort_unstable_by_key(|id| Reverse(*id));
        let mut text = self.db.prepare_cached(
            "SELECT heading, body, length, cut FROM lexicon_texts WHERE id = ?1 AND (until IS NULL OR until > ?2)",
        )?;
        let mut weighed = Vec::with_capacity(ids.len());
        for id in sorted {
            let read = text.query_row([id, self.query.now], |row| self.score(id, row)).optional()?;
            weighed.extend(read);
        }
        Ok(weighed)
    }

    fn score(&self, id: i64, row: &Row<'_>) -> rusqlite::Result<Weighed> {
        let (heading, body) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
        let (length, cut): (i64, bool) = (row.get(2)?, row.get(3)?);
        let mut counts = [0_usize; super::MOST];
        for (text, times) in [(heading, HEADING), (body, 1)] {
            for word in text.split(' ') {
                if let Some(place) = self.terms.iter().position(|term| term.word == word) {
                    counts[place] += times;
                }
            }
        }
        let bend = K1 * (1.0 - B + B * length as f64 / self.average);
        let (mut score, mut had) = (0.0, 0);
        for (term, count) in self.terms.iter().zip(counts) {
            // What is only in the index stands there at least once.
            let known = count > 0 || (cut && term.ids.binary_search_by(|other| id.cmp(other)).is_ok());
            if known {
                let often = count.max(1) as f64;
                score += term.weight * often / (often + bend);
                had += 1;
            }
        }
        let most: f64 = self.terms.iter().map(|term| term.weight).sum();
        Ok(Weighed { hit: Hit { id, score: score / most }, had, cut })
    }
}

/// The inverse document frequency of a word that these newest texts have, among ids in a range and so many texts.
#[expect(clippy::cast_precision_loss, reason = "numbers of texts are far below 2^52")]
fn weight(ids: &[i64], (first, last): (i64, i64), texts: f64) -> f64 {
    let counted = ids.len() as f64;
    let having = match ids.last() {
        Some(oldest) if ids.len() >= WEIGHED => (counted * (last - first + 1) as f64
            / (last - oldest + 1) as f64)
            .clamp(counted, texts.max(counted)),
        Some(_) | None => counted,
    };
    ((texts - having + 0.5).max(0.5) / (having + 0.5)).ln_1p()
}
