//! One `SKILL.md`: read and checked.

use std::collections::BTreeMap;

use serde_saphyr::Spanned;
use sha2::{Digest as _, Sha256};

use super::front::{self, Front, Parted, Places};
use super::notation::{self, Ours};
use super::shelf::Written;
use super::{MAX_FILE, Skill, links};
use crate::diagnostic::Report;

const MAX_NAME: usize = 64;
const MAX_DESCRIPTION: usize = 1024;
const MAX_COMPATIBILITY: usize = 500;

/// Reads a skill; `None` when anything is wrong with it, which is reported.
pub(super) fn read(file: usize, written: &Written, report: &mut Report<'_>) -> Option<Skill> {
    let before = report.errors();
    let text = written.source.text.as_str();
    let places = Places { file, text };
    for remark in &written.remarks {
        report.warning(places.line(1), remark);
    }
    for trouble in &written.troubles {
        report.error(places.line(1), trouble);
    }
    if text.is_empty() && !written.troubles.is_empty() {
        return None;
    }
    if text.len() > MAX_FILE {
        let finding = report
            .error(places.line(1), format!("the file has {} bytes, and {MAX_FILE} is the most", text.len()));
        finding
            .hint("put what is not always needed into files below `references/`, and name them in the text");
        return None;
    }
    let Parted { front, body, start } = front::read(places, report)?;
    check(&front, written, places, report);
    let ours = notation::read(&front.metadata, places, report);
    links::check(body, start, places, |path| written.resources.contains_key(path), report);
    (report.errors() == before).then(|| skill(front, ours, body, written))
}

fn skill(front: Front, ours: Ours, body: &str, written: &Written) -> Skill {
    let text =
        |value: Option<Spanned<String>>| value.map(|value| value.value.trim().to_owned()).unwrap_or_default();
    let Ours { tools, paths, priority, constraints } = ours;
    let allowed = text(front.allowed_tools);
    Skill {
        name: front.name.value,
        description: front.description.value.trim().to_owned(),
        license: text(front.license),
        compatibility: text(front.compatibility),
        metadata: front.metadata.into_iter().map(|(key, value)| (key, value.value)).collect(),
        allowed_tools: allowed.split_whitespace().map(str::to_owned).collect(),
        tools,
        paths,
        priority,
        constraints,
        body: body.trim().to_owned(),
        digest: digest(&written.source.text, &written.resources),
        resources: written.resources.clone(),
        origin: written.source.name.clone(),
    }
}

fn check(front: &Front, written: &Written, places: Places<'_>, report: &mut Report<'_>) {
    let (name, place) = (&front.name.value, places.at(front.name.referenced));
    if let Err(why) = check_name(name) {
        report.error(place, why);
    } else if *name != written.directory {
        let finding = report
            .error(place, format!("the skill is called `{name}`, and its directory `{}`", written.directory));
        finding.hint("give both the same name");
    }
    let length = front.description.value.trim().chars().count();
    if length == 0 || length > MAX_DESCRIPTION {
        let finding = report.error(
            places.at(front.description.referenced),
            format!("the description has {length} characters, and must have 1 to {MAX_DESCRIPTION}"),
        );
        finding.hint("say what the skill is for and when it is of use");
    }
    if let Some(needs) = &front.compatibility {
        let length = needs.value.trim().chars().count();
        if length == 0 || length > MAX_COMPATIBILITY {
            let message =
                format!("`compatibility` has {length} characters, and must have 1 to {MAX_COMPATIBILITY}");
            report.error(places.at(needs.referenced), message);
        }
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_sound = !name.is_empty()
        && name.len() <= MAX_NAME
        && name.chars().all(is_plain)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--");
    let why = || {
        format!(
            "`{name}` cannot be the name of a skill: it has 1 to {MAX_NAME} of a-z, 0-9 and single hyphens between them"
        )
    };
    if is_sound { Ok(()) } else { Err(why()) }
}

fn digest(text: &str, resources: &BTreeMap<String, String>) -> String {
    let mut digest = Sha256::new();
    let parts = resources.iter().flat_map(|(name, text)| [name.as_str(), text.as_str()]);
    for part in std::iter::once(text).chain(parts) {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
