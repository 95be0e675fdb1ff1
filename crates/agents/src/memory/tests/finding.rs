//! Searches and lists.

use super::*;

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
