//! The operations on a store in a directory, with the clock in the hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use op_agent::Failure;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::forget::{Gone, Restored};
use super::list::Listed;
use super::recall::{Answer, Recalled};
use super::remember::{Change, Remembered, Unremembered};
use super::search::Found;
use super::store::{Limits, Store};
use super::*;
use crate::origin::Caller;
use crate::undo::Undo;

/// Words enough to be held against others.
const SENTENCE: &str = "the site goes out on fridays when its tests have passed";

struct Scene {
    store: Arc<Store>,
    home: TempDir,
    calls: AtomicU64,
    now: i64,
    session: &'static str,
}

fn args<A: DeserializeOwned>(args: Value) -> A {
    serde_json::from_value(args).unwrap()
}

impl Scene {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::new(Some(home.path())));
        Self { store, home, calls: AtomicU64::new(1), now: 1_000_000, session: "" }
    }

    fn caller(&self) -> Caller {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        Caller { key: format!("run-1/step/1/{call}"), session: self.session.to_owned(), now: self.now }
    }

    async fn remember(&self, what: Value) -> Result<Remembered, Failure> {
        remember::remember(Arc::clone(&self.store), self.caller(), args(what)).await
    }

    async fn put(&self, key: &str, value: impl Into<Value>) {
        self.remember(json!({ "key": key, "value": value.into() })).await.unwrap();
    }

    async fn unremember(&self, what: Value, output: Remembered) -> Result<Unremembered, Failure> {
        let undo = Undo { arguments: args(what), output };
        remember::unremember(Arc::clone(&self.store), self.caller(), undo).await
    }

    async fn recall(&self, what: Value) -> Recalled {
        recall::recall(Arc::clone(&self.store), self.caller(), args(what)).await.unwrap()
    }

    async fn value(&self, key: &str) -> Option<Value> {
        let recalled = self.recall(json!({ "key": key })).await;
        recalled.found.then_some(recalled.value)
    }

    async fn forget(&self, what: Value) -> Result<Gone, Failure> {
        forget::forget(Arc::clone(&self.store), self.caller(), args(what)).await
    }

    async fn restore(&self, output: Gone) -> Restored {
        let undo = Undo { arguments: args(json!({})), output };
        forget::restore(Arc::clone(&self.store), self.caller(), undo).await.unwrap()
    }

    async fn search(&self, what: Value) -> Result<Found, Failure> {
        search::search(Arc::clone(&self.store), self.caller(), args(what)).await
    }

    async fn found(&self, query: &str) -> Vec<String> {
        let found = self.search(json!({ "query": query })).await.unwrap();
        found.matches.into_iter().map(|found| found.entry.key).collect()
    }

    async fn list(&self, what: Value) -> Listed {
        list::list(Arc::clone(&self.store), self.caller(), args(what)).await.unwrap()
    }

    async fn keys(&self, what: Value) -> Vec<String> {
        self.list(what).await.entries.into_iter().map(|entry| entry.key).collect()
    }
}

fn names(forgotten: &Gone) -> Vec<&str> {
    forgotten.forgotten.iter().map(|name| name.key.as_str()).collect()
}

#[tokio::test]
async fn what_was_remembered_is_recalled_after_the_next_start_with_where_it_comes_from() {
    let mut scene = Scene::new();
    scene.session = "s1";
    scene
        .remember(json!({ "key": "deploy", "value": { "at": "noon" }, "tags": ["ops", "b", "ops"] }))
        .await
        .unwrap();
    scene.recall(json!({ "key": "deploy" })).await;
    scene.store = Arc::new(Store::new(None));
    scene.store = Arc::new(Store::new(Some(scene.home.path())));
    let recalled = scene.recall(json!({ "key": "deploy" })).await;
    assert_eq!((recalled.found, &recalled.value), (true, &json!({ "at": "noon" })));
    let [Answer::Found(entry)] = &recalled.answers[..] else { panic!("{recalled:?}") };
    assert_eq!(entry.tags, ["b", "ops"]);
    assert_eq!((entry.access_count, entry.created.as_str()), (2, "1970-01-01T00:16:40Z"));
    let by = &entry.written_by;
    assert_eq!((by.run.as_str(), by.step.as_str(), by.session.as_str()), ("run-1", "step", "s1"));
}

