//! The operations on a database in a directory, with the clock in the hand.

use std::sync::atomic::{AtomicU64, Ordering};

use op_agent::Failure;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::add::{Added, One};
use super::delete::Deleted;
use super::get_all::Facts;
use super::search::Matches;
use super::update::Updated;
use super::*;

mod long_histories;

struct Scene {
    database: Database,
    home: TempDir,
    calls: AtomicU64,
    now: i64,
}

fn args<A: DeserializeOwned>(args: Value) -> A {
    serde_json::from_value(args).unwrap()
}

impl Scene {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let database = database(Some(home.path()));
        Self { database, home, calls: AtomicU64::new(1), now: 1_000_000 }
    }

    fn caller(&self) -> Caller {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        Caller { key: format!("run-1/step/1/{call}"), session: "s1".to_owned(), now: self.now }
    }

    async fn add(&self, what: Value) -> Result<Added, Failure> {
        add::add(self.database.clone(), self.caller(), args(what)).await
    }

    async fn put(&self, text: &str) -> i64 {
        self.add(json!({ "text": text, "user_id": "ann" })).await.unwrap().results[0].memory_id
    }

    async fn update(&self, what: Value) -> Result<Updated, Failure> {
        update::update(self.database.clone(), self.caller(), args(what)).await
    }

    async fn delete(&self, what: Value) -> Deleted {
        delete::delete(self.database.clone(), self.caller(), args(what)).await.unwrap()
    }

    async fn search(&self, what: Value) -> Matches {
        search::search(self.database.clone(), self.caller(), args(what)).await.unwrap()
    }

    async fn found(&self, query: &str) -> Vec<i64> {
        let found = self.search(json!({ "query": query, "user_id": "ann" })).await;
        found.results.into_iter().map(|found| found.fact.memory_id).collect()
    }

    async fn all(&self, what: Value) -> Facts {
        get_all::get_all(self.database.clone(), self.caller(), args(what)).await.unwrap()
    }

    async fn ids(&self, what: Value) -> Vec<i64> {
        self.all(what).await.results.into_iter().map(|fact| fact.memory_id).collect()
    }
}

#[tokio::test]
async fn a_fact_is_there_after_the_next_start_with_whom_it_is_about_and_who_said_it() {
    let mut scene = Scene::new();
    let what =
        json!({ "text": "Ann likes tea.", "user_id": "ann", "run_id": "r", "metadata": { "sure": true } });
    scene.add(what).await.unwrap();
    scene.database = database(Some(scene.home.path()));
    let fact = scene.all(json!({ "user_id": "ann" })).await.results.remove(0);
    assert_eq!((fact.memory.as_str(), &fact.metadata["sure"]), ("Ann likes tea.", &json!(true)));
    assert_eq!(
        (fact.owner.user_id.as_deref(), fact.owner.agent_id, fact.owner.run_id.as_deref()),
        (Some("ann"), None, Some("r"))
    );
    assert_eq!((fact.written_by.step.as_str(), fact.written_by.session.as_str()), ("step", "s1"));
}

#[tokio::test]
async fn facts_are_found_by_any_of_those_they_are_about_and_by_nobody_else() {
    let scene = Scene::new();
    let both = json!({ "text": "they met", "user_id": "ann", "agent_id": "bot" });
    let both = scene.add(both).await.unwrap().results[0].memory_id;
    let own = scene.put("tea is met with joy").await;
    for (owner, ids) in [
        (json!({ "user_id": "ann" }), vec![both, own]),
        (json!({ "agent_id": "bot" }), vec![both]),
        (json!({ "user_id": "ann", "agent_id": "bot" }), vec![both]),
        (json!({ "user_id": "bob" }), vec![]),
        (json!({ "agent_id": "ann" }), vec![]),
    ] {
        assert_eq!(scene.ids(owner.clone()).await, ids, "{owner}");
        let mut asked = owner.clone();
        asked["query"] = json!("met");
        let mut found: Vec<i64> =
            scene.search(asked).await.results.iter().map(|found| found.fact.memory_id).collect();
        found.sort_unstable();
        assert_eq!(found, ids, "{owner}");
    }
}

