//! What has to be done for requirements to be met, and in which order: one piece of work for each.
//!
//! A piece depends on those that its text names ([`mentions`](super::mentions)), and on the one before it in a numbered list.

use schemars::JsonSchema;
use serde::Serialize;

use super::mentions::{Named, dependencies};
use super::order;
use super::requirements::{Requirement, Strength};
use super::thought::Source;

/// A piece of work.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Work {
    /// Its name: `T1` and so on.
    pub(super) id: String,
    /// The name that the requirement has in its text.
    pub(super) label: Option<String>,
    /// What is to be met.
    pub(super) text: String,
    /// How binding it is.
    pub(super) strength: Strength,
    /// The heading that it stands below.
    pub(super) part: String,
    /// Work that comes before it.
    pub(super) depends_on: Vec<String>,
    /// The thought that it came from; none when the chain had no place for it.
    pub(super) step: Option<u32>,
    /// Where it was read.
    pub(super) source: Source,
}

/// Work in its order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Breakdown {
    /// Names of work that can be done side by side, wave after wave; empty when there is a cycle.
    pub(super) waves: Vec<Vec<String>>,
    /// Indices of requirements that wait for each other.
    pub(super) cycle: Vec<usize>,
    /// For each requirement the indices of those before it.
    pub(super) depends_on: Vec<Vec<usize>>,
}

/// The name of the work for a requirement.
pub(super) fn id(index: usize) -> String {
    format!("T{}", index + 1)
}

/// Brings requirements into order.
pub(super) fn breakdown(requirements: &[Requirement]) -> Breakdown {
    let named = requirements.iter().enumerate().map(|(index, requirement)| {
        let names = std::iter::once(id(index)).chain(requirement.label.clone()).collect();
        Named { names, text: requirement.text.clone() }
    });
    let mut depends_on = dependencies(&named.collect::<Vec<_>>());
    for (index, requirement) in requirements.iter().enumerate().skip(1) {
        if requirement.follows && !depends_on[index].contains(&(index - 1)) {
            depends_on[index].push(index - 1);
            depends_on[index].sort_unstable();
        }
    }
    let (waves, cycle) = match order::waves(&depends_on) {
        Ok(waves) => {
            (waves.iter().map(|wave| wave.iter().map(|index| id(*index)).collect()).collect(), Vec::new())
        }
        Err(cycle) => (Vec::new(), cycle),
    };
    Breakdown { waves, cycle, depends_on }
}

#[cfg(test)]
mod tests {
    use super::super::requirements::wanted;
    use super::*;

    fn of(text: &str) -> Breakdown {
        breakdown(&wanted("r", text).requirements)
    }

    #[test]
    fn numbered_items_come_one_after_the_other_and_others_side_by_side() {
        let found =
            of("1. Make a table.\n2. Fill it.\n\n- Draw a chart.\n- Ship after FR-9.\n- FR-9: Sign it.");
        assert_eq!(found.waves, [vec!["T1", "T3", "T5"], vec!["T2", "T4"]]);
        assert_eq!(found.depends_on[1], [0]);
        assert!(found.cycle.is_empty());
    }

    #[test]
    fn requirements_that_wait_for_each_other_have_no_order() {
        let found = of("- R1: Build after R2.\n- R2: Test after R1.");
        assert_eq!((found.waves.len(), found.cycle), (0, vec![0, 1]));
    }
}
