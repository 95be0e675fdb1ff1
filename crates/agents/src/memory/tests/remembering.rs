//! Remembering: what is taken, and what is refused.

use super::*;

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
