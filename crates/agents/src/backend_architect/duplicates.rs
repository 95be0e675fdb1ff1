//! Code that is written twice.
//!
//! Where [`WINDOW`] lines in a row are the same in two places,
//! the match is followed as far as it goes. Names are compared as they are: what is found is copied, not similar.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use schemars::JsonSchema;
use serde::Serialize;

use super::survey::Survey;
use super::survey::code::CodeLine;
use crate::review::{Finding, Severity};

/// A shorter match is often the shape of an interface and not a copy.
const WINDOW: usize = 12;

/// From here on a copy is a piece of a program.
const LARGE: usize = 40;

/// How many pairs are reported, the longest first.
const LISTED: usize = 50;

/// Code that is there twice.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Duplicates {
    /// How many pairs were found; the list below is bounded.
    pub(super) count: usize,
    /// The lines that are copies, all pairs together.
    pub(super) lines: usize,
    /// The pairs, the longest first.
    pub(super) pairs: Vec<Pair>,
}

/// Two places with the same code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Pair {
    /// How many lines of code are the same.
    lines: usize,
    /// The place that comes first.
    first: Place,
    /// The place that repeats it.
    second: Place,
}

/// Where a piece of code stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub(super) struct Place {
    /// The file.
    file: String,
    /// Its first line.
    from: u32,
    /// Its last line.
    to: u32,
}

impl Duplicates {
    /// Compares the shipped lines that `survey` has read.
    pub(super) fn of(survey: &Survey) -> Self {
        let text = Text::of(survey);
        let mut pairs = text.pairs();
        let (count, lines) = (pairs.len(), pairs.iter().map(|pair| pair.lines).sum());
        pairs.sort_by(|a, b| {
            b.lines.cmp(&a.lines).then_with(|| (&a.first, &a.second).cmp(&(&b.first, &b.second)))
        });
        pairs.truncate(LISTED);
        Self { count, lines, pairs }
    }

    /// One finding for each pair that is listed.
    pub(super) fn findings(&self) -> Vec<Finding> {
        self.pairs.iter().map(Pair::finding).collect()
    }
}

/// All lines of all files, one after the other.
struct Text<'a> {
    lines: Vec<(&'a str, CodeLine)>,
}

impl<'a> Text<'a> {
    fn of(survey: &'a Survey) -> Self {
        let files =
            survey.shipped().flat_map(|facts| facts.code.iter().map(|line| (facts.path.as_str(), *line)));
        Self { lines: files.collect() }
    }

    fn pairs(&self) -> Vec<Pair> {
        let mut seen: BTreeMap<u64, usize> = BTreeMap::new();
        let mut pairs = Vec::new();
        let mut index = 0;
        while index + WINDOW <= self.lines.len() {
            let Some(window) = self.window(index) else {
                index += 1;
                continue;
            };
            let earlier = *seen.entry(window).or_insert(index);
            let length = self.same(earlier, index);
            if length < WINDOW {
                index += 1;
                continue;
            }
            pairs.push(self.pair(earlier, index, length));
            index += length;
        }
        pairs
    }

    /// The hash of the window at `index`, or `None` if it leaves its file.
    fn window(&self, index: usize) -> Option<u64> {
        let window = &self.lines[index..index + WINDOW];
        let one_file = window.first()?.0 == window.last()?.0;
        one_file.then(|| {
            let mut hasher = DefaultHasher::new();
            for (_, line) in window {
                line.hash.hash(&mut hasher);
            }
            hasher.finish()
        })
    }

    /// How many lines from `earlier` and from `later` on are the same, without running into each other or out of
    /// their files.
    fn same(&self, earlier: usize, later: usize) -> usize {
        if earlier == later {
            return 0;
        }
        let pairs = self.lines[earlier..later].iter().zip(&self.lines[later..]);
        let (first, second) = (self.lines[earlier].0, self.lines[later].0);
        pairs.take_while(|(a, b)| a.0 == first && b.0 == second && a.1.hash == b.1.hash).count()
    }

