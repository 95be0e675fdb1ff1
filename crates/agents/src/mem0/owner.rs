//! Whom facts are about.

use op_agent::Failure;
use rusqlite::{Connection, OptionalExtension, params};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::invalid;
use crate::database::Fault;

/// Most bytes of an id.
const ID: usize = 256;

/// Whom a fact is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the names of mem0's own API")]
pub(super) struct Owner {
    /// The user.
    pub(super) user_id: Option<String>,
    /// The agent.
    pub(super) agent_id: Option<String>,
    /// The run.
    pub(super) run_id: Option<String>,
}

impl Owner {
    /// These ids; at least one of them must be given.
    pub(super) fn new(
        user_id: Option<String>,
        agent_id: Option<String>,
        run_id: Option<String>,
    ) -> Result<Self, Failure> {
        let owner = Self { user_id, agent_id, run_id };
        if owner.ids().next().is_none() {
            return Err(invalid("it is not said whose facts", "give `user_id`, `agent_id` or `run_id`"));
        }
        let is_wrong = |name: &str| name.is_empty() || name.len() > ID || name.contains(char::is_control);
        if let Some((kind, name)) = owner.ids().find(|(_, name)| is_wrong(name)) {
            let message =
                format!("`{}` is no {kind}", name.chars().take(80).collect::<String>().escape_debug());
            return Err(invalid(message, format!("give it 1 to {ID} bytes without control characters")));
        }
        Ok(owner)
    }

    /// The ids that are given, each with the name of its field, which is also that of its column.
    pub(super) fn ids(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let each = [("user_id", &self.user_id), ("agent_id", &self.agent_id), ("run_id", &self.run_id)];
        each.into_iter().filter_map(|(kind, name)| Some((kind, name.as_deref()?)))
    }

    /// The marks of the ids; none when there is no fact with one of them.
    pub(super) fn marks(&self, db: &Connection) -> Result<Option<Vec<i64>>, Fault> {
        let mut asked = db.prepare_cached("SELECT id FROM marks WHERE kind = ?1 AND name = ?2")?;
        let mut marks = Vec::new();
        for (kind, name) in self.ids() {
            match asked.query_row([kind, name], |row| row.get(0)).optional()? {
                Some(mark) => marks.push(mark),
                None => return Ok(None),
            }
        }
        Ok(Some(marks))
    }

    /// The marks of the ids, made where there are none.
    pub(super) fn enter(&self, db: &Connection) -> Result<Vec<i64>, Fault> {
        for (kind, name) in self.ids() {
            db.prepare_cached("INSERT INTO marks (kind, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
                .execute(params![kind, name])?;
        }
        Ok(self.marks(db)?.unwrap_or_default())
    }
}
