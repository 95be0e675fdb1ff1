use op_agents::Settings;
use serde_json::json;

use crate::support::serve_with;

#[tokio::test]
async fn a_fact_is_added_found_updated_told_and_deleted() {
    let home = tempfile::tempdir().unwrap();
    let settings = Settings { state: Some(home.path().to_owned()), ..Settings::default() };
    let agent = serve_with("mem0", settings).await;
    let fact = json!({ "text": "Ann lives in Rome", "user_id": "ann" });
    let added = agent.ask("add", fact.clone()).await.value();
    let id = &added["results"][0]["memory_id"];
    assert_eq!(agent.ask("add", fact).await.rejected(), "duplicate");
    let found = agent.ask("search", json!({ "query": "rome", "user_id": "ann" })).await.value();
    assert_eq!((&found["results"][0]["memory_id"], &found["results"][0]["user_id"]), (id, &json!("ann")));
    let change = json!({ "memory_id": id, "text": "Ann lives in Oslo" });
    assert_eq!(agent.ask("update", change).await.value()["changed"], true);
    let all = agent.ask("get_all", json!({ "user_id": "ann", "history": true })).await.value();
    assert_eq!(all["results"][0]["memory"], "Ann lives in Oslo");
    assert_eq!(all["results"][0]["history"][0]["memory"], "Ann lives in Rome");
    let deleted = agent.ask("delete", json!({ "memory_id": id })).await.value();
    assert_eq!(deleted["deleted"][0]["memory"], "Ann lives in Oslo");
    assert_eq!(agent.ask("get_all", json!({ "user_id": "ann" })).await.value()["total"], 0);
}
