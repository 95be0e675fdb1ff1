//! The way from a reference into its value: `build.artifacts[0].name`.

use std::fmt;

use super::Reference;
use super::reference::is_identifier;

/// A reference, and what of its value is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Access {
    /// The value.
    pub(crate) reference: Reference,
    /// Names inside of it, from the outside in; none for what is computed, such as a position in a list.
    pub(crate) keys: Vec<Option<String>>,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reference)?;
        self.keys.iter().try_for_each(|key| match key {
            Some(name) if is_identifier(name) => write!(f, ".{name}"),
            Some(name) => write!(f, "['{name}']"),
            None => f.write_str("[...]"),
        })
    }
}

/// What the values are of, each once, in the order of their appearance.
pub(super) fn references(accesses: &[Access]) -> Vec<Reference> {
    let mut references = Vec::new();
    for access in accesses {
        if !references.contains(&access.reference) {
            references.push(access.reference.clone());
        }
    }
    references
}
