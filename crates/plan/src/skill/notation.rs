//! What is ours in the `metadata` of a skill; see [the table](super).

use std::collections::BTreeMap;

use serde_saphyr::Spanned;

use super::front::Places;
use super::{Constraint, Glob, PathGlob};
use crate::diagnostic::Report;
use crate::document::Place;

/// What our keys begin with.
const PREFIX: &str = "op-dbus-";

const TOOLS: &str = "op-dbus-tools";
const PATHS: &str = "op-dbus-paths";
const PRIORITY: &str = "op-dbus-priority";
const CONSTRAINTS: &str = "op-dbus-constraints";

/// Highest priority.
const MAX_PRIORITY: u32 = 1000;

/// Most globs of a key, and most constraints.
const MAX_ENTRIES: usize = 64;

/// What our keys say.
#[derive(Default)]
pub(super) struct Ours {
    pub(super) tools: Vec<Glob>,
    pub(super) paths: Vec<PathGlob>,
    pub(super) priority: u32,
    pub(super) constraints: Vec<Constraint>,
}

/// Reads our keys. Those of others are theirs; one that only looks like ours is refused.
pub(super) fn read(
    metadata: &BTreeMap<String, Spanned<String>>,
    places: Places<'_>,
    report: &mut Report<'_>,
) -> Ours {
    let mut ours = Ours::default();
    for (key, value) in metadata {
        let place = places.at(value.referenced);
        match key.as_str() {
            TOOLS => ours.tools = globs(&value.value, place, Glob::parse, report),
            PATHS => ours.paths = globs(&value.value, place, PathGlob::parse, report),
            PRIORITY => ours.priority = priority(&value.value, place, report),
            CONSTRAINTS => ours.constraints = constraints(value, places, report),
            _ if key.starts_with(PREFIX) => {
                let finding = report.error(place, format!("unknown key `{key}` in `metadata`"));
                finding.meant(key, [TOOLS, PATHS, PRIORITY, CONSTRAINTS]);
            }
            _ => {}
        }
    }
    ours
}

fn globs<G>(
    text: &str,
    place: Place,
    parse: fn(&str) -> Result<G, String>,
    report: &mut Report<'_>,
) -> Vec<G> {
    let words: Vec<_> = text.split_whitespace().collect();
    check_count(words.len(), place, report);
    let mut globs = Vec::new();
    for word in words {
        match parse(word) {
            Ok(glob) => globs.push(glob),
            Err(error) => {
                report.error(place, error);
            }
        }
    }
    globs
}

fn priority(text: &str, place: Place, report: &mut Report<'_>) -> u32 {
    let priority = text.trim().parse().ok().filter(|priority| *priority <= MAX_PRIORITY);
    if priority.is_none() {
        report.error(
            place,
            format!("`{PRIORITY}` is a whole number from 0 to {MAX_PRIORITY}, and `{text}` is not"),
        );
    }
    priority.unwrap_or_default()
}

fn constraints(value: &Spanned<String>, places: Places<'_>, report: &mut Report<'_>) -> Vec<Constraint> {
    let mut constraints = Vec::new();
    let lines = value
        .value
        .lines()
        .enumerate()
        .map(|(at, line)| (at, line.split('#').next().unwrap_or_default().trim()));
    let lines: Vec<_> = lines.filter(|(_, line)| !line.is_empty()).collect();
    check_count(lines.len(), places.at(value.referenced), report);
    for (at, line) in lines {
        match Constraint::parse(line) {
            Ok(constraint) => constraints.push(constraint),
            Err(error) => {
                let place = places.within(value.referenced, at);
                report.error(place, error);
            }
        }
    }
    constraints
}

fn check_count(count: usize, place: Place, report: &mut Report<'_>) {
    if count > MAX_ENTRIES {
        report.error(place, format!("there are {count} entries, and {MAX_ENTRIES} is the most"));
    }
}
