//! What the checks found.

use std::fmt;

/// One check and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Name of the check, such as `session.cancel`.
    pub check: &'static str,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The agent does what the protocol asks.
    Passed {
        /// What was seen of it.
        seen: String,
    },
    /// The agent falls short.
    Failed {
        /// What the protocol asks.
        expected: String,
        /// What the agent did.
        came: String,
    },
    /// Nothing is known: this could not be tried.
    NotChecked {
        /// Why not, and what would let it be tried.
        why: String,
    },
}

/// All that was found out about an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What each check found, in the order in which they were made.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether the agent falls short of the protocol somewhere. What was not checked does not count.
    pub fn falls_short(&self) -> bool {
        self.findings.iter().any(|finding| matches!(finding.verdict, Verdict::Failed { .. }))
    }

    /// What a check found; none when there is no check of this name.
    pub fn verdict(&self, check: &str) -> Option<&Verdict> {
        self.findings.iter().find(|finding| finding.check == check).map(|finding| &finding.verdict)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed { seen } => f.write_str(seen),
            Self::Failed { expected, came } => write!(f, "expected {expected}; came {came}"),
            Self::NotChecked { why } => f.write_str(why),
        }
    }
}

/// What a check returns: what was seen of it, or why it did not pass.
pub(super) type Checked = Result<String, Gap>;

/// Why a check did not pass.
#[derive(Debug)]
pub(super) enum Gap {
    /// The agent falls short.
    Short { expected: String, came: String },
    /// It could not be tried.
    Untried(String),
}

/// The agent falls short.
pub(super) fn short(expected: impl Into<String>, came: impl Into<String>) -> Gap {
    Gap::Short { expected: expected.into(), came: came.into() }
}

/// Why something could not be tried.
pub(super) fn untried(why: impl Into<String>) -> Gap {
    Gap::Untried(why.into())
}

impl From<Checked> for Verdict {
    fn from(checked: Checked) -> Self {
        match checked {
            Ok(seen) => Self::Passed { seen },
            Err(Gap::Short { expected, came }) => Self::Failed { expected, came },
            Err(Gap::Untried(why)) => Self::NotChecked { why },
        }
    }
}
