//! Facts that said more before than one answer holds.

use super::*;

/// Bytes that an answer may have.
const ANSWER: usize = 4 << 20;

/// A text of 15 KiB, another one for each number.
fn long(number: usize) -> String {
    format!("fact {number} {}", "\"".repeat(15_000))
}

#[tokio::test]
async fn a_fact_that_was_changed_without_end_is_updated_and_told_page_by_page() {
    const TIMES: usize = 150;
    let scene = Scene::new();
    let id = scene.put(&long(0)).await;
    for number in 1..=TIMES {
        let updated = scene.update(json!({ "memory_id": id, "text": long(number) })).await.unwrap();
        assert_eq!(updated.fact.earlier, number);
        assert!(serde_json::to_vec(&updated).unwrap().len() < ANSWER / 4);
    }
    let owned = scene.all(json!({ "user_id": "ann", "history": true })).await;
    assert!(owned.results[0].history.len() < TIMES && serde_json::to_vec(&owned).unwrap().len() < ANSWER);
    let (mut said, mut offset) = (Vec::new(), Some(0));
    while let Some(from) = offset {
        let page =
            scene.all(json!({ "memory_id": id, "history": true, "limit": 1000, "offset": from })).await;
        assert!(serde_json::to_vec(&page).unwrap().len() < ANSWER);
        said.extend(page.results[0].history.iter().map(|past| past.memory.clone()));
        offset = page.next;
    }
    assert_eq!(said, (0..TIMES).map(long).collect::<Vec<_>>());
    let two = scene.all(json!({ "memory_id": id, "history": true, "limit": 2, "offset": 1 })).await;
    assert_eq!((two.results[0].history.len(), two.next), (2, Some(3)));
}

#[tokio::test]
async fn what_stands_behind_a_nul_counts_too() {
    let scene = Scene::new();
    let text = format!("fact\0{}", "x".repeat(1000));
    let id = scene.put(&text).await;
    let counted = || {
        let total =
            |db: &rusqlite::Connection| Ok(db.query_row("SELECT bytes FROM totals", (), |row| row.get(0))?);
        scene.database.read(total)
    };
    assert_eq!(counted().await, Ok(i64::try_from(text.len() + "{}".len()).unwrap()));
    scene.delete(json!({ "memory_id": id, "purge": true })).await;
    assert_eq!(counted().await, Ok(0));
}
