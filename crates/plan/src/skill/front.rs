//! The front matter of a `SKILL.md`, as it is written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::{Localizer, Location, Spanned, UserMessageFormatter};

use crate::diagnostic::Report;
use crate::document::Place;

/// Longest front matter, in bytes.
const MAX_FRONT: usize = 16 << 10;

/// The line before and after it.
const FENCE: &str = "---";

/// The keys of the format. `metadata` is a map of texts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Front {
    pub(super) name: Spanned<String>,
    pub(super) description: Spanned<String>,
    pub(super) license: Option<Spanned<String>>,
    pub(super) compatibility: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) metadata: BTreeMap<String, Spanned<String>>,
    pub(super) allowed_tools: Option<Spanned<String>>,
}

/// A text in two parts.
pub(super) struct Parted<'t> {
    pub(super) front: Front,
    pub(super) body: &'t str,
    /// Where the body begins, in bytes.
    pub(super) start: usize,
}

/// The places of a source, by what the YAML reader says of them.
#[derive(Clone, Copy)]
pub(super) struct Places<'t> {
    pub(super) file: usize,
    pub(super) text: &'t str,
}

impl Places<'_> {
    /// A line, counted from 1.
    pub(super) fn line(self, line: usize) -> Place {
        let start: usize = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let start = start.min(self.text.len());
        let end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        Place { file: self.file, start, end }
    }

    /// Where a value stands. The front matter begins in the second line.
    pub(super) fn at(self, location: Location) -> Place {
        self.line(usize::try_from(location.line()).unwrap_or(usize::MAX).saturating_add(1))
    }

    /// Where a value stands that is a text of several lines, so many lines after its first.
    pub(super) fn within(self, location: Location, offset: usize) -> Place {
        let line = usize::try_from(location.line()).unwrap_or(usize::MAX);
        self.line(line.saturating_add(1).saturating_add(offset))
    }
}

/// Words without a place: the finding has one, in the lines of the file.
struct Placeless;

impl Localizer for Placeless {
    fn attach_location<'b>(&self, words: Cow<'b, str>, _: Location) -> Cow<'b, str> {
        words
    }
}

/// Parts a text, and reads its front matter.
pub(super) fn read<'t>(places: Places<'t>, report: &mut Report<'_>) -> Option<Parted<'t>> {
    let (yaml, start) = part(places, report)?;
    match serde_saphyr::from_str::<Front>(yaml) {
        Ok(front) => Some(Parted { front, body: &places.text[start..], start }),
        Err(error) => {
            let place = error.location().map_or(places.line(1), |location| places.at(location));
            let words = UserMessageFormatter.with_localizer(&Placeless);
            let message = error.without_snippet().render_with_formatter(&words);
            let finding = report.error(place, format!("the front matter cannot be read: {message}"));
            finding.hint("the keys are name, description, license, compatibility, metadata (a map of texts) and allowed-tools; what is ours stands in `metadata`");
            None
        }
    }
}

/// The YAML, and where the body begins.
fn part<'t>(places: Places<'t>, report: &mut Report<'_>) -> Option<(&'t str, usize)> {
    let mut lines = places.text.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    if first.trim_end() != FENCE {
        let finding = report.error(places.line(1), "the file does not begin with front matter");
        finding.hint(
            "begin with a line `---`, then `name: ...` and `description: ...`, then another line `---`",
        );
        return None;
    }
    let begin = first.len();
    let mut end = begin;
    for line in lines {
        if line.trim_end() == FENCE {
            if end - begin > MAX_FRONT {
                report.error(places.line(1), format!("the front matter is longer than {MAX_FRONT} bytes"));
                return None;
            }
            return Some((&places.text[begin..end], end + line.len()));
        }
        end += line.len();
    }
    let finding = report.error(places.line(1), "the front matter does not end");
    finding.hint("end it with a line `---`");
    None
}
