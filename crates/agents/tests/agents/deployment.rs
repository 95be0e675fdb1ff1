//! Deployments, with programs that stand in for engines, clusters and Ansible, and a scripted systemd.

mod ansible;
mod cluster;
mod compose;
mod containers;

use serde_json::{Value, json};

use crate::stand_ins::StandIns;
use crate::units::Scripted;

/// Plans a manifest and applies the plan.
async fn deploy(agent: &StandIns, manifest: &Value) -> Value {
    let arguments = planned(agent, manifest, false).await;
    agent.ask("apply", arguments).await.value()
}

/// The arguments that apply a manifest as it is planned now.
async fn planned(agent: &StandIns, manifest: &Value, irreversible: bool) -> Value {
    let plan = agent.ask("plan", json!({ "inline": manifest })).await.value();
    json!({ "inline": manifest, "digest": plan["digest"], "irreversible": irreversible })
}

async fn rollback(agent: &StandIns, deployment: &str) -> Value {
    agent.ask("rollback", json!({ "deployment": deployment })).await.value()
}

/// A manifest of one step.
fn one(step: Value) -> Value {
    let steps = Value::Array(vec![step]);
    json!({ "name": "shop", "steps": steps })
}

/// A deployment of one unit on a bus.
fn unit(systemd: &Scripted) -> Value {
    one(json!({ "kind": "unit", "unit": "app", "active": true, "enabled": true, "bus": systemd.bus.address }))
}

async fn deployment() -> StandIns {
    StandIns::of("deployment", &[], &[]).await
}

#[tokio::test]
async fn a_unit_is_planned_applied_watched_and_rolled_back_and_twice_is_fine() {
    let Some(systemd) = Scripted::start("inactive", "disabled").await else { return };
    let (agent, manifest) = (deployment().await, unit(&systemd));
    let plan = agent.ask("plan", json!({ "inline": manifest })).await.value();
    assert_eq!((&plan["changes"], &plan["reversible"]), (&json!(2), &json!(true)));
    assert_eq!(plan["steps"][0]["changes"], json!(["it would be started", "it would start with the system"]));
    assert!(systemd.calls().is_empty(), "a plan changes nothing");

    let applied = agent.ask("apply", json!({ "inline": manifest, "digest": plan["digest"] })).await.value();
    assert_eq!((&applied["revision"], &applied["changes"]), (&json!(1), &json!(2)));
    assert_eq!(systemd.calls(), ["EnableUnitFiles", "Reload", "StartUnit"]);
    let status = agent.ask("status", json!({ "deployment": "shop" })).await.value();
    assert_eq!((&status["state"], &status["drifted"]), (&json!("applied"), &json!(0)));

    systemd.set("ActiveState", "failed");
    let status = agent.ask("status", json!({ "deployment": "shop" })).await.value();
    assert_eq!((&status["steps"][0]["is"], &status["drifted"]), (&json!("drifted"), &json!(1)));
    systemd.set("ActiveState", "active");

    let back = rollback(&agent, "shop").await;
    assert_eq!((&back["changed"], &back["complete"]), (&json!(true), &json!(true)));
    assert_eq!(systemd.calls(), ["DisableUnitFiles", "Reload", "StopUnit"]);
    let again = rollback(&agent, "shop").await;
    assert_eq!((&again["changed"], &again["revision"]), (&json!(false), &json!(1)));
    assert!(systemd.calls().is_empty());
}

#[tokio::test]
async fn a_plan_that_no_longer_fits_what_is_there_is_refused_with_what_would_change_now() {
    let Some(systemd) = Scripted::start("inactive", "disabled").await else { return };
    let (agent, manifest) = (deployment().await, unit(&systemd));
    let arguments = planned(&agent, &manifest, false).await;
    systemd.set("ActiveState", "active");
    let answer = agent.ask("apply", arguments.clone()).await;
    assert_eq!(answer.rejected(), "plan_stale");
    assert!(systemd.calls().is_empty());
    systemd.set("ActiveState", "inactive");
    let mut other = arguments.clone();
    other["inline"]["steps"][0]["enabled"] = json!(false);
    assert_eq!(agent.ask("apply", other).await.rejected(), "plan_stale", "nor another manifest");
    agent.ask("apply", arguments).await.value();
}

#[tokio::test]
async fn what_is_so_already_is_a_result_and_rolling_it_back_leaves_it() {
    let Some(systemd) = Scripted::start("active", "enabled").await else { return };
    let (agent, manifest) = (deployment().await, unit(&systemd));
    let applied = deploy(&agent, &manifest).await;
    assert_eq!(applied["changes"], 0);
    let undo = json!({ "arguments": { "inline": manifest, "digest": "" }, "output": applied });
    let back = agent.ask("rollback", undo).await.value();
    assert_eq!((&back["changed"], &back["complete"]), (&json!(false), &json!(true)));
    assert!(systemd.calls().is_empty());
}

#[tokio::test]
async fn what_somebody_else_changed_since_is_left_alone() {
    let Some(systemd) = Scripted::start("active", "disabled").await else { return };
    let (agent, manifest) = (deployment().await, unit(&systemd));
    deploy(&agent, &manifest).await;
    // It ran before, and the deployment had nothing to do about that.
    systemd.set("ActiveState", "inactive");
    systemd.calls();
    rollback(&agent, "shop").await;
    assert_eq!(systemd.calls(), ["DisableUnitFiles", "Reload"]);
}

