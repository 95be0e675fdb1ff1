//! The journal on `SQLite`: the adapter of the port [`Journal`](op_engine::ports::Journal).
//!
//! One file that people can open, back up and query with `sqlite3`. It decides nothing: it keeps events, and gives them back.
//!
//! ```text
//!  append ──▶ codec ──▶ waiting room ──▶ writer thread ──▶ one transaction for all that wait ──▶ sync ──▶ answers
//!  (task)     (JSON)     (bounded)            │
//!                                             └─ between groups: checkpoints, so that the log stays small
//!  events, list, audit, ... ──▶ read-only connections of their own, which see every commit that was answered
//! ```
//!
//! - [`SqliteJournal`]: the journal; [`Options`]: its limits; [`OpenError`]: why it does not open; [`Stats`]: what it counted
//! - `codec`: entries as rows
//! - `sqlite::open`, `sqlite::lock`, `sqlite::schema`: from a path to a checked, migrated, locked file
//! - `sqlite::writer`, `sqlite::commit`, `sqlite::checkpoint`: the one thread that writes
//! - `sqlite::call`: calls of clients, which are noted without anybody waiting for the disk
//! - `sqlite::result`: what calls of steps returned, kept for others within a bound
//! - `sqlite::record`, `sqlite::label`: the row of a run, and those of its labels
//! - `sqlite::readers`, `sqlite::query`: what is read; `sqlite::query::list`: how runs are found among many
//! - `sqlite::fault`: what an error of `SQLite` means

mod codec;
mod sqlite;

pub use sqlite::{OpenError, Options, SqliteJournal, Stats};
