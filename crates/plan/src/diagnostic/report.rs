//! Collects what is wrong while plans are read.

use std::ops::Range;

use super::{Diagnostic, Note, Severity, Spot};
use crate::document::Place;
use crate::load::Source;

/// Most diagnostics that are listed of one file.
const MAX_LISTED: usize = 100;

/// How many findings get the nearest known name as a hint, and how many names are looked at for each. The search costs
/// findings times names, which a large file full of mistakes must not pay.
const MAX_SEARCHES: usize = 2 * MAX_LISTED;
const MAX_KNOWN: usize = 5_000;

/// Most bytes of a line that are shown before a place, and from it on.
const WINDOW: usize = 120;

/// Everything wrong so far, in the order it was found.
pub(crate) struct Report<'a> {
    sources: &'a [Source],
    findings: Vec<Finding>,
    errors: usize,
}

/// Something wrong, before its lines are looked up.
pub(crate) struct Finding {
    severity: Severity,
    place: Place,
    message: String,
    hint: Option<String>,
    notes: Vec<(Place, String)>,
    is_searched: bool,
}

impl Finding {
    /// Says what to do about it.
    pub(crate) fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the nearest of the known names as what was meant, or lists them when they are few.
    pub(crate) fn meant<'n>(&mut self, given: &str, known: impl IntoIterator<Item = &'n str>) -> &mut Self {
        let known: Vec<_> = known.into_iter().take(MAX_KNOWN).collect();
        match self.nearest(given, known.iter().copied()) {
            Some(near) => self.hint(format!("did you mean `{near}`?")),
            None if known.is_empty() => self,
            None => self.hint(format!("there is {}", list(&known))),
        }
    }

    /// The known name that was probably meant.
    pub(crate) fn nearest<'n>(
        &self,
        given: &str,
        known: impl IntoIterator<Item = &'n str>,
    ) -> Option<&'n str> {
        if self.is_searched { nearest(given, known.into_iter().take(MAX_KNOWN)) } else { None }
    }

    /// Adds a second place.
    pub(crate) fn note(&mut self, place: Place, message: impl Into<String>) -> &mut Self {
        self.notes.push((place, message.into()));
        self
    }
}

impl<'a> Report<'a> {
    pub(crate) fn new(sources: &'a [Source]) -> Self {
        Self { sources, findings: Vec::new(), errors: 0 }
    }

    /// The text of a source.
    pub(crate) fn text(&self, place: Place) -> &'a str {
        self.sources[place.file].text.get(place.start..place.end).unwrap_or_default()
    }

    pub(crate) fn error(&mut self, place: Place, message: impl Into<String>) -> &mut Finding {
        self.add(Severity::Error, place, message.into())
    }

    pub(crate) fn warning(&mut self, place: Place, message: impl Into<String>) -> &mut Finding {
        self.add(Severity::Warning, place, message.into())
    }

    /// How many errors were found so far.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    fn add(&mut self, severity: Severity, place: Place, message: String) -> &mut Finding {
        let is_searched = self.findings.len() < MAX_SEARCHES;
        self.errors += usize::from(severity == Severity::Error);
        let finding = Finding { severity, place, message, hint: None, notes: Vec::new(), is_searched };
        self.findings.push_mut(finding)
    }

    /// Every diagnostic in order of place; of each file the first hundred, and how many more there are.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.findings.sort_by_key(|finding| finding.place);
        self.findings.dedup_by(|a, b| a.place == b.place && a.message == b.message);
        let mut diagnostics = Vec::new();
        if self.findings.is_empty() {
            return diagnostics;
        }
        let files: Vec<_> = self.sources.iter().map(Lines::new).collect();
        for found in self.findings.chunk_by(|a, b| a.place.file == b.place.file) {
            diagnostics.extend(found.iter().take(MAX_LISTED).map(|finding| diagnostic(finding, &files)));
            if let Some(last) = diagnostics.last_mut() {
                last.more = found.len().saturating_sub(MAX_LISTED);
            }
        }
        diagnostics
    }
}

