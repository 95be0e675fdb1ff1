//! The numbered migrations. `user_version` is the number of the last one a file went through.

use rusqlite::{Connection, TransactionBehavior};

/// Marks the file as a journal of op-dbus: `opdb`.
pub(super) const APPLICATION: i32 = 0x6f70_6462;

/// The version that this program writes: the number of migrations.
pub(super) const VERSION: i32 = 4;

/// Each brings a file from the version of its position to the next one. What is here never changes.
const MIGRATIONS: [&str; VERSION as usize] = [
    include_str!("schema/0001.sql"),
    include_str!("schema/0002.sql"),
    include_str!("schema/0003.sql"),
    include_str!("schema/0004.sql"),
];

/// The version of a file: how many migrations it went through.
pub(super) fn version(db: &Connection) -> rusqlite::Result<i32> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings a file to this version, one migration in one transaction. A file of a newer version stays as it is.
pub(super) fn migrate(db: &mut Connection) -> rusqlite::Result<()> {
    let from = usize::try_from(version(db)?).unwrap_or(0);
    for (number, sql) in (1_i32..).zip(MIGRATIONS).skip(from) {
        let step = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        step.execute_batch(sql)?;
        step.pragma_update(None, "application_id", APPLICATION)?;
        step.pragma_update(None, "user_version", number)?;
        step.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_goes_through_every_migration_once() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db).unwrap();
        assert_eq!(version(&db).unwrap(), VERSION);
        migrate(&mut db).unwrap();
        assert_eq!(version(&db).unwrap(), VERSION);
    }

    #[test]
    fn a_migration_that_fails_leaves_nothing_behind() {
        let mut db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE outputs (mine)").unwrap();
        migrate(&mut db).unwrap_err();
        assert_eq!(version(&db).unwrap(), 0);
        let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0)).unwrap();
        assert_eq!(tables, 1);
    }

    #[test]
    fn every_table_has_row_ids() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db).unwrap();
        let mut tables =
            db.prepare("SELECT name, wr FROM pragma_table_list WHERE name NOT LIKE 'sqlite%'").unwrap();
        let tables: Vec<(String, i64)> =
            tables.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
        assert_eq!(tables.len(), 8);
        assert!(tables.iter().all(|(_, without_rowid)| *without_rowid == 0), "{tables:?}");
    }
}