#[tokio::test]
async fn a_key_that_is_not_there_is_absent_and_near_keys_are_never_its_answer() {
    let scene = Scene::new();
    scene.put("deploy/prod", 1).await;
    scene.put("weather", 2).await;
    let recalled = scene.recall(json!({ "key": "deploy/prdo" })).await;
    assert_eq!((recalled.found, &recalled.value), (false, &Value::Null));
    let [Answer::Absent { key, near }] = &recalled.answers[..] else { panic!("{recalled:?}") };
    assert_eq!((key.as_str(), near.as_slice()), ("deploy/prdo", &["deploy/prod".to_owned()][..]));
    assert_eq!(scene.value("Weather").await, None);
}

#[tokio::test]
async fn several_keys_are_answered_in_their_order() {
    let scene = Scene::new();
    let entries = json!([{ "key": "a", "value": 1 }, { "key": "b", "value": null }]);
    scene.remember(json!({ "entries": entries })).await.unwrap();
    let recalled = scene.recall(json!({ "keys": ["b", "nobody", "a"] })).await;
    assert!(!recalled.found && recalled.value.is_null());
    let keys: Vec<(bool, &str)> = recalled
        .answers
        .iter()
        .map(|answer| match answer {
            Answer::Found(entry) => (true, entry.key.as_str()),
            Answer::Absent { key, .. } => (false, key.as_str()),
        })
        .collect();
    assert_eq!(keys, [(true, "b"), (false, "nobody"), (true, "a")]);
}

#[tokio::test]
async fn what_is_over_is_never_answered_and_swept() {
    let mut scene = Scene::new();
    scene.remember(json!({ "key": "short", "value": "lived", "tags": ["t"], "ttl_secs": 5 })).await.unwrap();
    scene.put("long", "lived").await;
    scene.now += 4_999;
    assert_eq!(scene.value("short").await, Some(json!("lived")));
    scene.now += 1;
    assert_eq!(scene.value("short").await, None);
    assert_eq!(scene.found("lived").await, ["long"]);
    assert_eq!(scene.keys(json!({})).await, ["long"]);
    assert_eq!(scene.keys(json!({ "tag": "t" })).await, [""; 0]);
    let left = scene
        .store
        .read(|db| Ok(db.query_row("SELECT count(*) FROM entries", (), |row| row.get::<_, i64>(0))?));
    assert_eq!(left.await, Ok(1));
}

#[tokio::test]
async fn many_that_are_over_at_once_hide_nothing() {
    let mut scene = Scene::new();
    scene.put("old", "common").await;
    let entries: Vec<Value> = (0..1000)
        .map(|number| json!({ "key": format!("e{number}"), "value": "common", "ttl_secs": 1 }))
        .collect();
    scene.remember(json!({ "entries": entries })).await.unwrap();
    scene.now += 1_000;
    let listed = scene.list(json!({ "glob": "*" })).await;
    assert_eq!((listed.total, listed.entries.len()), (1, 1));
    assert_eq!(scene.forget(json!({ "glob": "*" })).await.unwrap().forgotten.len(), 1);
}

#[tokio::test]
async fn a_session_sees_its_own_entries_first_and_nobody_elses() {
    let mut scene = Scene::new();
    scene.put("port", "shared number").await;
    scene.session = "one";
    scene.remember(json!({ "key": "port", "value": "own number", "scope": "session" })).await.unwrap();
    assert_eq!(scene.value("port").await, Some(json!("own number")));
    assert_eq!(scene.recall(json!({ "key": "port", "scope": "shared" })).await.value, json!("shared number"));
    assert_eq!(scene.found("number").await.len(), 2);
    assert_eq!(scene.list(json!({})).await.total, 2);
    scene.session = "two";
    assert_eq!(scene.value("port").await, Some(json!("shared number")));
    assert_eq!(scene.found("own").await, [""; 0]);
    assert_eq!(scene.list(json!({ "scope": "session" })).await.total, 0);
    assert_eq!(scene.forget(json!({ "key": "port", "scope": "session" })).await.unwrap().absent, ["port"]);
    scene.session = "";
    let failure = scene.remember(json!({ "key": "x", "value": 1, "scope": "session" })).await.unwrap_err();
    assert_eq!(failure.reason(), "invalid_arguments");
}

