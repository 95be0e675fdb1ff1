//! The deployment, with programs that stand in for cargo, docker and kubectl.

use op_proto::v1::RunState;
use op_tests::support::client::state;
use op_tests::support::{Daemon, Ended, Place};
use serde_json::json;

/// What ships, without the seconds between two tries of a push.
const PLAN: &str = include_str!("../../config/plans.d/workflows.toml");

/// Builds a library, and tests it.
const CARGO: &str = r#"
fails "cargo $1"
id=path+file://$PWD#app@0.1.0
target='{"kind":["lib"],"crate_types":["lib"],"name":"app","src_path":"/s.rs","edition":"2021","doc":true,"doctest":true,"test":true}'
profile='{"opt_level":"3","debuginfo":0,"debug_assertions":false,"overflow_checks":false,"test":false}'
echo '{"reason":"compiler-artifact","package_id":"'$id'","manifest_path":"'$PWD'/Cargo.toml","target":'$target',"profile":'$profile',"features":[],"filenames":["'$PWD'/libapp.rlib"],"executable":null,"fresh":false}'
echo '{"reason":"build-finished","success":true}'
if [ "$1" = test ]; then echo "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"; fi
"#;

/// Keeps images as files.
const DOCKER: &str = r#"
fails "docker $1"
file() { echo "$work/image_$(echo "$1" | tr / _)"; }
case "$1 $2" in
"--version "*) echo "Docker version 28" ;;
"image inspect") cat "$(file "$4")" 2>/dev/null || exit 1 ;;
"image ls") ;;
"image rm") rm "$(file "$3")" ;;
"tag "*) cp "$(file "$2")" "$(file "$3")" ;;
"build "*) echo sha256:new > "$(file "${2#--tag=}")" ;;
"push "*) echo "1: digest: sha256:$(printf %064d 5) size: 528" ;;
esac
"#;

/// Keeps one object as a file.
const KUBECTL: &str = r#"
fails "kubectl $1"
case "$1" in
get) if [ -f "$work/cluster" ]; then cat "$work/cluster"; fi ;;
apply) echo '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"app","namespace":"n"}}' > "$work/cluster" ;;
delete) cat > /dev/null; rm -f "$work/cluster"; echo configmap/app ;;
esac
"#;

/// A host with a package to deploy and the programs for it, of which the command `fails` fails.
fn host(fails: &str) -> Place {
    let place = Place::new();
    for (name, script) in [("cargo", CARGO), ("docker", DOCKER), ("kubectl", KUBECTL)] {
        let head = format!(
            "#!/bin/sh\nPATH=/usr/bin:/bin\nwork='{}'\necho \"{name} $*\" >> \"$work/calls\"\n\
             fails() {{ if [ \"$1\" = '{fails}' ]; then echo 'error: it fails' >&2; exit 1; fi; }}\n",
            place.text("work")
        );
        place.stand_in(name, &(head + script));
    }
    place.write("config/plans.d/workflows.toml", &PLAN.replace("\"5s\"", "\"10ms\""));
    place.write("work/Cargo.toml", "");
    place.write("work/Dockerfile", "FROM scratch\n");
    place.write("work/k8s/deployment.yaml", "kind: ConfigMap\n");
    place
}

async fn deploy(place: &Place) -> Ended {
    place.op(&["run", "deploy_production", "version=1.2"]).await
}

/// What the programs were asked to change, in order.
fn changes(place: &Place) -> Vec<String> {
    let calls = place.read("work/calls");
    let looks = ["docker --version", "docker image inspect", "docker image ls", "kubectl get"];
    let changes = calls.lines().filter(|call| !looks.iter().any(|look| call.starts_with(look)));
    changes.map(|call| call.split(' ').take(3).collect::<Vec<_>>().join(" ")).collect()
}

const BUILD: &str = "cargo build --message-format=json";
const TEST: &str = "cargo test --message-format=json";
const IMAGE: &str = "docker build --tag=app:1.2";
const TAG: &str = "docker tag app:1.2";
const PUSH: &str = "docker push ghcr.io/app:1.2";
const APPLY: &str = "kubectl apply";
const TAKE_OFF: &str = "docker image rm";

#[track_caller]
fn are(changes: &[String], wanted: &[&str]) {
    let is_alike = changes.iter().zip(wanted).all(|(call, wanted)| call.starts_with(wanted));
    assert!(is_alike && changes.len() == wanted.len(), "{changes:#?}");
}

/// Holds a deployment in which a command fails to how it ended and what it called, and to have left nothing.
async fn fails(command: &str, ending: &str, wanted: &[&str]) {
    let place = host(command);
    let code = if ending == "rolled back" { 4 } else { 3 };
    deploy(&place).await.code(code).says(&[ending, command.split(' ').next().expect("a program")]);
    are(&changes(&place), wanted);
    assert!(!place.at("work/image_app:1.2").exists() && !place.at("work/cluster").exists());
}

#[tokio::test]
async fn a_version_is_built_tested_packed_pushed_and_applied() {
    let place = host("nothing");
    deploy(&place).await.code(0).says(&["deploy succeeded", "completed"]);
    are(&changes(&place), &[BUILD, TEST, IMAGE, TAG, PUSH, APPLY]);
    assert!(place.at("work/image_app:1.2").exists() && place.at("work/cluster").exists());
}

#[tokio::test]
async fn a_build_that_fails_leaves_nothing_to_undo() {
    fails("cargo build", "failed", &[BUILD]).await;
}

#[tokio::test]
async fn tests_that_fail_keep_the_image_from_being_made() {
    fails("cargo test", "failed", &[BUILD, TEST]).await;
}

#[tokio::test]
async fn an_image_that_is_not_made_is_not_pushed() {
    fails("docker build", "rolled back", &[BUILD, TEST, IMAGE]).await;
}

#[tokio::test]
async fn a_push_that_fails_is_tried_again_and_then_the_tag_is_taken_off() {
    fails("docker push", "rolled back", &[BUILD, TEST, IMAGE, TAG, PUSH, TAG, PUSH, TAG, PUSH, TAKE_OFF])
        .await;
}

#[tokio::test]
async fn a_manifest_that_is_not_applied_undoes_what_came_before() {
    fails("kubectl apply", "rolled back", &[BUILD, TEST, IMAGE, TAG, PUSH, APPLY, TAKE_OFF]).await;
}

#[tokio::test]
async fn a_deployment_that_is_done_is_undone_in_reverse() {
    let place = host("nothing");
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let work = |path: &str| place.text(&format!("work/{path}"));
    let inputs = json!({ "version": "1.2", "path": work(""), "manifest": work("k8s/deployment.yaml") });
    let run = client.start("deploy_production", &inputs).await;
    assert_eq!(state(&client.end(&run).await), RunState::Completed);
    client.rollback(&run, "", false).await.expect("it is over");
    assert_eq!(state(&client.end(&run).await), RunState::RolledBack);
    are(&changes(&place)[6..], &["kubectl delete", TAKE_OFF]);
    assert!(!place.at("work/image_app:1.2").exists() && !place.at("work/cluster").exists());
}
