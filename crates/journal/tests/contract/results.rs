//! What calls of steps returned.

use std::sync::Arc;
use std::time::Duration;

use op_engine::ports::{KeptResult, Results};
use op_run::{Evidence, Kept, RunId};
use serde_json::{Value, json};

use super::millis;

contracts![
    a_result_is_found_as_it_was_put,
    a_result_stands_until_its_time_is_over,
    the_last_result_of_a_call_takes_the_place_of_the_one_before,
];

type Shared = Arc<dyn Results>;

fn result(key: &str, at: u64, value: Value) -> KeptResult {
    let evidence = Evidence {
        peer: "w@unix:/w".to_owned(),
        duration: Duration::from_millis(7),
        exit_code: Some(0),
        bytes: 12,
        kept: Some(Box::new(Kept { run: RunId::new("first"), at: millis(1) })),
    };
    let (key, run) = (key.to_owned(), RunId::new("run"));
    KeptResult { key, run, at: millis(at), until: millis(at + 100), evidence, value }
}

async fn a_result_is_found_as_it_was_put(results: Shared) {
    let deep = result("a", 10, json!({ "deep": [1, 2.5, null, "\u{0}\n"], "large": "x".repeat(100_000) }));
    results.put(deep.clone());
    results.put(result("b", 11, Value::Null));
    assert_eq!(results.get("a", millis(12)).await.unwrap(), Some(deep));
    assert_eq!(results.get("b", millis(12)).await.unwrap(), Some(result("b", 11, Value::Null)));
    assert_eq!(results.get("c", millis(12)).await.unwrap(), None);
}

async fn a_result_stands_until_its_time_is_over(results: Shared) {
    results.put(result("a", 10, json!(1)));
    assert!(results.get("a", millis(109)).await.unwrap().is_some());
    assert_eq!(results.get("a", millis(110)).await.unwrap(), None);
}

async fn the_last_result_of_a_call_takes_the_place_of_the_one_before(results: Shared) {
    results.put(result("a", 10, json!(1)));
    results.put(result("a", 20, json!(2)));
    assert_eq!(results.get("a", millis(21)).await.unwrap(), Some(result("a", 20, json!(2))));
}

#[tokio::test]
async fn results_are_there_when_the_journal_is_opened_again_within_its_bound() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("journal.db");
    let open = |results| {
        let bound = op_journal::Options { results, ..op_journal::Options::default() };
        op_journal::SqliteJournal::open_with(&path, &bound).unwrap()
    };
    let journal = open(1000);
    for key in ["a", "b", "c"] {
        journal.put(result(key, 10, json!("x".repeat(300))));
    }
    drop(journal);
    let journal = open(1000);
    assert_eq!(journal.get("a", millis(20)).await.unwrap(), None, "the oldest had to go");
    for key in ["b", "c"] {
        assert_eq!(
            journal.get(key, millis(20)).await.unwrap(),
            Some(result(key, 10, json!("x".repeat(300))))
        );
    }
    drop(journal);
    assert_eq!(open(0).get("c", millis(20)).await.unwrap(), None, "there is no room any more");
}