#[tokio::test]
async fn the_entries_of_a_session_go_with_it_and_at_the_latest_after_a_week() {
    let mut scene = Scene::new();
    scene.session = "one";
    for key in ["a", "b"] {
        scene.remember(json!({ "key": key, "value": 1, "scope": "session" })).await.unwrap();
    }
    let forgotten = scene.forget(json!({ "key": "b" })).await.unwrap();
    scene.put("shared", 1).await;
    let store = Arc::clone(&scene.store);
    let ended = tokio::task::spawn_blocking(move || store.end_session("one")).await.unwrap();
    assert_eq!(ended, Ok(1));
    assert_eq!(scene.keys(json!({})).await, ["shared"]);
    assert_eq!(scene.restore(forgotten).await.restored, []);
    scene.remember(json!({ "key": "a", "value": 1, "scope": "session" })).await.unwrap();
    scene.now += 7 * 24 * 60 * 60 * 1000;
    assert_eq!(scene.keys(json!({})).await, ["shared"]);
}

#[tokio::test]
async fn an_entry_is_replaced_unless_the_call_says_not_to() {
    let scene = Scene::new();
    scene.put("k", 1).await;
    let kept = json!({ "key": "k", "value": 2, "overwrite": false });
    assert_eq!(scene.remember(kept).await.unwrap_err().reason(), "exists");
    let same = scene.remember(json!({ "key": "k", "value": 1, "overwrite": false })).await.unwrap();
    assert_eq!(same.entries[0].outcome, Change::Unchanged);
    let replaced = scene.remember(json!({ "key": "k", "value": 2 })).await.unwrap();
    assert_eq!(replaced.entries[0].outcome, Change::Replaced);
    assert_eq!(scene.value("k").await, Some(json!(2)));
    assert_eq!(scene.found("1").await, [""; 0]);
}

#[tokio::test]
async fn what_another_entry_says_already_is_refused_and_named_unless_told_otherwise() {
    let scene = Scene::new();
    scene.put("policy", SENTENCE).await;
    scene.put("policy", format!("{SENTENCE} twice")).await;
    let again = json!({ "key": "rule", "value": SENTENCE.to_uppercase() });
    let failure = scene.remember(again.clone()).await.unwrap_err();
    assert_eq!(failure.reason(), "similar");
    assert!(failure.message().contains("`policy`"), "{failure}");
    assert_eq!(scene.value("rule").await, None);
    let mut allowed = again;
    allowed["allow_similar"] = json!(true);
    scene.remember(allowed).await.unwrap();
    scene.put("short", true).await;
    scene.put("short too", true).await;
}

#[tokio::test]
async fn a_session_is_not_told_of_what_another_one_says() {
    let mut scene = Scene::new();
    scene.session = "one";
    scene.remember(json!({ "key": "secret", "value": SENTENCE, "scope": "session" })).await.unwrap();
    scene.session = "two";
    scene.remember(json!({ "key": "own", "value": SENTENCE, "scope": "session" })).await.unwrap();
    scene.put("everybody's", SENTENCE).await;
}

