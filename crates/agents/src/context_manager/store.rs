//! Where contexts are kept: names, their versions, and contents by their SHA-256.
//!
//! A version that is deleted goes to the trash, from which [`untrash`] brings it back. What has been there for [`KEPT`] is gone for
//! good with the next deletion; all of it is when there is no [`room`](super::room) left. A name remembers its highest number, so that a number never means something else.

use std::time::Duration;

use op_agent::Failure;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::content::{Content, Form};
use super::name::Type;
use super::record::{Version, now, told};
use super::room::Limits;
use crate::database::{Database, Fault};
use crate::settings::Settings;

/// How long what was deleted can be brought back.
pub(super) const KEPT: Duration = Duration::from_hours(7 * 24);

const FIRST: &str = "
    CREATE TABLE contents (sha256 TEXT NOT NULL UNIQUE, bytes BLOB NOT NULL) STRICT;
    CREATE TABLE names (
        id INTEGER PRIMARY KEY,
        -- Empty for what everybody sees.
        session TEXT NOT NULL,
        name TEXT NOT NULL,
        highest INTEGER NOT NULL,
        -- When it got its newest version, in milliseconds since 1970.
        touched INTEGER NOT NULL,
        UNIQUE (session, name)
    ) STRICT;
    CREATE TABLE versions (
        of INTEGER NOT NULL REFERENCES names (id),
        version INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        form TEXT NOT NULL,
        type TEXT NOT NULL,
        tags TEXT NOT NULL,
        saved INTEGER NOT NULL,
        -- When it was deleted; null when it was not.
        trashed INTEGER,
        PRIMARY KEY (of, version)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX names_that_end ON names (touched) WHERE session <> '';
    -- Which version a call saved, and whether it was there already: a call that is repeated answers the same.
    CREATE TABLE saves (
        call TEXT NOT NULL,
        of INTEGER NOT NULL REFERENCES names (id) ON DELETE CASCADE,
        version INTEGER NOT NULL,
        already INTEGER NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (call, of)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX saves_by_name ON saves (of);
    CREATE INDEX saves_by_time ON saves (at);
    CREATE TABLE totals (versions INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
    INSERT INTO totals VALUES (0, 0);
    CREATE TRIGGER versions_in AFTER INSERT ON versions BEGIN UPDATE totals SET versions = versions + 1; END;
    CREATE TRIGGER versions_out AFTER DELETE ON versions BEGIN UPDATE totals SET versions = versions - 1; END;
    CREATE TRIGGER contents_in AFTER INSERT ON contents BEGIN
        UPDATE totals SET bytes = bytes + length(new.bytes);
    END;
    CREATE TRIGGER contents_out AFTER DELETE ON contents BEGIN
        UPDATE totals SET bytes = bytes - length(old.bytes);
    END;
    CREATE INDEX versions_by_content ON versions (sha256);
    CREATE INDEX versions_in_trash ON versions (trashed) WHERE trashed IS NOT NULL;
";

/// What is selected of a version, in the order that [`version`] reads.
pub(super) const COLUMNS: &str = "n.name, v.version, v.type, v.tags, v.form, v.bytes, v.sha256, v.saved";

/// The contexts of the agent.
#[derive(Debug)]
pub(super) struct Contexts {
    pub(super) database: Database,
    pub(super) limits: Limits,
}

impl Contexts {
    /// The contexts in the agent's state directory.
    pub(super) fn new(settings: &Settings) -> Self {
        let database = Database::new(settings.state.as_deref(), "contexts.db", &[FIRST]);
        Self { database, limits: Limits::default() }
    }

    /// Changes something, after contexts of sessions that nobody heard of for long were swept. What has no room is refused.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Failure> {
        let limits = self.limits;
        let write = move |db: &Transaction<'_>| {
            expire(db, now())?;
            limits.hold(db, change)
        };
        self.database.write(write).await
    }

    /// Forgets the contexts of a session that is over.
    pub(super) fn end_session(&self, session: &str) -> Result<(), Failure> {
        self.database.end_session(session, |db| {
            db.execute(
                "DELETE FROM versions WHERE of IN (SELECT id FROM names WHERE session = ?1)",
                [session],
            )?;
            db.execute("DELETE FROM names WHERE session = ?1", [session])?;
            sweep(db)
        })
    }
}

/// A version that is to be kept.
#[derive(Debug, Clone)]
pub(super) struct New {
    pub(super) name: String,
    /// As before, or generic, if not said.
    pub(super) kind: Option<Type>,
    /// As before, or none, if not said.
    pub(super) tags: Option<Vec<String>>,
    pub(super) content: Content,
    /// In milliseconds from 1970.
    pub(super) saved: i64,
}

/// Keeps a new version, unless the newest one is the same in content, type and tags. Answers that version, and whether it was
/// there already.
pub(super) fn keep(db: &Transaction<'_>, session: &str, new: New) -> Result<(Version, bool), Fault> {
    let before = newest(db, session, &new.name)?;
    let kind = new.kind.or(before.as_ref().map(|before| before.kind)).unwrap_or_default();
    let tags =
        new.tags.clone().or_else(|| before.as_ref().map(|before| before.tags.clone())).unwrap_or_default();
    let is_same =
        |before: &Version| is_of(before, &new.content) && before.kind == kind && before.tags == tags;
    match before.filter(is_same) {
        Some(before) => Ok((before, true)),
        None => Ok((add(db, session, new, kind, tags)?, false)),
    }
}

/// Keeps a new version, unless any version of the name is the same in content, type and tags.
pub(super) fn keep_once(db: &Transaction<'_>, session: &str, new: New) -> Result<(Version, bool), Fault> {
    let (kind, tags) = (new.kind.unwrap_or_default(), new.tags.clone().unwrap_or_default());
    let query = format!(
        "SELECT {COLUMNS} FROM names n JOIN versions v ON v.of = n.id
         WHERE n.session = ?1 AND n.name = ?2 AND v.trashed IS NULL AND v.sha256 = ?3 AND v.form = ?4 AND v.type = ?5 AND v.tags = ?6"
    );
    let form = new.content.form.name();
    let wanted =
        params![session, new.name, new.content.sha256, form, kind.name(), serde_json::to_string(&tags)?];
    let same =
        db.prepare_cached(&query)?.query_row(wanted, |row| Ok(version(row))).optional()?.transpose()?;
    match same {
        Some(same) => Ok((same, true)),
        None => Ok((add(db, session, new, kind, tags)?, false)),
    }
}

pub(super) fn is_of(version: &Version, content: &Content) -> bool {
    version.sha256 == content.sha256 && version.form == content.form
}

fn add(
    db: &Transaction<'_>,
    session: &str,
    new: New,
    kind: Type,
    tags: Vec<String>,
) -> Result<Version, Fault> {
    let New { name, content, saved, .. } = new;
    let number = "INSERT INTO names (session, name, highest, touched) VALUES (?1, ?2, 1, ?3)
                  ON CONFLICT DO UPDATE SET highest = highest + 1, touched = ?3 RETURNING id, highest";
    let (of, version): (i64, u32) =
        db.query_row(number, params![session, name, now()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    db.execute(
        "INSERT INTO contents (sha256, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        params![content.sha256, content.bytes],
    )?;
    let bytes = u32::try_from(content.bytes.len()).unwrap_or(u32::MAX);
    db.execute(
        "INSERT INTO versions (of, version, sha256, bytes, form, type, tags, saved) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![of, version, content.sha256, bytes, content.form.name(), kind.name(), serde_json::to_string(&tags)?, saved],
    )?;
    Ok(Version {
        name,
        number: version,
        kind,
        tags,
        form: content.form,
        bytes,
        sha256: content.sha256,
        saved: told(saved),
    })
}

/// The newest version of a name that was not deleted.
pub(super) fn newest(db: &Connection, session: &str, name: &str) -> Result<Option<Version>, Fault> {
    let query = format!(
        "SELECT {COLUMNS} FROM names n JOIN versions v ON v.of = n.id
         WHERE n.session = ?1 AND n.name = ?2 AND v.trashed IS NULL ORDER BY v.version DESC LIMIT 1"
    );
    db.prepare_cached(&query)?.query_row([session, name], |row| Ok(version(row))).optional()?.transpose()
}

/// One version of a name; the newest one if not said.
pub(super) fn find(
    db: &Connection,
    session: &str,
    name: &str,
    number: Option<u32>,
) -> Result<Version, Fault> {
    let newest = newest(db, session, name)?.ok_or_else(|| {
        Failure::rejected("not_found", format!("there is no context `{name}`"))
            .hint("`list` says which there are")
    })?;
    let Some(number) = number.filter(|number| *number != newest.number) else { return Ok(newest) };
    let query = format!(
        "SELECT {COLUMNS} FROM names n JOIN versions v ON v.of = n.id
         WHERE n.session = ?1 AND n.name = ?2 AND v.version = ?3 AND v.trashed IS NULL"
    );
    let found = db
        .prepare_cached(&query)?
        .query_row(params![session, name, number], |row| Ok(version(row)))
        .optional()?;
    let missing = || {
        Failure::rejected(
            "not_found",
            format!("`{name}` has no version {number}; the newest is {}", newest.number),
        )
        .hint("`list` with `versions = true` says which there are")
    };
    found.ok_or_else(missing)?
}

/// Reads [`COLUMNS`].
pub(super) fn version(row: &Row<'_>) -> Result<Version, Fault> {
    let (kind, tags, form): (String, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
    Ok(Version {
        name: row.get(0)?,
        number: row.get(1)?,
        kind: Type::of(&kind).unwrap_or_default(),
        tags: serde_json::from_str(&tags)?,
        form: Form::of(&form),
        bytes: row.get(5)?,
        sha256: row.get(6)?,
        saved: told(row.get(7)?),
    })
}

/// The content of a version, known to be what was saved.
pub(super) fn content(db: &Connection, version: &Version) -> Result<Content, Fault> {
    let query = "SELECT bytes FROM contents WHERE sha256 = ?1";
    let bytes: Option<Vec<u8>> =
        db.prepare_cached(query)?.query_row([&version.sha256], |row| row.get(0)).optional()?;
    let bytes = bytes
        .ok_or_else(|| Failure::failed("damaged", format!("the content of {} is gone", version.words())))?;
    Ok(Content::kept(version.form, bytes, &version.sha256, &version.words())?)
}

/// Puts a version into the trash.
pub(super) fn trash(
    db: &Transaction<'_>,
    session: &str,
    name: &str,
    number: u32,
    now: i64,
) -> Result<(), Fault> {
    let update = "UPDATE versions SET trashed = ?4 WHERE version = ?3 AND trashed IS NULL
                  AND of = (SELECT id FROM names WHERE session = ?1 AND name = ?2)";
    db.prepare_cached(update)?.execute(params![session, name, number, now])?;
    Ok(())
}

/// Brings a version back from the trash; false when it is gone for good.
pub(super) fn untrash(db: &Transaction<'_>, session: &str, name: &str, number: u32) -> Result<bool, Fault> {
    let update = "UPDATE versions SET trashed = NULL WHERE version = ?3
                  AND of = (SELECT id FROM names WHERE session = ?1 AND name = ?2)";
    Ok(db.prepare_cached(update)?.execute(params![session, name, number])? > 0)
}

/// Empties the trash of what was deleted too long ago.
pub(super) fn purge(db: &Transaction<'_>, now: i64) -> Result<(), Fault> {
    let kept = i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
    empty(db, now.saturating_sub(kept))
}

/// Empties the trash of what was deleted before a point in time.
pub(super) fn empty(db: &Transaction<'_>, before: i64) -> Result<(), Fault> {
    let gone = db.execute("DELETE FROM versions WHERE trashed < ?1", [before])?;
    if gone > 0 { sweep(db) } else { Ok(()) }
}

/// Forgets contexts of sessions that got no version for [`KEPT`]: that such a session is over was never heard.
fn expire(db: &Transaction<'_>, now: i64) -> Result<(), Fault> {
    let kept = i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
    let before = now.saturating_sub(kept);
    let old = "SELECT id FROM names WHERE session <> '' AND touched < ?1";
    let gone = db.execute(&format!("DELETE FROM versions WHERE of IN ({old})"), [before])?;
    db.execute(&format!("DELETE FROM names WHERE id IN ({old})"), [before])?;
    if gone > 0 { sweep(db) } else { Ok(()) }
}

/// Forgets contents that no version has any more.
fn sweep(db: &Transaction<'_>) -> Result<(), Fault> {
    let delete =
        "DELETE FROM contents WHERE NOT EXISTS (SELECT 1 FROM versions v WHERE v.sha256 = contents.sha256)";
    db.execute(delete, ())?;
    Ok(())
}

#[cfg(test)]
pub(super) mod fixture {
    use serde_json::Value;

    use super::*;

    /// Contexts in a directory of their own.
    pub(in crate::context_manager) fn contexts() -> (tempfile::TempDir, Contexts) {
        let home = tempfile::tempdir().unwrap();
        let settings = Settings { state: Some(home.path().to_owned()), ..Settings::default() };
        let contexts = Contexts::new(&settings);
        (home, contexts)
    }

    /// A version that nothing special is said of.
    pub(in crate::context_manager) fn new(name: &str, content: Value) -> New {
        New {
            name: name.to_owned(),
            kind: None,
            tags: None,
            content: Content::of(content).unwrap(),
            saved: 1_000,
        }
    }

    impl Contexts {
        /// Changes something now.
        pub(in crate::context_manager) fn now<T>(
            &self,
            change: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
        ) -> Result<T, Failure> {
            self.database.write_blocking(change)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::fixture::{contexts, new};
    use super::*;

    fn number(kept: Result<(Version, bool), Failure>) -> (u32, bool) {
        kept.map(|(version, already)| (version.number, already)).unwrap()
    }

    #[test]
    fn the_same_again_is_already_so_and_anything_else_is_a_new_version() {
        let (_home, contexts) = contexts();
        let put = |new: New| number(contexts.now(|db| keep(db, "", new)));
        assert_eq!(put(new("a", json!({ "x": 1 }))), (1, false));
        assert_eq!(put(new("a", json!({ "x": 1 }))), (1, true));
        assert_eq!(put(new("a", json!("5"))), (2, false));
        assert_eq!(put(new("a", json!(5))), (3, false), "a text is no number");
        assert_eq!(put(New { kind: Some(Type::Task), ..new("a", json!(5)) }), (4, false));
        assert_eq!(put(New { tags: Some(vec!["t".into()]), ..new("a", json!(5)) }), (5, false));
        assert_eq!(put(new("a", json!(5))), (5, true), "what is not said is as before");
        assert_eq!(put(new("a", json!({ "x": 1 }))), (6, false), "what was before may come again");
        assert_eq!(number(contexts.now(|db| keep_once(db, "", new("a", json!({ "x": 1 }))))), (1, true));
        assert_eq!(put(new("b", json!(5))), (1, false));
    }

    #[test]
    fn a_session_has_contexts_of_its_own_until_it_ends() {
        let (_home, contexts) = contexts();
        contexts.now(|db| keep(db, "one", new("a", json!("own")))).unwrap();
        contexts.now(|db| keep(db, "", new("a", json!("shared")))).unwrap();
        let text = |session: &str| {
            contexts.now(|db| content(db, &find(db, session, "a", None)?)?.value().map_err(Fault::from))
        };
        assert_eq!((text("one"), text("")), (Ok(json!("own")), Ok(json!("shared"))));
        assert_eq!(text("two").unwrap_err().reason(), "not_found");
        contexts.end_session("one").unwrap();
        assert_eq!(text("one").unwrap_err().reason(), "not_found");
        assert_eq!(text(""), Ok(json!("shared")));
        let left: i64 = contexts
            .now(|db| Ok(db.query_row("SELECT count(*) FROM contents", (), |row| row.get(0))?))
            .unwrap();
        assert_eq!(left, 1);
    }

    #[test]
    fn a_session_that_is_over_is_forgotten_also_by_an_agent_that_was_started_since() {
        let (home, contexts) = contexts();
        contexts.now(|db| keep(db, "one", new("a", json!("own")))).unwrap();
        let again = Contexts::new(&Settings { state: Some(home.path().to_owned()), ..Settings::default() });
        again.end_session("one").unwrap();
        assert_eq!(again.now(|db| find(db, "one", "a", None)).unwrap_err().reason(), "not_found");
    }

    #[test]
    fn a_context_of_a_session_that_nobody_heard_of_for_a_week_is_swept_and_a_shared_one_stays() {
        let (_home, contexts) = contexts();
        contexts.now(|db| keep(db, "one", new("a", json!("own")))).unwrap();
        contexts.now(|db| keep(db, "", new("a", json!("shared")))).unwrap();
        let week = i64::try_from(KEPT.as_millis()).unwrap();
        contexts.now(|db| expire(db, now() + week - 60_000)).unwrap();
        assert!(contexts.now(|db| find(db, "one", "a", None)).is_ok());
        contexts.now(|db| expire(db, now() + week + 1)).unwrap();
        assert_eq!(contexts.now(|db| find(db, "one", "a", None)).unwrap_err().reason(), "not_found");
        assert!(contexts.now(|db| find(db, "", "a", None)).is_ok());
    }

    #[test]
    fn content_that_changed_on_disk_is_never_answered() {
        let (_home, contexts) = contexts();
        contexts.now(|db| keep(db, "", new("a", json!("right")))).unwrap();
        let read = || contexts.now(|db| content(db, &find(db, "", "a", None)?));
        assert!(read().is_ok());
        contexts.now(|db| Ok(db.execute("UPDATE contents SET bytes = CAST('wrong' AS BLOB)", ())?)).unwrap();
        assert_eq!(read().unwrap_err().reason(), "damaged");
        contexts.now(|db| Ok(db.execute("DELETE FROM contents", ())?)).unwrap();
        assert_eq!(read().unwrap_err().reason(), "damaged");
    }

    #[test]
    fn what_was_deleted_comes_back_until_its_time_is_over_and_its_number_never_does() {
        let (_home, contexts) = contexts();
        contexts.now(|db| keep(db, "", new("a", json!("one")))).unwrap();
        contexts.now(|db| trash(db, "", "a", 1, 0)).unwrap();
        assert_eq!(contexts.now(|db| find(db, "", "a", None)).unwrap_err().reason(), "not_found");
        assert_eq!(contexts.now(|db| untrash(db, "", "a", 1)), Ok(true));
        assert_eq!(contexts.now(|db| find(db, "", "a", Some(1))).unwrap().number, 1);
        contexts.now(|db| trash(db, "", "a", 1, 0)).unwrap();
        let late = i64::try_from(KEPT.as_millis()).unwrap() + 1;
        contexts.now(|db| purge(db, late - 1)).unwrap();
        assert_eq!(contexts.now(|db| untrash(db, "", "a", 1)), Ok(true));
        contexts.now(|db| trash(db, "", "a", 1, 0)).unwrap();
        contexts.now(|db| purge(db, late)).unwrap();
        assert_eq!(contexts.now(|db| untrash(db, "", "a", 1)), Ok(false));
        assert_eq!(number(contexts.now(|db| keep(db, "", new("a", json!("two"))))), (2, false));
    }

    #[test]
    fn a_version_that_is_not_there_is_told_with_the_newest() {
        let (_home, contexts) = contexts();
        contexts.now(|db| keep(db, "", new("a", json!("one")))).unwrap();
        let missing = contexts.now(|db| find(db, "", "a", Some(7))).unwrap_err();
        assert!(missing.message().contains("the newest is 1"), "{missing}");
    }
}