#[tokio::test]
async fn what_is_known_already_is_refused_and_named_unless_told_otherwise() {
    let scene = Scene::new();
    let tea = scene.put("Ann likes tea").await;
    let again = json!({ "text": "ann likes TEA!", "user_id": "ann" });
    let failure = scene.add(again).await.unwrap_err();
    assert_eq!(failure.reason(), "duplicate");
    assert!(failure.message().contains(&format!("fact {tea} says `Ann likes tea`")), "{failure}");
    scene.add(json!({ "text": "Ann likes tea", "user_id": "bob" })).await.unwrap();
    scene.add(json!({ "text": "Ann likes tea", "user_id": "ann", "allow_similar": true })).await.unwrap();
    scene.put("on fridays she bakes bread with seeds").await;
    let turned = json!({ "text": "she bakes bread with seeds on fridays", "user_id": "ann" });
    assert_eq!(scene.add(turned).await.unwrap_err().reason(), "duplicate");
}

#[tokio::test]
async fn of_several_facts_all_are_added_or_none() {
    let scene = Scene::new();
    scene.put("one fact").await;
    let known = scene.add(json!({ "texts": ["two facts", "one fact"], "user_id": "ann" })).await;
    assert_eq!(known.unwrap_err().reason(), "duplicate");
    let twice = scene.add(json!({ "texts": ["two facts", "Two facts!"], "user_id": "ann" })).await;
    assert_eq!(twice.unwrap_err().reason(), "invalid_arguments");
    assert_eq!(scene.all(json!({ "user_id": "ann" })).await.total, 1);
}

#[tokio::test]
async fn an_updated_fact_keeps_its_id_and_what_it_said_before() {
    let mut scene = Scene::new();
    let id = scene.put("Ann lives in Rome").await;
    scene.now += 1000;
    let updated = scene.update(json!({ "memory_id": id, "text": "Ann lives in Oslo" })).await.unwrap();
    assert!(updated.changed);
    assert_eq!((updated.fact.memory_id, updated.fact.memory.as_str()), (id, "Ann lives in Oslo"));
    assert_eq!((updated.fact.earlier, updated.fact.history.len()), (1, 0));
    let told = scene.all(json!({ "memory_id": id, "history": true })).await;
    let [before] = &told.results[0].history[..] else { panic!("{told:?}") };
    assert_eq!(
        (before.memory.as_str(), before.until.as_deref()),
        ("Ann lives in Rome", Some("1970-01-01T00:16:41Z"))
    );
    assert_eq!(
        (updated.fact.created_at.as_str(), updated.fact.updated_at.as_str()),
        ("1970-01-01T00:16:40Z", "1970-01-01T00:16:41Z")
    );
    assert_eq!((scene.found("rome").await, scene.found("oslo").await), (vec![], vec![id]));
    let again = scene.update(json!({ "memory_id": id, "text": "Ann lives in Oslo" })).await.unwrap();
    assert!(!again.changed && again.fact.earlier == 1);
    let kept = scene.update(json!({ "memory_id": id, "metadata": { "sure": 1 } })).await.unwrap();
    assert_eq!((kept.fact.memory.as_str(), kept.fact.earlier), ("Ann lives in Oslo", 2));
}

#[tokio::test]
async fn an_update_to_what_another_fact_says_is_refused() {
    let scene = Scene::new();
    scene.put("Ann likes tea").await;
    let id = scene.put("Ann likes milk").await;
    let failure = scene.update(json!({ "memory_id": id, "text": "Ann likes tea" })).await.unwrap_err();
    assert_eq!(failure.reason(), "duplicate");
    assert_eq!(
        scene.update(json!({ "memory_id": 99, "text": "x" })).await.unwrap_err().reason(),
        "not_found"
    );
    assert_eq!(scene.update(json!({ "memory_id": id })).await.unwrap_err().reason(), "invalid_arguments");
}