#[tokio::test]
async fn of_several_entries_all_are_remembered_or_none() {
    let scene = Scene::new();
    scene.put("b", 1).await;
    let entries = json!([{ "key": "a", "value": 1 }, { "key": "b", "value": 2 }]);
    let failure = scene.remember(json!({ "entries": entries, "overwrite": false })).await.unwrap_err();
    assert!(failure.message().contains("`b`"), "{failure}");
    assert_eq!(scene.keys(json!({})).await, ["b"]);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_what_to_do() {
    let scene = Scene::new();
    let twice = json!([{ "key": "a", "value": 1 }, { "key": "a", "value": 2 }]);
    for wrong in [
        json!({}),
        json!({ "key": "" , "value": 1 }),
        json!({ "key": "a\nb", "value": 1 }),
        json!({ "key": "k".repeat(513), "value": 1 }),
        json!({ "key": "a", "value": 1, "tags": ["t".repeat(65)] }),
        json!({ "key": "a", "value": 1, "tags": (0..33).map(|tag| tag.to_string()).collect::<Vec<_>>() }),
        json!({ "key": "a", "entries": [{ "key": "b", "value": 1 }] }),
        json!({ "entries": [{ "key": "b", "value": 1 }], "tags": ["lost"] }),
        json!({ "entries": twice }),
    ] {
        let failure = scene.remember(wrong.clone()).await.unwrap_err();
        assert_eq!(failure.reason(), "invalid_arguments", "{wrong}");
    }
    let large = json!({ "key": "a", "value": "x".repeat(1 << 20) });
    assert_eq!(scene.remember(large).await.unwrap_err().reason(), "value_too_large");
    for wrong in [json!({}), json!({ "key": "a", "glob": "*" }), json!({ "glob": "*", "limit": 0 })] {
        assert_eq!(scene.forget(wrong).await.unwrap_err().reason(), "invalid_arguments");
    }
    for wrong in [json!({ "query": "a", "limit": 0 }), json!({ "query": "a", "min_score": 1.5 })] {
        assert_eq!(scene.search(wrong).await.unwrap_err().reason(), "invalid_arguments");
    }
    assert_eq!(scene.search(json!({ "query": "-" })).await.unwrap_err().reason(), "no_words");
}

#[tokio::test]
async fn a_store_that_is_full_says_what_to_do_and_takes_what_makes_no_more_of_it() {
    let mut scene = Scene::new();
    let mut small = Store::new(Some(scene.home.path()));
    small.limits = Limits { entries: 2, bytes: 60 };
    scene.store = Arc::new(small);
    scene.put("a", 1).await;
    scene.put("b", 1).await;
    let failure = scene.remember(json!({ "key": "c", "value": 1 })).await.unwrap_err();
    assert_eq!(failure.reason(), "memory_full");
    assert!(format!("{failure:?}").contains("ttl_secs"), "{failure:?}");
    scene.put("a", 2).await;
    assert_eq!(
        scene.remember(json!({ "key": "a", "value": "x".repeat(60) })).await.unwrap_err().reason(),
        "memory_full"
    );
    scene.forget(json!({ "key": "a" })).await.unwrap();
    scene.put("c", 1).await;
}

#[tokio::test]
async fn what_was_forgotten_is_named_and_comes_back_whole() {
    let mut scene = Scene::new();
    scene.remember(json!({ "key": "log/1", "value": "first words", "tags": ["log"] })).await.unwrap();
    scene.put("log/2", "second words").await;
    scene.put("other", "words").await;
    let forgotten = scene.forget(json!({ "glob": "log/*" })).await.unwrap();
    assert_eq!((names(&forgotten), forgotten.more), (vec!["log/1", "log/2"], false));
    assert_eq!(scene.found("words").await, ["other"]);
    scene.now += 60_000;
    let restored = scene.restore(forgotten).await;
    assert_eq!((restored.restored.len(), restored.left.len()), (2, 0));
    assert_eq!(scene.keys(json!({ "tag": "log" })).await, ["log/1"]);
    assert_eq!(scene.found("first words").await, ["log/1"]);
    let entry = scene.list(json!({ "tag": "log" })).await.entries.remove(0);
    assert_eq!(entry.changed, "1970-01-01T00:16:40Z");
}

#[tokio::test]
async fn forgetting_goes_by_key_by_tag_and_no_further_than_its_limit() {
    let scene = Scene::new();
    for key in ["a", "b", "c"] {
        scene.remember(json!({ "key": key, "value": 1, "tags": ["t"] })).await.unwrap();
    }
    let two = scene.forget(json!({ "tag": "t", "limit": 2 })).await.unwrap();
    assert_eq!((names(&two), two.more), (vec!["a", "b"], true));
    let rest = scene.forget(json!({ "keys": ["a", "c"] })).await.unwrap();
    assert_eq!((names(&rest), &rest.absent[..]), (vec!["c"], &["a".to_owned()][..]));
}

#[tokio::test]
async fn an_undo_takes_back_nothing_that_somebody_did_since() {
    let scene = Scene::new();
    scene.put("k", "old").await;
    let forgotten = scene.forget(json!({ "key": "k" })).await.unwrap();
    scene.put("k", "new").await;
    assert_eq!(scene.restore(forgotten).await.left.len(), 1);
    assert_eq!(scene.value("k").await, Some(json!("new")));
    let what = json!({ "key": "k", "value": "mine" });
    let mine = scene.remember(what.clone()).await.unwrap();
    scene.put("k", "theirs").await;
    assert_eq!(scene.unremember(what, mine).await.unwrap().left, ["k"]);
    assert_eq!(scene.value("k").await, Some(json!("theirs")));
}

#[tokio::test]
async fn what_was_replaced_is_back_after_an_undo_and_what_was_new_is_gone_also_when_undone_twice() {
    let scene = Scene::new();
    scene.put("old", "before").await;
    let what = json!({ "entries": [{ "key": "old", "value": "after" }, { "key": "new", "value": 1 }] });
    let done = scene.remember(what.clone()).await.unwrap();
    let again: Remembered = args(serde_json::to_value(&done).unwrap());
    let undone = scene.unremember(what.clone(), done).await.unwrap();
    assert_eq!(
        (&undone.restored[..], &undone.removed[..]),
        (&["old".to_owned()][..], &["new".to_owned()][..])
    );
    assert_eq!(scene.unremember(what, again).await.unwrap().left, ["old", "new"]);
    assert_eq!((scene.value("old").await, scene.value("new").await), (Some(json!("before")), None));
}

#[tokio::test]
async fn a_call_that_is_repeated_answers_what_it_answered_before() {
    let scene = Scene::new();
    scene.put("a", 1).await;
    let caller = scene.caller();
    let what = json!({ "entries": [{ "key": "a", "value": 2 }, { "key": "b", "value": 2 }] });
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        let done =
            remember::remember(Arc::clone(&scene.store), caller.clone(), args(what.clone())).await.unwrap();
        outcomes.push(done.entries);
    }
    assert_eq!(outcomes[0], outcomes[1]);
    let caller = scene.caller();
    for _ in 0..2 {
        let asked = args(json!({ "keys": ["a", "nobody"] }));
        let done = forget::forget(Arc::clone(&scene.store), caller.clone(), asked).await.unwrap();
        assert_eq!((names(&done), &done.absent[..]), (vec!["a"], &["nobody".to_owned()][..]));
    }
}

