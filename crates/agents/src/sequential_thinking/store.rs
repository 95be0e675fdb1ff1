//! Where chains are kept: one row for the head of each, one for each thought.

use op_agent::{Call, Failure};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::chain::Chain;
use super::thought::Thought;
use crate::database::{Database, Fault};
use crate::settings::Settings;

const FIRST: &str = "
    CREATE TABLE chains (
        id TEXT NOT NULL PRIMARY KEY,
        -- Empty for a chain that everybody sees.
        session TEXT NOT NULL,
        head TEXT NOT NULL,
        -- When it was last written, in milliseconds since 1970.
        touched INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX chains_of_a_session ON chains (session) WHERE session <> '';
    CREATE INDEX chains_that_end ON chains (touched) WHERE session <> '';
    CREATE TABLE thoughts (
        chain TEXT NOT NULL REFERENCES chains (id) ON DELETE CASCADE,
        step INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (chain, step)
    ) STRICT, WITHOUT ROWID;
";

/// Milliseconds that a chain of a session is kept at most after it was last written, should nobody tell that the session is over: a week.
const SESSION: i64 = 7 * 24 * 60 * 60 * 1000;

/// The chains of the agent. Clones are the same ones.
#[derive(Debug, Clone)]
pub(super) struct Chains {
    database: Database,
}

impl Chains {
    /// The chains in the agent's state directory.
    pub(super) fn new(settings: &Settings) -> Self {
        Self { database: Database::new(settings.state.as_deref(), "thinking.db", &[FIRST]) }
    }

    /// A chain that the session of the call sees.
    pub(super) async fn load(&self, call: &Call, id: &str) -> Result<Chain, Failure> {
        let (id, session) = (id.to_owned(), call.session().to_owned());
        self.database.read(move |db| load(db, &id, &session)).await
    }

    /// Keeps a new chain for a session, empty for everybody, and answers its name.
    pub(super) async fn create(&self, session: String, chain: Chain) -> Result<String, Failure> {
        let now = now();
        let write = move |db: &Transaction<'_>| {
            expire(db, now)?;
            create(db, &session, &chain, now)
        };
        self.database.write(write).await
    }

    /// Changes a chain that the session of the call sees. It stays as it was when `change` refuses.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        call: &Call,
        id: &str,
        change: impl FnOnce(&mut Chain) -> Result<T, Failure> + Send + 'static,
    ) -> Result<(Chain, T), Failure> {
        let (id, session) = (id.to_owned(), call.session().to_owned());
        let now = now();
        let done = self.database.write(move |db| {
            expire(db, now)?;
            let mut chain = load(db, &id, &session)?;
            let before = chain.last();
            let answer = change(&mut chain)?;
            extend(db, &id, &chain, before, now)?;
            Ok((chain, answer))
        });
        done.await
    }

    /// Puts a chain that had `before` thoughts when it was loaded in its place, now that it has grown. Fails when somebody else
    /// changed it meanwhile.
    pub(super) async fn replace(
        &self,
        call: &Call,
        id: &str,
        before: u32,
        grown: Chain,
    ) -> Result<(), Failure> {
        self.change(call, id, move |kept| put_in_place(kept, before, grown)).await.map(drop)
    }

    /// Forgets the chains of a session that is over.
    pub(super) fn end_session(&self, session: &str) -> Result<usize, Failure> {
        let delete = "DELETE FROM chains WHERE session = ?1";
        self.database.end_session(session, |db| Ok(db.execute(delete, [session])?))
    }
}

fn load(db: &Connection, id: &str, session: &str) -> Result<Chain, Fault> {
    let query = "SELECT head FROM chains WHERE id = ?1 AND session IN ('', ?2)";
    let head: Option<String> =
        db.prepare_cached(query)?.query_row([id, session], |row| row.get(0)).optional()?;
    let head = head.ok_or_else(|| {
        Failure::rejected("not_found", format!("there is no chain `{id}` that this session sees"))
            .hint("start one with `start_chain` or `think`")
    })?;
    let mut chain: Chain = serde_json::from_str(&head)?;
    let mut statement = db.prepare_cached("SELECT body FROM thoughts WHERE chain = ?1 ORDER BY step")?;
    for body in statement.query_map([id], |row| row.get::<_, String>(0))? {
        chain.thoughts.push(serde_json::from_str(&body?)?);
    }
    let is_whole = (1..).zip(&chain.thoughts).all(|(step, thought)| thought.step == step);
    if is_whole { Ok(chain) } else { Err(damaged(id).into()) }
}

