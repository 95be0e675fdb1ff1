//! What a skill demands of the calls that it is active in.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Pattern;
use crate::catalogue::Performer;

/// A demand, and the calls that it is made of. In JSON it is the text that it is written as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Constraint {
    /// The calls.
    pub target: Pattern,
    /// The demand.
    pub rule: Rule,
}

/// A demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// The call gives this argument.
    RequireArgument(String),
    /// The call does not give this argument.
    ForbidArgument(String),
    /// One of these succeeded earlier in the run.
    RequireBefore(Vec<Pattern>),
    /// One of these succeeds later in the run.
    RequireAfter(Vec<Pattern>),
    /// The run makes at most so many of these calls.
    MaxExecutions(u32),
    /// A person approves the call.
    RequireConfirmation,
}

/// What a constraint can be, and what it is followed by.
const NOTATION: [(&str, &str); 6] = [
    ("require_argument", "TARGET ARGUMENT"),
    ("forbid_argument", "TARGET ARGUMENT"),
    ("require_before", "TARGET CALLS"),
    ("require_after", "TARGET CALLS"),
    ("max_executions", "TARGET N"),
    ("require_confirmation", "TARGET"),
];

impl Constraint {
    /// Reads a line of `op-dbus-constraints`.
    ///
    /// # Errors
    /// When it is no constraint, in one sentence.
    pub fn parse(line: &str) -> Result<Self, String> {
        let mut words = line.split_whitespace();
        let word = words.next().unwrap_or_default();
        let Some((_, form)) = NOTATION.iter().find(|(known, _)| *known == word) else {
            let known: Vec<_> = NOTATION.iter().map(|(known, _)| *known).collect();
            let near = crate::diagnostic::nearest(word, known.iter().copied());
            let meant = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(format!("`{word}` is no constraint: there is {}{meant}", known.join(", ")));
        };
        let target = words.next().ok_or_else(|| format!("write `{word} {form}`"))?;
        let target = Pattern::parse(target)?;
        let rest = words.collect::<Vec<_>>().join(" ");
        let rule =
            rule(word, &rest)?.ok_or_else(|| format!("write `{word} {form}`, and not `{}`", line.trim()))?;
        Ok(Self { target, rule })
    }

    /// Why its arguments forbid a call, in one sentence; of a call that is not its target, and of demands that a run alone can tell,
    /// nothing.
    pub fn objects(&self, performer: &Performer, arguments: &Value) -> Option<String> {
        if !self.target.matches(performer, arguments) {
            return None;
        }
        let is_given = |name: &String| arguments.get(name).is_some_and(|value| !value.is_null());
        match &self.rule {
            Rule::RequireArgument(name) if !is_given(name) => {
                Some(format!("the argument `{name}` of {performer} is not given"))
            }
            Rule::ForbidArgument(name) if is_given(name) => {
                Some(format!("the argument `{name}` of {performer} must not be given"))
            }
            Rule::RequireArgument(_)
            | Rule::ForbidArgument(_)
            | Rule::RequireBefore(_)
            | Rule::RequireAfter(_)
            | Rule::MaxExecutions(_)
            | Rule::RequireConfirmation => None,
        }
    }

    /// Whether a run alone can tell if it is kept.
    pub fn is_about_runs(&self) -> bool {
        !matches!(self.rule, Rule::RequireArgument(_) | Rule::ForbidArgument(_))
    }

    /// Calls that a run must count for it.
    pub fn counted(&self) -> &[Pattern] {
        match &self.rule {
            Rule::RequireBefore(calls) | Rule::RequireAfter(calls) => calls,
            Rule::MaxExecutions(_) => std::slice::from_ref(&self.target),
            Rule::RequireArgument(_) | Rule::ForbidArgument(_) | Rule::RequireConfirmation => &[],
        }
    }
}

