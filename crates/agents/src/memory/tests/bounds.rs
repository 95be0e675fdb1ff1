//! What is read holds together, and what is asked for is bounded.

use super::*;

#[tokio::test]
async fn a_list_is_whole_while_others_overwrite_what_it_lists() {
    let scene = Scene::new();
    let entries: Vec<Value> =
        (0..50).map(|number| json!({ "key": format!("k{number}"), "value": 0 })).collect();
    scene.remember(json!({ "entries": entries })).await.unwrap();
    let writing = async {
        for value in 0..40 {
            let entries: Vec<Value> =
                (0..50).map(|number| json!({ "key": format!("k{number}"), "value": value })).collect();
            scene.remember(json!({ "entries": entries })).await.unwrap();
        }
    };
    let reading = async {
        for _ in 0..200 {
            let listed = scene.list(json!({})).await;
            assert_eq!((listed.total, listed.entries.len()), (50, 50));
        }
    };
    tokio::join!(writing, reading);
}

#[tokio::test]
async fn values_that_no_answer_holds_are_refused() {
    let scene = Scene::new();
    let keys: Vec<String> = (0..5).map(|number| format!("k{number}")).collect();
    for key in &keys {
        scene.put(key, format!("{key} {}", "x".repeat(900_000))).await;
    }
    let asked = args(json!({ "keys": keys }));
    let failure = recall::recall(Arc::clone(&scene.store), scene.caller(), asked).await.unwrap_err();
    assert_eq!(failure.reason(), "value_too_large");
    assert!(scene.recall(json!({ "keys": keys[..3] })).await.found);
}

#[tokio::test]
async fn a_pattern_with_control_characters_is_refused_and_forgets_nothing() {
    let scene = Scene::new();
    scene.put("a", 1).await;
    for glob in ["a\0b", "*\0", "a\n", &"*".repeat(1025)] {
        let failure = scene.forget(json!({ "glob": glob })).await.unwrap_err();
        assert_eq!(failure.reason(), "invalid_arguments", "{glob:?}");
        let listed =
            list::list(Arc::clone(&scene.store), scene.caller(), args(json!({ "glob": glob }))).await;
        assert_eq!(listed.unwrap_err().reason(), "invalid_arguments", "{glob:?}");
    }
    assert_eq!(scene.value("a").await, Some(json!(1)));
}

#[tokio::test]
async fn long_values_that_only_begin_alike_are_both_remembered() {
    let scene = Scene::new();
    let long = |tail: &str| {
        let words = |of: &str| (0..900).map(|number| format!("{of}{number}")).collect::<Vec<_>>().join(" ");
        format!("{} {}", words("header"), words(tail))
    };
    scene.put("one", long("apple")).await;
    scene.put("two", long("pear")).await;
    let failure = scene.remember(json!({ "key": "three", "value": long("pear") })).await.unwrap_err();
    assert_eq!(failure.reason(), "similar");
}
