//! Entries that are over.

use super::*;

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