fn diagnostic(finding: &Finding, files: &[Lines<'_>]) -> Diagnostic {
    let spot = |place: &Place| files[place.file].spot(place.start..place.end);
    let note = |(place, message): &(Place, String)| Note { message: message.clone(), spot: spot(place) };
    Diagnostic {
        severity: finding.severity,
        message: finding.message.clone(),
        spot: spot(&finding.place),
        hint: finding.hint.clone(),
        notes: finding.notes.iter().map(note).collect(),
        more: 0,
    }
}

/// Where the lines of a source begin.
struct Lines<'a> {
    source: &'a Source,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(source: &'a Source) -> Self {
        let ends = source.text.match_indices('\n').map(|(at, _)| at + 1);
        Self { source, starts: std::iter::once(0).chain(ends).collect() }
    }

    fn spot(&self, span: Range<usize>) -> Spot {
        let text = self.source.text.as_str();
        let start = text.floor_char_boundary(span.start.min(text.len()));
        let line = self.starts.partition_point(|first| *first <= start).max(1);
        let first = self.starts[line - 1];
        let rest = &text[first..];
        let last = first + rest.find('\n').unwrap_or(rest.len());
        let last = last - usize::from(text[first..last].ends_with('\r'));
        let from = text.ceil_char_boundary(start.saturating_sub(WINDOW).max(first)).min(start);
        let to = text.floor_char_boundary(start.saturating_add(WINDOW).min(last)).max(start);
        let end = text.floor_char_boundary(span.end.min(to)).max(start);
        Spot {
            file: self.source.name.clone(),
            line,
            column: text[first..start].chars().count() + 1,
            text: text[from..to].to_owned(),
            start: start - from,
            end: end - from,
            span,
        }
    }
}

/// The known name that is most like the given one, when any is alike at all.
pub(crate) fn nearest<'n>(given: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let scored = known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&given.to_lowercase(), &name.to_lowercase()), name));
    let best = scored.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (best.0 >= 0.75).then_some(best.1)
}

/// Names in a row, cut when there are many.
fn list(names: &[&str]) -> String {
    let shown: Vec<_> = names.iter().take(12).map(|name| format!("`{name}`")).collect();
    let rest = if names.len() > 12 { format!(" and {} more", names.len() - 12) } else { String::new() };
    format!("{}{rest}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Vec<Source> {
        let text = "x = 1\n".repeat(300);
        vec![Source { name: "a".to_owned(), text: text.clone() }, Source { name: "b".to_owned(), text }]
    }

    fn place(file: usize, line: usize) -> Place {
        Place { file, start: line * 6, end: line * 6 + 1 }
    }

    #[test]
    fn diagnostics_come_in_order_of_place_however_they_were_found() {
        let sources = sources();
        let mut report = Report::new(&sources);
        for (file, line) in [(1, 3), (0, 7), (0, 2), (1, 1)] {
            report.error(place(file, line), "wrong");
        }
        let found: Vec<_> =
            report.finish().into_iter().map(|found| (found.spot.file, found.spot.line)).collect();
        assert_eq!(found, [("a".into(), 3), ("a".into(), 8), ("b".into(), 2), ("b".into(), 4)]);
    }

    #[test]
    fn of_each_file_a_hundred_are_listed_and_the_rest_is_counted() {
        let sources = sources();
        let mut report = Report::new(&sources);
        for line in 0..250 {
            report.error(place(0, line), "wrong");
        }
        report.warning(place(1, 0), "odd");
        let found = report.finish();
        assert_eq!(found.len(), 101);
        assert_eq!((found[99].more, found[100].more), (150, 0));
        assert!(found[99].render(false).ends_with("... and 150 more in a\n"));
    }

    #[test]
    fn the_nearest_name_is_named_only_when_it_is_near() {
        assert_eq!(nearest("depends_no", ["id", "depends_on", "when"]), Some("depends_on"));
        assert_eq!(nearest("Timeout", ["timeout"]), Some("timeout"));
        assert_eq!(nearest("zzz", ["id", "when"]), None);
    }
}
