//! Entries of sessions.

use super::*;

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
    assert_eq!(failure.reason(), "no_session");
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
async fn a_session_is_not_told_of_what_another_one_says() {
    let mut scene = Scene::new();
    scene.session = "one";
    scene.remember(json!({ "key": "secret", "value": SENTENCE, "scope": "session" })).await.unwrap();
    scene.session = "two";
    scene.remember(json!({ "key": "own", "value": SENTENCE, "scope": "session" })).await.unwrap();
    scene.put("everybody's", SENTENCE).await;
}

#[tokio::test]
async fn a_session_that_is_over_is_forgotten_also_by_an_agent_that_was_started_since() {
    let mut scene = Scene::new();
    scene.session = "one";
    scene.remember(json!({ "key": "a", "value": 1, "scope": "session" })).await.unwrap();
    scene.store = Arc::new(Store::new(Some(scene.home.path())));
    assert_eq!(scene.store.end_session("one"), Ok(1));
    assert_eq!(scene.keys(json!({})).await, [""; 0]);
}
