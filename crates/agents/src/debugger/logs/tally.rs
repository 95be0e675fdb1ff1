//! The lines of a log, filtered and counted as they come. Whatever comes, what is kept of it stays small.

use std::collections::hash_map::{Entry, HashMap};
use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use regex::Regex;
use schemars::JsonSchema;
use serde::Serialize;

use super::heading::Heading;
use super::shape::shape;
use crate::debugger::level::Level;

/// Most shapes that are told apart; lines of further ones are counted together.
const SHAPES: usize = 10_000;

/// Longest line that is kept, in bytes.
const LONGEST: usize = 2000;

/// Most bytes of lines that are kept: all of them fit into an outcome.
const AFFORDABLE: usize = 1024 * 1024;

/// Which lines count.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) level: Option<Level>,
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) pattern: Option<Regex>,
}

/// What was found.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Findings {
    /// How many lines were read.
    read: u64,
    /// How many of them match.
    matched: u64,
    /// How many of those that match have which level; `none` are those that have none.
    levels: BTreeMap<String, u64>,
    /// The most frequent shapes of lines that match.
    shapes: Vec<Group>,
    /// How many shapes there are beyond those, and how many lines have one of them.
    other_shapes: Others,
    /// The last lines that match, oldest first.
    lines: Vec<Line>,
}

/// Lines of the same shape.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct Group {
    /// The shape: what differs stands as `<n>`, `<hex>`, `<id>`, `<address>`, `<text>`, `<time>`.
    shape: String,
    /// How many lines have it.
    count: u64,
    /// The highest level among them.
    level: Option<Level>,
    /// When the first was written, if it says so.
    first: Option<String>,
    /// When the last was written, if it says so.
    last: Option<String>,
    /// The first of them; what is longer than 2000 bytes is cut.
    example: String,
}

/// What is counted together.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Others {
    /// How many shapes; more than 10000 are not told apart.
    shapes: usize,
    /// How many lines.
    lines: u64,
}

/// A line that matches.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct Line {
    /// Its number among those that were read, from 1.
    number: u64,
    /// When it was written, as RFC 3339; null if neither it nor a line before says so.
    time: Option<String>,
    /// How much it matters; null if it does not say so.
    level: Option<Level>,
    /// The line; what is longer than 2000 bytes is cut.
    text: String,
}

/// Lines that are being counted.
#[derive(Debug)]
pub(super) struct Tally {
    filter: Filter,
    limit: usize,
    most_shapes: usize,
    before: Heading,
    shapes: HashMap<String, Group>,
    beyond: u64,
    kept: VecDeque<Line>,
    kept_bytes: usize,
    findings: Findings,
}

impl Tally {
    /// A tally that keeps so many lines and tells so many shapes.
    pub(super) fn new(filter: Filter, limit: usize, most_shapes: usize) -> Self {
        Self {
            filter,
            limit,
            most_shapes,
            before: Heading::default(),
            shapes: HashMap::new(),
            beyond: 0,
            kept: VecDeque::new(),
            kept_bytes: 0,
            findings: Findings::default(),
        }
    }

    /// Which lines count.
    pub(super) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Takes a line, and says whether it matches. One that says nothing of itself goes on with the line before it, as the lines of
    /// a backtrace do.
    pub(super) fn take(&mut self, said: Heading, text: &str) -> bool {
        self.findings.read += 1;
        let heading = if said == Heading::default() { self.before } else { said };
        self.before = heading;
        if !self.filter.passes(heading, text) {
            return false;
        }
        self.findings.matched += 1;
        let level = heading.level.map_or("none".to_owned(), Level::name);
        *self.findings.levels.entry(level).or_default() += 1;
        let text = &text[..text.floor_char_boundary(LONGEST)];
        self.count(heading, text);
        self.keep(heading, text);
        true
    }

    /// What was found.
    pub(super) fn findings(self) -> Findings {
        let mut shapes: Vec<Group> = self.shapes.into_values().collect();
        shapes.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.shape.cmp(&b.shape)));
        let rest = shapes.split_off(self.most_shapes.min(shapes.len()));
        let lines = self.beyond + rest.iter().map(|shape| shape.count).sum::<u64>();
        let other_shapes = Others { shapes: rest.len() + usize::from(self.beyond > 0), lines };
        Findings { shapes, other_shapes, lines: self.kept.into(), ..self.findings }
    }

    fn count(&mut self, heading: Heading, text: &str) {
        let is_full = self.shapes.len() >= SHAPES;
        let time = heading.time.map(|time| time.to_string());
        match self.shapes.entry(shape(text)) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.count += 1;
                known.level = known.level.max(heading.level);
                known.last = time.or_else(|| known.last.take());
            }
            Entry::Vacant(_) if is_full => self.beyond += 1,
            Entry::Vacant(free) => {
                let (shape, level, example) = (free.key().clone(), heading.level, text.to_owned());
                free.insert(Group { shape, count: 1, level, first: time.clone(), last: time, example });
            }
        }
    }

    fn keep(&mut self, heading: Heading, text: &str) {
        let Heading { time, level } = heading;
        let time = time.map(|time| time.to_string());
        self.kept_bytes += text.len();
        self.kept.push_back(Line { number: self.findings.read, time, level, text: text.to_owned() });
        while self.kept.len() > self.limit || self.kept_bytes > AFFORDABLE {
            self.kept_bytes -= self.kept.pop_front().map_or(0, |line| line.text.len());
        }
    }
}