/// The rule; `None` when what follows its word has not the form of it.
fn rule(word: &str, rest: &str) -> Result<Option<Rule>, String> {
    let argument = || Some(rest.to_owned()).filter(|rest| !rest.is_empty() && !rest.contains(' '));
    let calls = || -> Result<Option<Vec<Pattern>>, String> {
        let calls = rest.split('|').map(str::trim).map(Pattern::parse).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(calls).filter(|_| !rest.is_empty()))
    };
    Ok(match word {
        "require_argument" => argument().map(Rule::RequireArgument),
        "forbid_argument" => argument().map(Rule::ForbidArgument),
        "require_before" => calls()?.map(Rule::RequireBefore),
        "require_after" => calls()?.map(Rule::RequireAfter),
        "max_executions" => rest.parse().ok().map(Rule::MaxExecutions),
        _ => rest.is_empty().then_some(Rule::RequireConfirmation),
    })
}

/// Calls as they are written, with `|` between.
pub(crate) fn list(calls: &[Pattern]) -> String {
    calls.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
}

impl TryFrom<String> for Constraint {
    type Error = String;

    fn try_from(line: String) -> Result<Self, String> {
        Self::parse(&line)
    }
}

impl From<Constraint> for String {
    fn from(constraint: Constraint) -> Self {
        constraint.to_string()
    }
}

/// As it is written.
impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = &self.target;
        match &self.rule {
            Rule::RequireArgument(name) => write!(f, "require_argument {target} {name}"),
            Rule::ForbidArgument(name) => write!(f, "forbid_argument {target} {name}"),
            Rule::RequireBefore(calls) => write!(f, "require_before {target} {}", list(calls)),
            Rule::RequireAfter(calls) => write!(f, "require_after {target} {}", list(calls)),
            Rule::MaxExecutions(most) => write!(f, "max_executions {target} {most}"),
            Rule::RequireConfirmation => write!(f, "require_confirmation {target}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_constraint_is_read_and_written_alike() {
        for line in [
            "require_argument * path",
            "forbid_argument rust_pro.* fix",
            "require_before systemd_unit(action=restart) *.status | dbus_call",
            "require_after file_write rust_pro.test",
            "max_executions deployment.apply 1",
            "require_confirmation systemd_unit(action=stop)",
        ] {
            let constraint = Constraint::parse(line).expect(line);
            assert_eq!(constraint.to_string(), line);
            let json = serde_json::to_string(&constraint).expect("it is JSON");
            assert_eq!(serde_json::from_str::<Constraint>(&json).expect("it is the constraint"), constraint);
        }
    }

    #[test]
    fn a_line_that_is_no_constraint_says_what_would_be_one() {
        for (line, told) in [
            ("", "is no constraint"),
            ("require_befor a b", "did you mean `require_before`?"),
            ("require_before", "write `require_before TARGET CALLS`"),
            ("require_before a", "a glob has"),
            ("require_argument a", "write `require_argument TARGET ARGUMENT`"),
            ("require_argument a b c", "write `require_argument TARGET ARGUMENT`"),
            ("max_executions a many", "write `max_executions TARGET N`"),
            ("require_confirmation a b", "write `require_confirmation TARGET`"),
        ] {
            let error = Constraint::parse(line).expect_err(line);
            assert!(error.contains(told), "{line}: {error}");
        }
    }

    #[test]
    fn arguments_are_demanded_and_forbidden_of_the_target_alone() {
        let object = |line: &str, performer: &str, arguments: Value| {
            Constraint::parse(line).expect(line).objects(&Performer::parse(performer), &arguments).is_some()
        };
        assert!(object("require_argument file_write path", "file_write", json!({})));
        assert!(object("require_argument file_write path", "file_write", json!({ "path": null })));
        assert!(!object("require_argument file_write path", "file_write", json!({ "path": "x" })));
        assert!(!object("require_argument file_write path", "file_read", json!({})));
        assert!(object("forbid_argument * fix", "rust_pro.clippy", json!({ "fix": false })));
        assert!(!object("forbid_argument * fix", "rust_pro.clippy", json!({})));
    }
}