#[tokio::test]
async fn a_search_tells_exact_matches_and_near_ones_apart_with_scores() {
    let scene = Scene::new();
    scene
        .remember(json!({ "key": "deploy", "value": "how the site goes out", "tags": ["ops"] }))
        .await
        .unwrap();
    scene.put("note", "a deploy failed").await;
    let found = scene.search(json!({ "query": "deploy site" })).await.unwrap();
    assert_eq!((found.matches.len(), found.matches[0].entry.key.as_str()), (1, "deploy"));
    assert_eq!((found.near.len(), found.near[0].entry.key.as_str()), (1, "note"));
    assert!(found.complete && found.matches[0].score > found.near[0].score);
    assert_eq!(scene.found("ops").await, ["deploy"]);
    let best = scene.search(json!({ "query": "deploy", "limit": 1 })).await.unwrap();
    assert_eq!(best.matches[0].entry.value, json!("how the site goes out"));
    let none = scene.search(json!({ "query": "deploy site", "min_score": 0.99 })).await.unwrap();
    assert_eq!(none.matches.len() + none.near.len(), 0);
}

#[tokio::test]
async fn a_long_value_is_left_out_of_what_a_search_answers_and_said_so() {
    let scene = Scene::new();
    scene.put("long", format!("word {}", "x".repeat(20_000))).await;
    let found = scene.search(json!({ "query": "word" })).await.unwrap();
    assert!(found.matches[0].entry.left_out && found.matches[0].entry.value.is_null());
    assert!(found.matches[0].entry.bytes > 20_000);
}

#[tokio::test]
async fn a_list_is_sorted_paged_and_counted() {
    let mut scene = Scene::new();
    let entries: Vec<Value> =
        (0..25).map(|number| json!({ "key": format!("k{number:02}"), "value": number })).collect();
    scene.remember(json!({ "entries": entries })).await.unwrap();
    scene.session = "one";
    scene.remember(json!({ "key": "own", "value": 1, "scope": "session" })).await.unwrap();
    let page = scene.list(json!({ "limit": 10 })).await;
    assert_eq!((page.total, page.next, page.entries[0].key.as_str()), (26, Some(10), "own"));
    let last = scene.list(json!({ "limit": 10, "offset": 20 })).await;
    assert_eq!((last.entries.len(), last.next), (6, None));
    assert_eq!(last.entries[5].key, "k24");
    assert_eq!(scene.keys(json!({ "glob": "k0[12]" })).await, ["k01", "k02"]);
    assert!(last.entries.iter().all(|entry| entry.left_out && entry.bytes > 4));
}

#[tokio::test]
async fn without_a_directory_every_operation_says_what_is_missing() {
    let mut scene = Scene::new();
    scene.store = Arc::new(Store::new(None));
    assert_eq!(
        scene.remember(json!({ "key": "a", "value": 1 })).await.unwrap_err().reason(),
        "not_configured"
    );
    assert_eq!(scene.search(json!({ "query": "a" })).await.unwrap_err().reason(), "not_configured");
    assert_eq!(scene.forget(json!({ "key": "a" })).await.unwrap_err().reason(), "not_configured");
}
