//! What an agent says of itself.

use std::collections::HashSet;

use op_proto::agent::v1::{DescribeResponse, Effects};

use super::report::{Checked, short, untried};

/// Agent and operations have names in snake case, those of the operations once each, and a sentence about each.
pub(super) fn names(agent: &DescribeResponse) -> Checked {
    let mut names = HashSet::new();
    if !is_snake_case(&agent.name) {
        return Err(short("a name of the agent in snake case", format!("`{}`", agent.name)));
    }
    for operation in &agent.operations {
        if !is_snake_case(&operation.name) {
            return Err(short("names of operations in snake case", format!("`{}`", operation.name)));
        }
        if !names.insert(&operation.name) {
            return Err(short("each name of an operation once", format!("`{}` twice", operation.name)));
        }
        if operation.description.trim().is_empty() {
            return Err(short(format!("a sentence about `{}`", operation.name), "none"));
        }
    }
    if agent.description.trim().is_empty() {
        return Err(short("a sentence about the agent", "none"));
    }
    Ok(format!("`{}`, {} operations", agent.name, agent.operations.len()))
}

/// Every operation says what it touches.
pub(super) fn effects(agent: &DescribeResponse) -> Checked {
    let unsaid = agent.operations.iter().find(|operation| operation.effects() == Effects::Unspecified);
    match unsaid {
        Some(operation) => Err(short(
            format!("read, write or external as the effects of `{}`", operation.name),
            format!("{}", operation.effects),
        )),
        None => Ok(String::new()),
    }
}

/// What undoes an operation is an operation of the same agent.
pub(super) fn undo(agent: &DescribeResponse) -> Checked {
    let named: Vec<_> = agent.operations.iter().filter(|operation| !operation.undo.is_empty()).collect();
    if named.is_empty() {
        return Err(untried("no operation names one that undoes it"));
    }
    let exists = |name: &str| agent.operations.iter().any(|operation| operation.name == name);
    match named.iter().find(|operation| !exists(&operation.undo)) {
        Some(operation) => Err(short(
            format!("an operation of the agent that undoes `{}`", operation.name),
            format!("`{}`, which it does not have", operation.undo),
        )),
        None => Ok(format!("{} operations can be undone", named.len())),
    }
}

/// Whether a word is a name as plans write it.
pub(super) fn is_snake_case(word: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit())
    };
    word.starts_with(|first: char| first.is_ascii_lowercase()) && word.split('_').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snake_case_is_told_from_what_is_not() {
        assert!(["a", "rust_pro", "mem0", "a_1_b"].into_iter().all(is_snake_case));
        assert!(!["", "A", "a__b", "_a", "a_", "a-b", "0a", "a.b", "ä"].into_iter().any(is_snake_case));
    }
}