fn put_in_place(kept: &mut Chain, before: u32, grown: Chain) -> Result<(), Failure> {
    if kept.last() == before && kept.closing.is_none() {
        *kept = grown;
        return Ok(());
    }
    Err(Failure::failed("chain_changed", "somebody else added to the chain meanwhile").hint("call again"))
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Forgets chains of sessions of which nobody has heard for long.
fn expire(db: &Transaction<'_>, now: i64) -> Result<(), Fault> {
    db.prepare_cached("DELETE FROM chains WHERE session <> '' AND touched < ?1")?
        .execute([now.saturating_sub(SESSION)])?;
    Ok(())
}

fn damaged(id: &str) -> Failure {
    Failure::failed("damaged", format!("the thoughts of chain `{id}` are not those that were kept"))
        .hint("bring `thinking.db` in the agent's state directory back from a backup")
}

fn create(db: &Transaction<'_>, session: &str, chain: &Chain, now: i64) -> Result<String, Fault> {
    let insert = "INSERT INTO chains (id, session, head, touched) VALUES (lower(hex(randomblob(8))), ?1, ?2, ?3) RETURNING id";
    let id: String = db.query_row(insert, params![session, head(chain)?, now], |row| row.get(0))?;
    add(db, &id, &chain.thoughts)?;
    Ok(id)
}

/// Writes what became of a chain that had `before` thoughts. Thoughts are only ever added.
fn extend(db: &Transaction<'_>, id: &str, chain: &Chain, before: u32, now: i64) -> Result<(), Fault> {
    let update = "UPDATE chains SET head = ?2, touched = ?3 WHERE id = ?1";
    db.execute(update, params![id, head(chain)?, now])?;
    add(db, id, &chain.thoughts[before as usize..])
}

fn add(db: &Transaction<'_>, id: &str, thoughts: &[Thought]) -> Result<(), Fault> {
    let mut statement = db.prepare_cached("INSERT INTO thoughts (chain, step, body) VALUES (?1, ?2, ?3)")?;
    for thought in thoughts {
        statement.execute(params![id, thought.step, serde_json::to_string(thought)?])?;
    }
    Ok(())
}

/// A chain without its thoughts.
fn head(chain: &Chain) -> Result<String, Fault> {
    let head = Chain {
        question: chain.question.clone(),
        forked_from: chain.forked_from.clone(),
        closing: chain.closing.clone(),
        thoughts: Vec::new(),
        ..*chain
    };
    Ok(serde_json::to_string(&head)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chain::fixture::chain;
    use super::*;

    fn kept() -> (tempfile::TempDir, Chains) {
        let home = tempfile::tempdir().unwrap();
        let settings = Settings { state: Some(home.path().to_owned()), ..Settings::default() };
        (home, Chains::new(&settings))
    }

    async fn seen(chains: &Chains, id: &str, session: &'static str) -> Result<Chain, Failure> {
        let id = id.to_owned();
        chains.database.read(move |db| load(db, &id, session)).await
    }

    #[tokio::test]
    async fn a_chain_is_the_same_after_a_restart() {
        let (home, chains) = kept();
        let whole = chain(
            json!([{ "text": "a", "confidence": 0.1 }, { "text": "b", "builds_on": [1], "revises": 1 }]),
        );
        let id = chains.create(String::new(), whole.clone()).await.unwrap();
        let again = Chains::new(&Settings { state: Some(home.path().to_owned()), ..Settings::default() });
        assert_eq!(seen(&again, &id, "").await, Ok(whole));
    }

    #[tokio::test]
    async fn a_chain_of_a_session_is_seen_by_nobody_else_and_ends_with_it() {
        let (_home, chains) = kept();
        let own = chains.create("one".to_owned(), chain(json!([{ "text": "a" }]))).await.unwrap();
        let shared = chains.create(String::new(), chain(json!([]))).await.unwrap();
        assert!(seen(&chains, &own, "one").await.is_ok() && seen(&chains, &shared, "one").await.is_ok());
        for other in ["", "two"] {
            assert_eq!(seen(&chains, &own, other).await.unwrap_err().reason(), "not_found");
        }
        let over = chains.clone();
        assert_eq!(tokio::task::spawn_blocking(move || over.end_session("one")).await.unwrap(), Ok(1));
        assert_eq!(seen(&chains, &own, "one").await.unwrap_err().reason(), "not_found");
        assert!(seen(&chains, &shared, "one").await.is_ok());
        let left = chains
            .database
            .read(|db| Ok(db.query_row("SELECT count(*) FROM thoughts", (), |row| row.get(0))?));
        assert_eq!(left.await, Ok(0));
    }

    #[tokio::test]
    async fn a_session_that_is_over_is_forgotten_also_by_an_agent_that_was_started_since() {
        let (home, chains) = kept();
        let own = chains.create("one".to_owned(), chain(json!([{ "text": "a" }]))).await.unwrap();
        let again = Chains::new(&Settings { state: Some(home.path().to_owned()), ..Settings::default() });
        assert_eq!(again.end_session("one"), Ok(1));
        assert_eq!(seen(&again, &own, "one").await.unwrap_err().reason(), "not_found");
    }

    #[tokio::test]
    async fn a_chain_of_a_session_that_nobody_heard_of_for_a_week_is_swept_and_a_shared_one_stays() {
        let (_home, chains) = kept();
        let own = chains.create("one".to_owned(), chain(json!([{ "text": "a" }]))).await.unwrap();
        let shared = chains.create(String::new(), chain(json!([]))).await.unwrap();
        let sweep = |at: i64| chains.database.write(move |db| expire(db, at));
        sweep(now() + SESSION - 60_000).await.unwrap();
        assert!(seen(&chains, &own, "one").await.is_ok());
        sweep(now() + SESSION + 1).await.unwrap();
        assert_eq!(seen(&chains, &own, "one").await.unwrap_err().reason(), "not_found");
        assert!(seen(&chains, &shared, "").await.is_ok());
    }

    #[test]
    fn a_chain_that_somebody_else_changed_meanwhile_is_left_as_it_is() {
        let grown = || chain(json!([{ "text": "a" }, { "text": "b" }]));
        let mut kept = chain(json!([{ "text": "a" }]));
        assert_eq!(put_in_place(&mut kept, 0, grown()).unwrap_err().reason(), "chain_changed");
        assert_eq!(put_in_place(&mut kept, 1, grown()), Ok(()));
        assert_eq!(kept, grown());
    }

    #[tokio::test]
    async fn a_chain_that_lost_a_thought_is_told_and_not_shown() {
        let (_home, chains) = kept();
        let id =
            chains.create(String::new(), chain(json!([{ "text": "a" }, { "text": "b" }]))).await.unwrap();
        let lost = chains.database.write(|db| Ok(db.execute("DELETE FROM thoughts WHERE step = 1", ())?));
        lost.await.unwrap();
        assert_eq!(seen(&chains, &id, "").await.unwrap_err().reason(), "damaged");
    }
}
