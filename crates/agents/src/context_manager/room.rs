//! How much contexts may take.

use op_agent::Failure;
use rusqlite::Transaction;

use super::store::empty;
use crate::database::Fault;

/// How much a store may hold, the trash counted too.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Versions.
    pub(super) versions: i64,
    /// Bytes of contents.
    pub(super) bytes: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { versions: 1_000_000, bytes: 4 << 30 }
    }
}

impl Limits {
    /// Changes something, and refuses when it made the store larger than it may be. Before that, the trash is emptied.
    pub(super) fn hold<T>(
        self,
        db: &Transaction<'_>,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let before = taken(db)?;
        let done = change(db)?;
        let has_grown = |now: (i64, i64)| now.0 > before.0 || now.1 > before.1;
        let now = taken(db)?;
        if has_grown(now) && !self.has(now) {
            empty(db, i64::MAX)?;
            let now = taken(db)?;
            if has_grown(now) && !self.has(now) {
                return Err(self.full(now).into());
            }
        }
        Ok(done)
    }

    fn has(self, (versions, bytes): (i64, i64)) -> bool {
        versions <= self.versions && bytes <= self.bytes
    }

    fn full(self, (versions, bytes): (i64, i64)) -> Failure {
        let message = format!(
            "there is no room for it: there would be {versions} of {} versions and {bytes} of {} bytes",
            self.versions, self.bytes
        );
        Failure::rejected("contexts_full", message).hint("delete versions that are not needed any more")
    }
}

/// How many versions and bytes there are.
fn taken(db: &Transaction<'_>) -> Result<(i64, i64), Fault> {
    let mut asked = db.prepare_cached("SELECT versions, bytes FROM totals")?;
    Ok(asked.query_row((), |row| Ok((row.get(0)?, row.get(1)?)))?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::store::fixture::{contexts, new};
    use super::super::store::{find, keep, trash};
    use super::*;

    #[test]
    fn a_full_store_refuses_what_makes_more_of_it_and_empties_the_trash_first() {
        let (_home, contexts) = contexts();
        let limits = Limits { versions: 3, bytes: 100 };
        let put = |name: &str, length: usize| {
            let new = new(name, json!(name.repeat(length)));
            contexts.now(|db| limits.hold(db, |db| keep(db, "", new))).map(|(version, _)| version.number)
        };
        assert_eq!((put("a", 40), put("b", 40)), (Ok(1), Ok(1)));
        let failure = put("c", 40).unwrap_err();
        assert_eq!(failure.reason(), "contexts_full");
        assert!(failure.message().contains("120 of 100 bytes"), "{failure}");
        assert_eq!(contexts.now(|db| find(db, "", "c", None)).unwrap_err().reason(), "not_found");
        contexts.now(|db| trash(db, "", "a", 1, 5)).unwrap();
        assert_eq!((put("c", 40), put("d", 1)), (Ok(1), Ok(1)), "what was deleted makes room");
        assert_eq!(put("e", 1).unwrap_err().reason(), "contexts_full");
        assert_eq!(put("b", 40), Ok(1), "the same again takes none");
    }
}
