//! Recalling by key.

use super::*;

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