    fn pair(&self, earlier: usize, later: usize, length: usize) -> Pair {
        Pair { lines: length, first: self.place(earlier, length), second: self.place(later, length) }
    }

    fn place(&self, index: usize, length: usize) -> Place {
        let (file, first) = self.lines[index];
        let (_, last) = self.lines[index + length - 1];
        Place { file: file.to_owned(), from: first.number, to: last.number }
    }
}

impl Pair {
    fn finding(&self) -> Finding {
        let severity = if self.lines >= LARGE { Severity::Medium } else { Severity::Low };
        let Place { file, from, to } = &self.first;
        Finding::new(severity, "duplicated_code", format!("{} lines are a copy of other lines", self.lines))
            .at(&self.second.file, self.second.from)
            .evidence(format!("lines {}-{} repeat {file}:{from}-{to}", self.second.from, self.second.to))
            .suggest("make one function of both, with what differs as its arguments")
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::super::survey::fixture::survey;
    use super::*;

    fn body(lines: usize) -> String {
        (0..lines).fold(String::new(), |mut text, line| {
            writeln!(text, "    step_{line}(&mut state, {line});").unwrap();
            text
        })
    }

    fn duplicates(first: &str, second: &str) -> Duplicates {
        let (_dir, _repository, survey) = survey(&[("src/a.rs", first), ("src/b.rs", second)]);
        Duplicates::of(&survey)
    }

    #[test]
    fn a_copy_is_found_with_both_places_whatever_its_spacing() {
        let first = format!("fn one() {{\n{}}}\n", body(12));
        let second = format!(
            "// Another file.\nfn two() {{\n{}}}\n",
            body(12).replace(", ", " ,  ").replace(";\n", "; // why\n\n")
        );
        let found = duplicates(&first, &second);
        let place = |file: &str, from, to| Place { file: file.to_owned(), from, to };
        assert_eq!(
            found.pairs,
            [Pair { lines: 12, first: place("src/a.rs", 2, 13), second: place("src/b.rs", 3, 25) }]
        );
        assert_eq!((found.count, found.lines), (1, 12));
        let finding = &found.findings()[0];
        assert_eq!((finding.file.as_deref(), finding.line), (Some("src/b.rs"), Some(3)));
        assert_eq!(finding.severity, Severity::Low);
    }

    #[test]
    fn a_match_below_the_window_is_none() {
        let first = format!("fn one() {{\n{}}}\n", body(11));
        assert_eq!(duplicates(&first, &first.replace("one", "two")).count, 0);
    }

    #[test]
    fn a_long_copy_is_one_pair_and_worse() {
        let first = format!("fn one() {{\n{}}}\n", body(60));
        let found = duplicates(&first, &first.replace("one", "two"));
        assert_eq!((found.count, found.lines), (1, 60));
        assert_eq!(found.findings()[0].severity, Severity::Medium);
    }

    #[test]
    fn tests_imports_and_documentation_are_not_compared() {
        let test = format!("#[cfg(test)]\nmod tests {{ fn one() {{\n{}}} }}\n", body(30));
        assert_eq!(duplicates(&test, &test).count, 0);
        let imports =
            (0..30).fold(String::new(), |text, n| text + &format!("/// Doc {n}.\nuse crate::a{n};\n"));
        assert_eq!(duplicates(&imports, &imports).count, 0);
    }

    #[test]
    fn repetition_within_one_run_of_equal_lines_ends() {
        let first = format!("fn one() {{\n{}}}\n", "    step();\n".repeat(100));
        let found = duplicates(&first, "");
        assert!(found.count <= 9, "{} pairs", found.count);
        assert!(found.lines <= 100);
    }

    #[test]
    fn the_list_is_bounded_and_the_count_is_not() {
        let file = |name: &str| {
            (0..60).fold(String::new(), |text, n| {
                text + &format!("fn {name}_{n}() {{\n{}}}\n", body(12).replace("step", &format!("f{n}")))
            })
        };
        let found = duplicates(&file("one"), &file("two"));
        assert_eq!((found.count, found.pairs.len()), (60, LISTED));
    }
}
