//! Runs that are undone step by step, the last one first.

use super::*;

async fn undone(scene: &Scene, what: Value, output: Remembered) -> Unremembered {
    scene.unremember(what, output).await.unwrap()
}

#[tokio::test]
async fn a_run_that_wrote_a_key_twice_is_undone_to_nothing() {
    let scene = Scene::new();
    let (one, two) = (json!({ "key": "a", "value": "first" }), json!({ "key": "a", "value": "second" }));
    let first = scene.remember(one.clone()).await.unwrap();
    let second = scene.remember(two.clone()).await.unwrap();
    assert_eq!(undone(&scene, two, second).await.restored, ["a"]);
    assert_eq!(
        (scene.value("a").await, scene.found("first").await),
        (Some(json!("first")), vec!["a".into()])
    );
    assert_eq!(undone(&scene, one, first).await.removed, ["a"]);
    assert_eq!((scene.value("a").await, scene.found("first").await), (None, vec![]));
}

#[tokio::test]
async fn a_run_that_forgot_a_key_between_writing_it_is_undone_to_nothing() {
    let scene = Scene::new();
    let (one, two) = (json!({ "key": "a", "value": 1 }), json!({ "key": "a", "value": 2 }));
    let first = scene.remember(one.clone()).await.unwrap();
    let gone = scene.forget(json!({ "key": "a" })).await.unwrap();
    let second = scene.remember(two.clone()).await.unwrap();
    assert_eq!(undone(&scene, two, second).await.removed, ["a"]);
    assert_eq!(scene.restore(gone).await.restored.len(), 1);
    assert_eq!(scene.value("a").await, Some(json!(1)));
    assert_eq!(undone(&scene, one, first).await.removed, ["a"]);
    assert_eq!(scene.value("a").await, None);
}

#[tokio::test]
async fn what_was_forgotten_and_is_not_kept_any_more_is_told_and_not_taken_for_restored() {
    let scene = Scene::new();
    for key in ["a", "b"] {
        scene.put(key, 1).await;
    }
    let gone = scene.forget(json!({ "keys": ["a", "b"] })).await.unwrap();
    let again: Gone = args(serde_json::to_value(&gone).unwrap());
    scene.store.write(scene.now, |db| Ok(db.execute("DELETE FROM past WHERE key = 'a'", ())?)).await.unwrap();
    let undo = Undo { arguments: args(json!({})), output: gone };
    let failure = forget::restore(Arc::clone(&scene.store), scene.caller(), undo).await.unwrap_err();
    assert_eq!(failure.reason(), "too_late");
    assert!(failure.message().contains("`a`"), "{failure}");
    assert_eq!(scene.value("b").await, None, "all of it comes back, or nothing");
    scene.put("a", 2).await;
    let restored = scene.restore(again).await;
    assert_eq!((restored.restored[0].key.as_str(), restored.left[0].key.as_str()), ("b", "a"));
}
