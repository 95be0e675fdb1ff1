//! Undos and repeats.

use super::*;

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
