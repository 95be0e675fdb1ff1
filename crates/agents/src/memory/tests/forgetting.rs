//! Forgetting, and getting it back.

use super::*;

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