#[tokio::test]
async fn a_superseded_fact_is_found_no_more_and_told_in_the_history() {
    let scene = Scene::new();
    let old = scene.put("Ann lives in Rome").await;
    let new = json!({ "text": "Ann has moved to Oslo", "user_id": "ann", "supersedes": old });
    let added = scene.add(new).await.unwrap();
    let new = added.results[0].memory_id;
    assert_eq!(added.results[0].superseded, Some(old));
    assert_eq!(scene.ids(json!({ "user_id": "ann" })).await, [new]);
    assert_eq!(scene.found("rome").await, [0; 0]);
    let all = scene.all(json!({ "user_id": "ann", "history": true })).await;
    assert_eq!(
        (all.total, all.results[0].superseded_by, all.results[0].ended.as_deref()),
        (2, Some(new), Some("superseded"))
    );
    assert_eq!((all.results[1].supersedes, all.results[1].ended.as_deref()), (Some(old), None));
    let twice = json!({ "text": "Ann is in Bergen", "user_id": "ann", "supersedes": old });
    assert_eq!(scene.add(twice).await.unwrap_err().reason(), "not_found");
    let foreign = json!({ "text": "Bob is here", "user_id": "bob", "supersedes": new });
    assert_eq!(scene.add(foreign).await.unwrap_err().reason(), "invalid_arguments");
}

#[tokio::test]
async fn a_call_that_is_repeated_adds_nothing_and_answers_what_it_answered() {
    let scene = Scene::new();
    let old = scene.put("Ann lives in Rome").await;
    let caller = scene.caller();
    let what = json!({ "text": "Ann lives in Oslo", "user_id": "ann", "supersedes": old });
    let mut answers: Vec<Vec<One>> = Vec::new();
    for _ in 0..2 {
        answers.push(
            add::add(scene.database.clone(), caller.clone(), args(what.clone())).await.unwrap().results,
        );
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(scene.all(json!({ "user_id": "ann" })).await.total, 1);
}

#[tokio::test]
async fn a_deleted_fact_is_history_until_that_is_purged() {
    let scene = Scene::new();
    let id = scene.put("Ann likes tea").await;
    let done = scene.delete(json!({ "memory_ids": [id, 99] })).await;
    assert_eq!((done.deleted[0].memory.as_str(), &done.absent[..]), ("Ann likes tea", &[99][..]));
    assert_eq!(scene.delete(json!({ "memory_id": id })).await.absent, [id]);
    assert_eq!((scene.found("tea").await.len(), scene.all(json!({ "user_id": "ann" })).await.total), (0, 0));
    let all = scene.all(json!({ "memory_id": id })).await;
    assert_eq!(all.results[0].ended.as_deref(), Some("deleted"));
    scene.put("Ann likes tea").await;
    assert_eq!(scene.delete(json!({ "memory_id": id, "purge": true })).await.deleted.len(), 1);
    assert_eq!(scene.all(json!({ "memory_id": id })).await.total, 0);
}

#[tokio::test]
async fn facts_come_in_pages() {
    let scene = Scene::new();
    let texts: Vec<String> = (0..25).map(|number| format!("fact {number}")).collect();
    scene.add(json!({ "texts": texts, "user_id": "ann" })).await.unwrap();
    let page = scene.all(json!({ "user_id": "ann", "limit": 10, "offset": 10 })).await;
    assert_eq!((page.total, page.results[0].memory.as_str(), page.next), (25, "fact 10", Some(20)));
    assert_eq!(scene.all(json!({ "user_id": "ann", "limit": 10, "offset": 20 })).await.next, None);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_what_to_do() {
    let scene = Scene::new();
    for (wrong, reason) in [
        (json!({ "text": "x" }), "invalid_arguments"),
        (json!({ "text": "x", "user_id": "" }), "invalid_arguments"),
        (json!({ "user_id": "ann" }), "invalid_arguments"),
        (json!({ "text": "?!", "user_id": "ann" }), "invalid_arguments"),
        (json!({ "texts": ["x", "y"], "user_id": "ann", "supersedes": 1 }), "invalid_arguments"),
        (json!({ "text": "x ".repeat(10_000), "user_id": "ann" }), "value_too_large"),
    ] {
        assert_eq!(scene.add(wrong.clone()).await.unwrap_err().reason(), reason, "{wrong}");
    }
    let nobody = get_all::get_all(scene.database.clone(), scene.caller(), args(json!({}))).await;
    assert_eq!(nobody.unwrap_err().reason(), "invalid_arguments");
}

#[tokio::test]
async fn without_a_directory_the_setting_is_named() {
    let mut scene = Scene::new();
    scene.database = database(None);
    let failure = scene.add(json!({ "text": "x", "user_id": "ann" })).await.unwrap_err();
    assert_eq!(failure.reason(), "not_configured");
}
