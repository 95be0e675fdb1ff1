use serde_json::{Value, json};

use super::{deploy, one, planned, rollback};
use crate::stand_ins::StandIns;

/// An Ansible for one host, on which a playbook puts its own text.
const ANSIBLE: &str = r#"
for word in "$@"; do case "$word" in --check) check=yes ;; -*) ;; *) playbook="$word" ;; esac; done
echo "$ANSIBLE_HOME" > "$place/home"
[ -f "$place/away" ] && { echo "web : ok=0 changed=0 unreachable=1 failed=0"; exit 4; }
changed=1; cmp -s "$playbook" "$place/host" && changed=0
echo "- old"
echo "+ new"
[ "$check" ] || cp "$playbook" "$place/host"
echo "PLAY RECAP *****"
echo "web                        : ok=2    changed=$changed    unreachable=0    failed=0    skipped=0"
"#;

async fn ansible() -> StandIns {
    let agent = StandIns::of("deployment", &[("ansible-playbook", ANSIBLE)], &[]).await;
    agent.put("root/site.yml", "new\n");
    agent.put("root/back.yml", "old\n");
    agent.put("root/hosts", "web\n");
    agent.put("host", "old\n");
    agent
}

fn step(rollback: Option<&str>) -> Value {
    one(json!({ "kind": "ansible", "playbook": "site.yml", "inventory": "hosts", "rollback": rollback }))
}

#[tokio::test]
async fn a_playbook_is_checked_and_changes_nothing() {
    let agent = ansible().await;
    let arguments =
        json!({ "playbook": "site.yml", "limit": "web", "tags": ["a", "b"], "variables": { "v": "1" } });
    let answer = agent.ask("ansible_check", arguments).await;
    let value = answer.value();
    assert_eq!((&value["changes"], &value["hosts"]["web"]["ok"]), (&json!(1), &json!(2)));
    assert!(answer.text().contains("- old\n+ new\n"), "{}", answer.text());
    assert_eq!(agent.read("host"), "old\n");
    let call = agent.calls().remove(0);
    assert!(call.contains("--check --diff --limit=web --tags=a,b --extra-vars={\"v\":\"1\"}"), "{call}");
    assert!(agent.read("home").ends_with("state/ansible\n"), "it may keep its files");
}

#[tokio::test]
async fn a_playbook_is_played_and_taken_back_by_its_counterpart() {
    let agent = ansible().await;
    deploy(&agent, &step(Some("back.yml"))).await;
    assert_eq!(agent.read("host"), "new\n");
    let status = agent.ask("status", json!({ "deployment": "shop" })).await.value();
    assert_eq!(status["drifted"], 0);
    assert_eq!(rollback(&agent, "shop").await["steps"][0]["done"], json!(["1 tasks changed web"]));
    assert_eq!(agent.read("host"), "old\n");
}

#[tokio::test]
async fn a_playbook_without_a_counterpart_is_played_only_for_somebody_who_says_so() {
    let agent = ansible().await;
    let answer = agent.ask("apply", planned(&agent, &step(None), false).await).await;
    assert_eq!(answer.rejected(), "irreversible");
    agent.ask("apply", planned(&agent, &step(None), true).await).await.value();
    assert_eq!(rollback(&agent, "shop").await["complete"], false);
}

#[tokio::test]
async fn a_playbook_that_changed_since_it_was_planned_is_not_played() {
    let agent = ansible().await;
    let arguments = planned(&agent, &step(Some("back.yml")), false).await;
    agent.put("root/site.yml", "newer\n");
    assert_eq!(agent.ask("apply", arguments).await.rejected(), "plan_stale");
    assert_eq!(agent.read("host"), "old\n");
}

#[tokio::test]
async fn hosts_that_are_away_are_named_and_tasks_that_ignore_check_mode_are_refused() {
    let agent = ansible().await;
    agent.put("away", "");
    let answer = agent.ask("ansible_check", json!({ "playbook": "site.yml" })).await;
    assert_eq!(answer.failed().0, "exit_status");
    assert!(answer.hint().contains("not reached: web"), "{}", answer.hint());
    agent.put("root/site.yml", "- hosts: web\n  tasks:\n  - command: x\n    check_mode: false\n");
    let answer = agent.ask("plan", json!({ "inline": step(None) })).await;
    assert_eq!(answer.rejected(), "not_checkable");
}