impl Filter {
    fn passes(&self, heading: Heading, text: &str) -> bool {
        self.level.is_none_or(|least| heading.level >= Some(least))
            && self.since.is_none_or(|since| heading.time >= Some(since))
            && self.until.is_none_or(|until| heading.time.is_some_and(|time| time <= until))
            && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
    }
}

#[cfg(test)]
mod tests {
    use super::super::heading::Reader;
    use super::*;

    fn tally(filter: Filter, limit: usize, shapes: usize, lines: &[&str]) -> Findings {
        let (mut tally, reader) = (Tally::new(filter, limit, shapes), Reader::here());
        lines.iter().for_each(|line| {
            tally.take(reader.heading(line), line);
        });
        tally.findings()
    }

    const LOG: [&str; 5] = [
        "2026-02-03T04:05:06Z INFO took 1 ms",
        "2026-02-03T04:05:07Z INFO took 22 ms",
        "2026-02-03T04:05:08Z ERROR worker 3 died",
        "  at frame 1",
        "2026-02-03T04:05:09Z INFO took 3 ms",
    ];

    #[test]
    fn lines_of_the_same_shape_are_counted_together_with_their_first_and_last_time() {
        let found = tally(Filter::default(), 2, 1, &LOG);
        assert_eq!((found.read, found.matched, found.levels["info"], found.levels["error"]), (5, 5, 3, 2));
        let [shape] = found.shapes.as_slice() else { panic!("{:?}", found.shapes) };
        assert_eq!((shape.shape.as_str(), shape.count), ("<time> INFO took <n> ms", 3));
        assert_eq!(shape.first.as_deref(), Some("2026-02-03T04:05:06Z"));
        assert_eq!(shape.last.as_deref(), Some("2026-02-03T04:05:09Z"));
        assert_eq!((found.other_shapes.shapes, found.other_shapes.lines), (2, 2));
        assert_eq!(found.lines.iter().map(|line| line.number).collect::<Vec<_>>(), [4, 5]);
    }

    #[test]
    fn a_line_that_says_nothing_of_itself_goes_with_the_one_before() {
        let filter = Filter { level: Some(Level::Warn), ..Filter::default() };
        let found = tally(filter, 10, 10, &LOG);
        assert_eq!(found.lines.iter().map(|line| line.text.trim()).collect::<Vec<_>>().len(), 2);
        assert_eq!(found.lines[1].text, "  at frame 1");
        assert_eq!(found.lines[1].level, Some(Level::Error));
    }

    #[test]
    fn time_and_pattern_choose_lines_and_what_has_no_time_is_in_no_span() {
        let at = |second: u32| Some(format!("2026-02-03T04:05:{second:02}Z").parse().unwrap());
        let filter = Filter { since: at(7), until: at(8), ..Filter::default() };
        assert_eq!(tally(filter, 10, 10, &LOG).matched, 3);
        let filter = Filter { until: at(8), ..Filter::default() };
        assert_eq!(tally(filter, 10, 10, &["no time"]).matched, 0);
        let filter = Filter { pattern: Some(Regex::new(r"\d\d ms").unwrap()), ..Filter::default() };
        assert_eq!(tally(filter, 10, 10, &LOG).matched, 1);
    }

    #[test]
    fn what_is_kept_stays_small_whatever_comes() {
        let mut tally = Tally::new(Filter::default(), 1000, 5);
        for n in 0..SHAPES + 10 {
            let letters: String = n.to_string().bytes().map(|digit| char::from(digit + 49)).collect();
            tally.take(Heading::default(), &format!("{letters} {}", "x".repeat(3000)));
        }
        assert!(tally.kept_bytes <= AFFORDABLE && tally.shapes.len() == SHAPES);
        let found = tally.findings();
        assert_eq!((found.shapes.len(), found.other_shapes.lines), (5, SHAPES as u64 + 5));
    }
}
