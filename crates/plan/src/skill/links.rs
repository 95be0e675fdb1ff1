//! Links in the markdown of a skill: they lead to files below its directory, or to the web.

use super::front::Places;
use crate::diagnostic::Report;
use crate::document::Place;

/// A link and where it stands.
struct Link<'t> {
    target: &'t str,
    place: Place,
}

/// Reports links that lead out of the directory of the skill, and those that lead to nothing in it.
pub(super) fn check(
    body: &str,
    start: usize,
    places: Places<'_>,
    has: impl Fn(&str) -> bool,
    report: &mut Report<'_>,
) {
    for Link { target, place } in links(body, start, places.file) {
        let path = target.split(['#', '?']).next().unwrap_or_default();
        if path.is_empty() || is_web(path) {
            continue;
        }
        if leads_out(path) {
            let finding =
                report.error(place, format!("the link `{target}` leads out of the directory of the skill"));
            finding.hint("put the file below the directory, and name it relative to that");
        } else if !has(path.trim_start_matches("./")) {
            let finding =
                report.warning(place, format!("the link `{target}` leads to no text file of the skill"));
            finding.hint("name a file below the directory of the skill");
        }
    }
}

/// Whether a path is absolute or goes up.
pub(super) fn leads_out(path: &str) -> bool {
    path.starts_with(['/', '\\', '~']) || path.split(['/', '\\']).any(|part| part == "..")
}

/// Whether it names a scheme, such as `https:`.
fn is_web(path: &str) -> bool {
    let scheme = path.split_once(':').map_or("", |(scheme, _)| scheme);
    scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-'))
}

/// Targets of `[text](target)`, outside of code.
fn links(body: &str, start: usize, file: usize) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    let (mut offset, mut in_code) = (start, false);
    for line in body.split_inclusive('\n') {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            of_line(line, offset, file, &mut links);
        }
        offset += line.len();
    }
    links
}

fn of_line<'t>(line: &'t str, offset: usize, file: usize, links: &mut Vec<Link<'t>>) {
    let mut from = 0;
    while let Some(at) = line[from..].find("](").map(|at| from + at + 2) {
        let end = line[at..].find(')').map_or(line.len(), |length| at + length);
        from = end;
        // An odd number of ticks before it: it is code.
        if line[..at].matches('`').count().is_multiple_of(2) {
            let target = line[at..end].split_whitespace().next().unwrap_or_default();
            let target = target.trim_start_matches('<').trim_end_matches('>');
            links.push(Link { target, place: Place { file, start: offset + at, end: offset + end } });
        }
    }
}
