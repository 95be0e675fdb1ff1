//! Saves that are repeated after a crash: which version a call saved is kept for a week under the key of the call.

use rusqlite::{OptionalExtension, Transaction, params};

use super::content::Content;
use super::record::Version;
use super::store::{COLUMNS, KEPT, is_of, version};
use crate::database::Fault;

/// What the call of this key answered, unless it saved something else or its version was deleted since.
pub(super) fn answered(
    db: &Transaction<'_>,
    (session, name): (&str, &str),
    call: &str,
    content: &Content,
) -> Result<Option<(Version, bool)>, Fault> {
    let query = format!(
        "SELECT {COLUMNS}, s.already FROM saves s JOIN names n ON n.id = s.of
         JOIN versions v ON v.of = s.of AND v.version = s.version
         WHERE s.call = ?1 AND n.session = ?2 AND n.name = ?3 AND v.trashed IS NULL"
    );
    let mut asked = db.prepare_cached(&query)?;
    let found = asked.query_row([call, session, name], |row| Ok((version(row), row.get(8)?))).optional()?;
    let Some((version, already)) = found else { return Ok(None) };
    let version = version?;
    Ok(is_of(&version, content).then_some((version, already)))
}

/// Keeps what the call of this key answers, and forgets what is too old to be repeated.
pub(super) fn note(
    db: &Transaction<'_>,
    session: &str,
    call: &str,
    (version, already): (&Version, bool),
    now: i64,
) -> Result<(), Fault> {
    let insert = "INSERT INTO saves (call, of, version, already, at)
                  SELECT ?1, id, ?4, ?5, ?6 FROM names WHERE session = ?2 AND name = ?3
                  ON CONFLICT DO UPDATE SET version = ?4, already = ?5, at = ?6";
    db.prepare_cached(insert)?.execute(params![call, session, version.name, version.number, already, now])?;
    let kept = i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
    db.prepare_cached("DELETE FROM saves WHERE at < ?1")?.execute([now.saturating_sub(kept)])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::store::fixture::{contexts, new};
    use super::super::store::{keep, trash};
    use super::*;

    #[test]
    fn a_call_answers_what_it_answered_until_that_is_deleted_or_too_old() {
        let (_home, contexts) = contexts();
        let saved = new("a", json!("x"));
        let (content, other) = (saved.content.clone(), new("a", json!("y")).content);
        let week = i64::try_from(KEPT.as_millis()).unwrap();
        let (kept, _) = contexts.now(|db| keep(db, "", saved)).unwrap();
        let note = |call: &str, at| contexts.now(|db| note(db, "", call, (&kept, false), at)).unwrap();
        let known = |call: &str, content: &Content| {
            contexts.now(|db| answered(db, ("", "a"), call, content)).unwrap().map(|(found, _)| found.number)
        };
        note("call", 1_000);
        assert_eq!(
            (known("call", &content), known("other", &content), known("call", &other)),
            (Some(1), None, None)
        );
        note("later", 1_001 + week);
        assert_eq!((known("call", &content), known("later", &content)), (None, Some(1)));
        contexts.now(|db| trash(db, "", "a", 1, 0)).unwrap();
        assert_eq!(known("later", &content), None);
    }
}
