//! How a chain is thought: what a reading looks for beside requirements and open questions, and how strict its conclusion is judged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The way of thinking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Style {
    /// Requirements, what is vague in them, and their order.
    #[default]
    Default,
    /// Also every number with its unit, each as an observation of its own.
    Analytical,
    /// What may be is a hypothesis, and requirements that speak of the same things are asked whether one thing could meet them.
    Creative,
    /// Every requirement without a measure is asked for one, and a conclusion below 0.5 is refused.
    Critical,
    /// Part by part as the headings go; a part that asks for nothing is named.
    Systematic,
}

impl Style {
    /// Whether numbers are observations of their own.
    pub(super) fn measures(self) -> bool {
        self == Self::Analytical
    }

    /// Whether what may be is a hypothesis, and likeness is a question.
    pub(super) fn plays(self) -> bool {
        self == Self::Creative
    }

    /// Whether each requirement must say how it is measured.
    pub(super) fn doubts(self) -> bool {
        self == Self::Critical
    }

    /// Whether parts that ask for nothing are named.
    pub(super) fn covers(self) -> bool {
        self == Self::Systematic
    }

    /// The least confidence at which a conclusion is taken.
    pub(super) fn threshold(self) -> f64 {
        match self {
            Self::Default | Self::Analytical | Self::Creative | Self::Systematic => 0.0,
            Self::Critical => 0.5,
        }
    }
}
