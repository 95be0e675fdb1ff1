//! Who sees what an agent keeps.

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who sees what is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    /// Everybody, until it is deleted.
    #[default]
    Shared,
    /// The session of the call, until that ends.
    Session,
}

impl Scope {
    /// The session that something is kept for, empty for everybody; `session` is that of the call.
    pub(crate) fn owner(self, session: &str) -> Result<String, Failure> {
        match self {
            Self::Shared => Ok(String::new()),
            Self::Session if session.is_empty() => {
                Err(Failure::rejected("no_session", "the scope is `session`, and the call belongs to none")
                    .hint("call from within a session, or use the scope `shared`"))
            }
            Self::Session => Ok(session.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_for_a_session_needs_one() {
        assert_eq!(Scope::Shared.owner("s").unwrap(), "");
        assert_eq!(Scope::Session.owner("s").unwrap(), "s");
        assert_eq!(Scope::Session.owner("").unwrap_err().reason(), "no_session");
    }
}
