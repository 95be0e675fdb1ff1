//! What agents may ask the hub for.

use std::collections::BTreeMap;

use op_plan::Performer;
use op_plan::catalogue::TOOLS;

/// What each agent may ask the hub for, by its name: `agent.operation`, `agent.*`, a tool by its bare name, or `*`. An agent that is
/// not named may ask for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants(BTreeMap<String, Vec<String>>);

impl Grants {
    /// Whether an agent may have an operation performed.
    pub fn allow(&self, agent: &str, performer: &Performer) -> bool {
        self.0.get(agent).into_iter().flatten().any(|pattern| matches(pattern, performer))
    }
}

impl FromIterator<(String, Vec<String>)> for Grants {
    fn from_iter<T: IntoIterator<Item = (String, Vec<String>)>>(grants: T) -> Self {
        Self(grants.into_iter().collect())
    }
}

fn matches(pattern: &str, performer: &Performer) -> bool {
    match pattern.split_once('.') {
        None if pattern == "*" => true,
        None => performer.agent == TOOLS && performer.operation == pattern,
        Some((agent, operation)) => {
            performer.agent == agent && (operation == "*" || performer.operation == operation)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_may_have_what_a_pattern_names_and_nothing_else() {
        let grants: Grants =
            [("thinker", vec!["models.chat", "memory.*", "file_read"]), ("friend", vec!["*"])]
                .into_iter()
                .map(|(agent, patterns)| {
                    (agent.to_owned(), patterns.into_iter().map(str::to_owned).collect())
                })
                .collect();
        let may = |agent: &str, performer: &str| grants.allow(agent, &Performer::parse(performer));
        assert!(
            may("thinker", "models.chat") && may("thinker", "memory.recall") && may("thinker", "file_read")
        );
        assert!(!may("thinker", "models.list") && !may("thinker", "file_write") && !may("thinker", "chat"));
        assert!(may("friend", "anything.at_all") && !may("nobody", "file_read"));
    }
}
