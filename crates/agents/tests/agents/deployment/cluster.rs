use serde_json::{Value, json};

use super::{one, planned, rollback};
use crate::stand_ins::StandIns;

/// A cluster that keeps its objects as files. A manifest has a line for each: kind, name, value.
const KUBECTL: &str = r#"
mkdir -p "$place/cluster"; cd "$place/cluster"
for word in "$@"; do case "$word" in --filename=*) file="${word#--filename=}" ;; --dry-run=*) dry=yes ;; esac; done
field() { echo "$line" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
from_json() { while read -r line; do echo "$(field kind) $(field name) $(field v)"; done; }
told() {
    start='{"kind":"List","items":['
    while read -r kind name value; do
        printf '%s{"apiVersion":"v1","kind":"%s","metadata":{"name":"%s","namespace":"n","resourceVersion":"%s"},"data":{"v":"%s"}}' \
            "$start" "$kind" "$name" $$ "$value"
        start=,
    done
    [ "$start" = , ] && echo ']}'
}
there() { while read -r kind name _; do [ -f "$name" ] && echo "$kind $name $(cut -d' ' -f2 "$name")"; done; }
lines() { if [ "$file" = - ]; then from_json; else cat "$file"; fi; }
case "$1$dry" in
get) lines | there | told ;;
applyyes) lines | told ;;
apply) lines | while read -r kind name value; do echo "$kind $value" > "$name"; echo "$kind/$name"; done ;;
delete) lines | while read -r kind name _; do [ -f "$name" ] && rm "$name" && echo "$kind/$name"; done ;;
esac
exit 0
"#;

async fn cluster(objects: &[(&str, &str)], manifest: &str) -> StandIns {
    let agent = StandIns::of("deployment", &[("kubectl", KUBECTL)], &[]).await;
    for (name, object) in objects {
        agent.put(&format!("cluster/{name}"), object);
    }
    agent.put("root/app.yaml", manifest);
    agent
}

fn step() -> Value {
    one(json!({ "kind": "kubernetes", "manifest": "app.yaml", "namespace": "n" }))
}

#[tokio::test]
async fn a_manifest_is_planned_by_the_cluster_applied_and_taken_back_once() {
    let before = [("a", "ConfigMap 1"), ("b", "ConfigMap 1")];
    let agent = cluster(&before, "ConfigMap a 1\nConfigMap b 2\nConfigMap c 3\n").await;
    let arguments = planned(&agent, &step(), false).await;
    let applied = agent.ask("apply", arguments).await.value();
    assert_eq!(
        applied["steps"][0]["changes"],
        json!(["ConfigMap n/b would be changed", "ConfigMap n/c would be created"])
    );
    assert_eq!(agent.read("cluster/c"), "ConfigMap 3\n");
    // What brings it back is what was kept, whatever the manifest is by then.
    agent.put("root/app.yaml", "");
    let back = rollback(&agent, "shop").await;
    assert_eq!(back["steps"][0]["done"], json!(["ConfigMap/b is as it was", "ConfigMap/c was deleted"]));
    let state = ["a", "b", "c"].map(|name| agent.read(&format!("cluster/{name}")).trim().to_owned());
    assert_eq!(state, ["ConfigMap 1", "ConfigMap 1", ""]);
    agent.calls();
    assert_eq!(rollback(&agent, "shop").await["changed"], false);
    assert!(agent.calls().is_empty());
}

#[tokio::test]
async fn drift_of_an_object_is_told_and_applying_it_again_mends_it() {
    let agent = cluster(&[], "ConfigMap a 1\n").await;
    super::deploy(&agent, &step()).await;
    agent.put("cluster/a", "ConfigMap 7\n");
    let status = agent.ask("status", json!({ "deployment": "shop" })).await.value();
    assert_eq!(status["steps"][0]["is"], "drifted");
    assert_eq!(status["steps"][0]["changes"], json!(["ConfigMap n/a would be changed"]));
    super::deploy(&agent, &step()).await;
    let status = agent.ask("status", json!({ "deployment": "shop" })).await.value();
    assert_eq!(status["drifted"], 0);
}

#[tokio::test]
async fn a_secret_is_never_kept_and_changed_only_by_somebody_who_says_that_it_may_be_lost() {
    let agent = cluster(&[("s", "Secret hunter2")], "Secret s hunter3\n").await;
    let answer = agent.ask("apply", planned(&agent, &step(), false).await).await;
    assert_eq!(answer.rejected(), "irreversible");
    assert_eq!(agent.read("cluster/s"), "Secret hunter2");
    agent.ask("apply", planned(&agent, &step(), true).await).await.value();
    assert!(!agent.read("state/deployments/shop/1.json").contains("hunter"));
    let back = rollback(&agent, "shop").await;
    assert_eq!((&back["complete"], &back["changed"]), (&json!(false), &json!(false)));
    assert!(back["steps"][0]["left"][0].as_str().unwrap().contains("Secret n/s"), "{back}");
}