#[tokio::test]
async fn a_step_that_fails_takes_back_the_steps_before_it() {
    let Some(systemd) = Scripted::start("inactive", "disabled").await else { return };
    let agent = StandIns::of("deployment", &[("docker", containers::ENGINE)], &[]).await;
    agent.put("images/app:1", "sha256:one");
    agent.put("breaks", "");
    let mut manifest = unit(&systemd);
    let web = json!({ "kind": "container", "name": "web", "image": "app:1" });
    manifest["steps"].as_array_mut().unwrap().push(web);
    let answer = agent.ask("apply", planned(&agent, &manifest, false).await).await;
    let (reason, detail) = answer.failed();
    assert_eq!(
        (reason, &detail["taken_back"][1]["done"][1]),
        ("exit_status", &json!("app.service was stopped"))
    );
    assert!(answer.message().starts_with("step 2 (container web): "), "{}", answer.message());
    assert!(answer.hint().contains("rolled back"), "{}", answer.hint());
    assert_eq!(
        systemd.calls(),
        ["EnableUnitFiles", "Reload", "StartUnit", "DisableUnitFiles", "Reload", "StopUnit"]
    );
    let status = agent.ask("status", json!({ "deployment": "shop" })).await.value();
    assert_eq!((&status["state"], &status["steps"][0]["is"]), (&json!("rolled_back"), &json!("not_applied")));
}

#[tokio::test]
async fn only_the_newest_revision_that_stands_can_be_rolled_back() {
    let Some(systemd) = Scripted::start("inactive", "disabled").await else { return };
    let (agent, mut manifest) = (deployment().await, unit(&systemd));
    deploy(&agent, &manifest).await;
    manifest["steps"][0]["active"] = json!(false);
    deploy(&agent, &manifest).await;
    let first = json!({ "deployment": "shop", "revision": 1 });
    assert_eq!(agent.ask("rollback", first.clone()).await.rejected(), "superseded");
    assert_eq!(rollback(&agent, "shop").await["revision"], 2);
    assert_eq!(agent.ask("rollback", first).await.value()["changed"], true);
    for (arguments, reason) in [
        (json!({ "deployment": "shop", "revision": 9 }), "not_found"),
        (json!({ "deployment": "other" }), "not_found"),
        (json!({ "deployment": "../shop" }), "invalid_arguments"),
        (json!({}), "invalid_arguments"),
    ] {
        assert_eq!(agent.ask("rollback", arguments.clone()).await.rejected(), reason, "{arguments}");
    }
    assert_eq!(agent.ask("status", json!({ "deployment": "other" })).await.rejected(), "not_found");
}

#[tokio::test]
async fn a_revision_that_was_cut_off_blocks_the_next_until_it_is_rolled_back() {
    let agent = StandIns::of("deployment", &[("docker", containers::ENGINE)], &[]).await;
    agent.put("images/app:1", "sha256:one");
    agent.put("slow", "");
    let manifest = one(json!({ "kind": "container", "name": "web", "image": "app:1" }));
    let arguments = planned(&agent, &manifest, false).await;
    let mut events = agent.begin("apply", arguments.clone()).await;
    crate::support::piece(&mut events).await;
    let pid = crate::support::piece(&mut events).await.trim().parse().unwrap();
    drop(events);
    crate::support::ends(pid).await;
    agent.remove("slow");
    let held = async {
        // The call that was cut off lets go of the deployment when it has ended.
        loop {
            let answer = agent.ask("apply", arguments.clone()).await;
            if let op_proto::agent::v1::outcome::Kind::Rejected(rejected) = answer.outcome {
                return rejected.reason;
            }
        }
    };
    assert_eq!(tokio::time::timeout(crate::support::PATIENCE, held).await.unwrap(), "unfinished");
    assert_eq!(rollback(&agent, "shop").await["complete"], true);
    deploy(&agent, &manifest).await;
}

#[tokio::test]
async fn manifests_are_read_from_files_below_the_roots_and_what_is_wrong_in_them_is_said() {
    let agent = deployment().await;
    agent.put("root/bad.toml", "name = \"a\"\nsteps = [{ kind = \"unit\", unit = \"a\", actve = true }]\n");
    agent.put("root/bad.json", "{");
    for (arguments, reason) in [
        (json!({ "manifest": "bad.toml" }), "invalid_manifest"),
        (json!({ "manifest": "bad.json" }), "invalid_manifest"),
        (json!({ "manifest": "../calls" }), "outside_roots"),
        (json!({}), "invalid_arguments"),
    ] {
        assert_eq!(agent.ask("plan", arguments.clone()).await.rejected(), reason, "{arguments}");
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named_whatever_the_step_needs() {
    let agent = deployment().await;
    agent.put("root/file.yaml", "");
    for (step, program) in [
        (json!({ "kind": "container", "name": "web", "image": "app:1" }), "docker` or `podman"),
        (json!({ "kind": "kubernetes", "manifest": "file.yaml" }), "kubectl"),
        (json!({ "kind": "compose", "project": "shop", "file": "file.yaml" }), "docker` or `podman"),
        (json!({ "kind": "ansible", "playbook": "file.yaml" }), "ansible-playbook"),
    ] {
        let answer = agent.ask("plan", json!({ "inline": one(step) })).await;
        assert_eq!(answer.failed().0, "program_missing");
        assert!(answer.hint().contains(&format!("install `{program}`")), "{}", answer.hint());
    }
    for (operation, arguments) in [
        ("docker_build", json!({ "tag": "app" })),
        ("compose_up", json!({ "project": "shop", "file": "file.yaml" })),
        ("ansible_check", json!({ "playbook": "file.yaml" })),
    ] {
        assert_eq!(agent.ask(operation, arguments).await.failed().0, "program_missing");
    }
}
