//! Which contexts are meant: by the pattern of a name, by type, by tag.

use op_agent::Failure;
use rusqlite::{Connection, named_params};

use super::name::Type;
use super::record::Version;
use super::store::{COLUMNS, version};
use crate::database::Fault;

/// Bytes of the longest pattern.
const LONGEST: usize = 256;

/// Which contexts are meant. What is not said holds for all.
#[derive(Debug, Clone, Default)]
pub(super) struct Chosen {
    /// A pattern of names: `*` is any text, `?` any letter, `[ab]` one of these letters.
    pub(super) glob: Option<String>,
    pub(super) kind: Option<Type>,
    pub(super) tag: Option<String>,
    /// Whether every version counts, or only the newest one of each name.
    pub(super) versions: bool,
}

const WHERE: &str = "
    FROM names n JOIN versions v ON v.of = n.id
    WHERE n.session = :session AND v.trashed IS NULL
    AND (:versions OR v.version = (SELECT max(version) FROM versions o WHERE o.of = n.id AND o.trashed IS NULL))
    AND (:glob IS NULL OR n.name GLOB :glob)
    AND (:type IS NULL OR v.type = :type)
    AND (:tag IS NULL OR EXISTS (SELECT 1 FROM json_each(v.tags) WHERE value = :tag))";

impl Chosen {
    /// Refuses a pattern that is too long, or that has control characters, which no name has. A NUL would end it.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let Some(glob) = &self.glob else { return Ok(()) };
        let invalid = |message: String| Err(Failure::rejected("invalid_pattern", message));
        if glob.len() > LONGEST {
            return invalid(format!("a pattern of {} bytes is longer than {LONGEST}", glob.len()));
        }
        if glob.contains(char::is_control) {
            return invalid(format!("the pattern {glob:?} has control characters"));
        }
        Ok(())
    }

    /// The versions that are meant, by name and number.
    pub(super) fn versions(
        &self,
        db: &Connection,
        session: &str,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<Version>, Fault> {
        let query =
            format!("SELECT {COLUMNS} {WHERE} ORDER BY n.name, v.version LIMIT :limit OFFSET :offset");
        let mut statement = db.prepare_cached(&query)?;
        let kind = self.kind.map(Type::name);
        let mut rows = statement.query(named_params! {
            ":session": session, ":versions": self.versions, ":glob": self.glob, ":type": kind, ":tag": self.tag,
            ":limit": limit, ":offset": offset,
        })?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(version(row)?);
        }
        Ok(found)
    }

    /// How many versions are meant.
    pub(super) fn count(&self, db: &Connection, session: &str) -> Result<u32, Fault> {
        let kind = self.kind.map(Type::name);
        let wanted = named_params! {
            ":session": session, ":versions": self.versions, ":glob": self.glob, ":type": kind, ":tag": self.tag,
        };
        Ok(db.prepare_cached(&format!("SELECT count(*) {WHERE}"))?.query_row(wanted, |row| row.get(0))?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::store::fixture::{contexts, new};
    use super::super::store::{New, keep, trash};
    use super::*;

    #[test]
    fn a_pattern_that_no_name_can_fit_is_refused() {
        for glob in ["a\0*", "*\n", &"x".repeat(LONGEST + 1)] {
            let chosen = Chosen { glob: Some(glob.to_owned()), ..Chosen::default() };
            assert_eq!(chosen.check().unwrap_err().reason(), "invalid_pattern", "{glob:?}");
        }
    }

    #[test]
    fn contexts_are_chosen_by_name_type_and_tag_and_by_their_newest_version() {
        let (_home, contexts) = contexts();
        let tagged = |tag: &str| Some(vec![tag.to_owned(), "x".to_owned()]);
        contexts
            .now(|db| {
                keep(db, "", New { kind: Some(Type::Task), tags: tagged("old"), ..new("a/1", json!(1)) })?;
                keep(db, "", New { tags: tagged("new"), ..new("a/1", json!(2)) })?;
                keep(db, "", new("a/2", json!(1)))?;
                keep(db, "", new("b", json!(1)))?;
                keep(db, "s", new("a/3", json!(1)))
            })
            .unwrap();
        let found = |chosen: &Chosen| {
            let found =
                contexts.now(|db| Ok((chosen.versions(db, "", 10, 0)?, chosen.count(db, "")?))).unwrap();
            assert_eq!(found.0.len(), found.1 as usize);
            found.0.into_iter().map(|found| (found.name, found.number)).collect::<Vec<_>>()
        };
        let names = |names: &[(&str, u32)]| {
            names.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect::<Vec<_>>()
        };
        let all = Chosen::default();
        assert_eq!(found(&all), names(&[("a/1", 2), ("a/2", 1), ("b", 1)]));
        assert_eq!(
            found(&Chosen { glob: Some("a/*".into()), ..all.clone() }),
            names(&[("a/1", 2), ("a/2", 1)])
        );
        assert_eq!(found(&Chosen { kind: Some(Type::Task), ..all.clone() }), names(&[("a/1", 2)]));
        assert_eq!(found(&Chosen { tag: Some("old".into()), ..all.clone() }), names(&[]));
        let versions = Chosen { tag: Some("old".into()), versions: true, ..all.clone() };
        assert_eq!(found(&versions), names(&[("a/1", 1)]));
        contexts.now(|db| trash(db, "", "a/1", 2, 0)).unwrap();
        assert_eq!(found(&Chosen { tag: Some("old".into()), ..all }), names(&[("a/1", 1)]));
    }
}
