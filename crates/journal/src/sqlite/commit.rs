//! A group of entries and marks in one transaction.

use op_engine::ports::journal::{AppendError, CallRecord, ScheduleMark};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::call;
use super::number::signed;
use super::record::{self, Standing};
use super::result::{self, ResultRow};
use crate::codec::{EventRow, OutputRow, Packed, PlanRow};

/// What is written: all of it, or nothing.
#[derive(Debug)]
pub(super) enum Write {
    /// Events of a run.
    Entry(Box<Packed>),
    /// How far a schedule is.
    Mark(ScheduleMark),
    /// Calls of clients.
    Calls(Vec<CallRecord>),
    /// What a call of a step returned, for which nobody waits.
    Result(Box<ResultRow>),
    /// Nothing; when it is answered, all before it is on disk.
    Nothing,
    /// Nothing, for which nobody waits: calls were noted that go along with the next group.
    Noted,
}

impl Write {
    /// Bytes it takes, roughly.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Entry(entry) => entry.size(),
            Self::Mark(mark) => mark.plan.len(),
            Self::Result(result) => result.size(),
            // Calls come when their group is full.
            Self::Calls(_) | Self::Nothing | Self::Noted => 0,
        }
    }

    /// Whether nobody waits for it.
    pub(super) fn is_patient(&self) -> bool {
        matches!(self, Self::Noted | Self::Result(_))
    }

    /// Events in it; none in what is no entry.
    pub(super) fn events(&self) -> Option<usize> {
        match self {
            Self::Entry(entry) => Some(entry.events.len()),
            Self::Mark(_) | Self::Calls(_) | Self::Result(_) | Self::Nothing | Self::Noted => None,
        }
    }
}

/// What a write is answered.
pub(super) type Verdict = Result<(), AppendError>;

/// Commits a group; gives the verdict of each write in order. An entry is looked at before anything of it is written, so one
/// that is refused leaves no trace and the others go in. With an error nothing of the group is in. Results take at most so many
/// bytes in all.
pub(super) fn commit<'a>(
    db: &mut Connection,
    group: impl IntoIterator<Item = &'a Write>,
    results: u64,
) -> rusqlite::Result<Vec<Verdict>> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let put = |write: &Write| match write {
        Write::Entry(entry) => put_entry(&tx, entry),
        Write::Mark(mark) => put_mark(&tx, mark).map(Ok),
        Write::Calls(calls) => calls.iter().try_for_each(|call| call::put(&tx, call)).map(Ok),
        Write::Result(result) => result::put(&tx, result, results).map(Ok),
        Write::Nothing | Write::Noted => Ok(Ok(())),
    };
    let verdicts = group.into_iter().map(put).collect::<rusqlite::Result<_>>()?;
    tx.commit()?;
    Ok(verdicts)
}

fn put_mark(tx: &Transaction<'_>, mark: &ScheduleMark) -> rusqlite::Result<()> {
    const SQL: &str = "INSERT INTO marks (plan, last, paused) VALUES (?1, ?2, ?3)
        ON CONFLICT (plan) DO UPDATE SET last = excluded.last, paused = excluded.paused";
    let last = mark.last.map(|last| signed(last.as_millis()));
    tx.prepare_cached(SQL)?.execute(params![mark.plan, last, mark.paused])?;
    Ok(())
}

fn put_entry(tx: &Transaction<'_>, entry: &Packed) -> rusqlite::Result<Verdict> {
    let run = entry.record.id.as_str();
    let before = record::standing(tx, run)?;
    if let Some(refusal) = refusal(tx, entry, before.as_ref())? {
        return Ok(Err(refusal));
    }
    if let Some(plan) = &entry.plan {
        put_plan(tx, plan)?;
    }
    record::put(tx, entry, before.as_ref())?;
    for (sequence, event) in (entry.first..).zip(&entry.events) {
        put_event(tx, run, sequence, event)?;
    }
    entry.outputs.iter().try_for_each(|output| put_output(tx, run, output))?;
    Ok(Ok(()))
}

/// Why an entry does not go in.
fn refusal(
    tx: &Transaction<'_>,
    entry: &Packed,
    before: Option<&Standing>,
) -> rusqlite::Result<Option<AppendError>> {
    let (run, digest) = (&entry.record.id, &entry.record.digest);
    let has = before.map_or(0, |before| before.sequence);
    if entry.first != has + 1 {
        return Ok(Some(AppendError::Conflict { run: run.clone(), has, first: entry.first }));
    }
    if before.is_some() {
        return Ok(None);
    }
    if let Some(idempotency) = &entry.idempotency
        && exists(tx, "SELECT 1 FROM runs WHERE key = ?1", &idempotency.key)?
    {
        return Ok(Some(AppendError::KeyTaken(idempotency.key.clone())));
    }
    // A run whose plan nobody can read again could not be recovered.
    let given = entry.plan.as_ref().is_some_and(|plan| plan.digest == *digest);
    if !given && !exists(tx, "SELECT 1 FROM plans WHERE digest = ?1", digest)? {
        let reason =
            format!("run {run} follows plan {digest}, which was not given and is not in the journal");
        return Ok(Some(AppendError::Broken(reason)));
    }
    Ok(None)
}

fn exists(tx: &Transaction<'_>, sql: &str, value: &str) -> rusqlite::Result<bool> {
    tx.prepare_cached(sql)?.exists([value])
}

/// A plan is known by its digest, so one that is there already is the same.
fn put_plan(tx: &Transaction<'_>, plan: &PlanRow) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT INTO plans (digest, json) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute([&plan.digest, &plan.json])?;
    Ok(())
}

fn put_event(tx: &Transaction<'_>, run: &str, sequence: u64, event: &EventRow) -> rusqlite::Result<()> {
    const SQL: &str =
        "INSERT INTO events (run, sequence, at, kind, phase, step, json) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let EventRow { at, kind, phase, step, json } = event;
    let row = params![run, signed(sequence), signed(at.as_millis()), kind, phase, step, json];
    tx.prepare_cached(SQL)?.execute(row)?;
    Ok(())
}

/// An attempt that is told of twice counts as it was told of last.
fn put_output(tx: &Transaction<'_>, run: &str, output: &OutputRow) -> rusqlite::Result<()> {
    const SQL: &str =
        "INSERT INTO outputs (run, step, visit, attempt, pieces, data, dropped) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (run, step, visit, attempt) DO UPDATE
        SET pieces = excluded.pieces, data = excluded.data, dropped = excluded.dropped";
    let OutputRow { step, visit, attempt, pieces, data, dropped } = output;
    let row = params![run, step, visit, attempt, pieces, data, signed(*dropped)];
    tx.prepare_cached(SQL)?.execute(row)?;
    Ok(())
}
