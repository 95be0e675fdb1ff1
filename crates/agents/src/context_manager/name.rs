//! What contexts are called and sorted by.

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bytes of the longest name and the longest tag.
const LONGEST: usize = 256;

/// Most tags of one context.
const MOST_TAGS: usize = 32;

/// What a context is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Type {
    /// Anything.
    #[default]
    Generic,
    /// A project.
    Project,
    /// A conversation.
    Conversation,
    /// A task.
    Task,
    /// Something that is known.
    Knowledge,
}

impl Type {
    const ALL: [Self; 5] = [Self::Generic, Self::Project, Self::Conversation, Self::Task, Self::Knowledge];

    /// The name as it is written in JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Project => "project",
            Self::Conversation => "conversation",
            Self::Task => "task",
            Self::Knowledge => "knowledge",
        }
    }

    /// The type of a name.
    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// Refuses what cannot be the name of a context: parts between `/` that are empty, `.` or `..`, and letters that cannot be seen.
/// A name is thus also a path in an archive.
pub(super) fn check_name(name: &str) -> Result<(), Failure> {
    let is_part = |part: &str| !matches!(part, "" | "." | "..");
    if (1..=LONGEST).contains(&name.len()) && name.split('/').all(is_part) && is_visible(name) {
        return Ok(());
    }
    let shown: String = name.chars().take(80).collect();
    Err(Failure::rejected("invalid_name", format!("{shown:?} cannot be the name of a context"))
        .hint("a name has up to 256 bytes of visible text, and parts between `/` other than `.` and `..`"))
}

/// The tags in order and each once.
pub(super) fn checked_tags(mut tags: Vec<String>) -> Result<Vec<String>, Failure> {
    tags.iter_mut().for_each(|tag| *tag = tag.trim().to_owned());
    tags.sort();
    tags.dedup();
    let is_tag = |tag: &String| (1..=LONGEST).contains(&tag.len()) && is_visible(tag);
    match tags.iter().find(|tag| !is_tag(tag)) {
        Some(tag) => Err(Failure::rejected("invalid_tag", format!("{tag:?} cannot be a tag"))
            .hint("a tag has up to 256 bytes of visible text")),
        None if tags.len() > MOST_TAGS => {
            Err(Failure::rejected("invalid_tag", format!("{} tags are more than {MOST_TAGS}", tags.len())))
        }
        None => Ok(tags),
    }
}

fn is_visible(text: &str) -> bool {
    !text.chars().any(char::is_control) && text.trim() == text && !text.contains('\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_a_path_and_lead_nowhere_else() {
        for name in ["a", "full_stack_feature/01JX", "größe 5", "a.b"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", "/a", "a/", "a//b", "../a", "a/..", "./a", "a\nb", "a\\b", " a", &"x".repeat(257)] {
            assert_eq!(check_name(name).unwrap_err().reason(), "invalid_name", "{name}");
        }
    }

    #[test]
    fn tags_are_each_there_once() {
        let tags = |tags: &[&str]| checked_tags(tags.iter().map(|tag| (*tag).to_owned()).collect());
        assert_eq!(tags(&["b", " a ", "b"]).unwrap(), ["a", "b"]);
        assert_eq!(tags(&[""]).unwrap_err().reason(), "invalid_tag");
        let many: Vec<String> = (0..33).map(|number| number.to_string()).collect();
        assert_eq!(checked_tags(many).unwrap_err().reason(), "invalid_tag");
    }

    #[test]
    fn a_type_is_found_by_its_name() {
        for one in Type::ALL {
            assert_eq!(Type::of(one.name()), Some(one));
            assert_eq!(serde_json::json!(one), one.name());
        }
    }
}
