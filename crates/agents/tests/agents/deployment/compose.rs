use serde_json::{Value, json};

use super::{deploy, one, planned, rollback};
use crate::stand_ins::StandIns;

/// An engine with compose. A compose file has a line for each service: name, settings; a container is a file `STATE SERVICE SETTINGS`.
const ENGINE: &str = r#"
mkdir -p "$place/containers"; cd "$place/containers"
for word in "$@"; do case "$word" in --file=*) file="${word#--file=}" ;; --project-name=*) project="${word#*=}" ;; esac; done
make() { rm -f $1-*; echo "running $1 $2" > "$1-$2"; }
case "$1 $2" in
"--version "*) echo "an engine" ;;
"compose version") [ -f "$place/bare" ] && exit 1; echo v2 ;;
"compose --file="*)
    case "$*" in
    *" config --hash="*) cat "$file" ;;
    *" config") cat "$file" ;;
    *" up "*) cat "$file" | while read -r service settings; do
        case "$*" in *"--detach") ;; *" $service"*) ;; *) continue ;; esac
        make $service $settings; done ;;
    esac ;;
"compose --project-name="*) rm -f * ;;
"container ls") for one in *; do [ -f "$one" ] && echo "$one $(cat "$one")"; done ;;
"stop "*) shift; for one in "$@"; do sed -i s/running/exited/ "$one"; done ;;
"rm --force") shift 2; rm "$@" ;;
esac
exit 0
"#;

async fn compose(file: &str) -> StandIns {
    let agent = StandIns::of("deployment", &[("docker", ENGINE)], &[]).await;
    agent.put("root/compose.yaml", file);
    agent
}

fn step() -> Value {
    one(json!({ "kind": "compose", "project": "shop", "file": "compose.yaml" }))
}

fn containers(agent: &StandIns) -> Vec<String> {
    let folder = agent.root().with_file_name("containers");
    let texts =
        std::fs::read_dir(folder).unwrap().map(|one| std::fs::read_to_string(one.unwrap().path()).unwrap());
    let mut told: Vec<String> = texts.map(|text| text.trim().to_owned()).collect();
    told.sort();
    told
}

#[tokio::test]
async fn compose_up_brings_a_project_up_and_undoing_takes_it_down() {
    let agent = compose("web 1\ndb 1\n").await;
    let arguments = json!({ "project": "shop", "file": "compose.yaml" });
    let applied = agent.ask("compose_up", arguments.clone()).await.value();
    assert_eq!((&applied["deployment"], &applied["changes"]), (&json!("compose-shop"), &json!(2)));
    assert_eq!(containers(&agent), ["running db 1", "running web 1"]);
    let undo = json!({ "arguments": arguments, "output": applied });
    for changed in [true, false] {
        assert_eq!(agent.ask("rollback", undo.clone()).await.value()["changed"], changed);
        assert!(containers(&agent).is_empty());
    }
}

#[tokio::test]
async fn services_are_made_anew_by_the_settings_that_they_had() {
    let agent = compose("web 1\ndb 1\n").await;
    deploy(&agent, &step()).await;
    agent.put("root/compose.yaml", "web 2\ndb 1\ncache 1\n");
    let plan = agent.ask("plan", json!({ "inline": step() })).await.value();
    assert_eq!(
        plan["steps"][0]["changes"],
        json!(["cache would be made", "web would be made anew by other settings"])
    );
    assert_eq!(plan["reversible"], true, "the settings from before are kept");
    deploy(&agent, &step()).await;
    assert_eq!(containers(&agent), ["running cache 1", "running db 1", "running web 2"]);
    rollback(&agent, "shop").await;
    assert_eq!(containers(&agent), ["running db 1", "running web 1"]);
    assert_eq!(agent.read("state/compose-shop.yaml"), "");
}

#[tokio::test]
async fn settings_that_no_deployment_made_are_lost_only_by_somebody_who_says_so() {
    let agent = compose("web 2\n").await;
    agent.put("containers/web-1", "running web 1\n");
    let answer = agent.ask("apply", planned(&agent, &step(), false).await).await;
    assert_eq!(answer.rejected(), "irreversible");
    let refused = agent.ask("compose_up", json!({ "project": "shop", "file": "compose.yaml" })).await;
    assert_eq!(refused.rejected(), "irreversible");
    agent.ask("apply", planned(&agent, &step(), true).await).await.value();
    assert_eq!(rollback(&agent, "shop").await["complete"], false);
    agent.put("root/compose.yaml", "web 3\n");
    let arguments = json!({ "project": "shop", "file": "compose.yaml", "irreversible": true });
    assert_eq!(agent.ask("compose_up", arguments).await.value()["changes"], 1);
    assert_eq!(containers(&agent), ["running web 3"]);
}

#[tokio::test]
async fn settings_that_were_brought_back_are_still_kept() {
    let agent = compose("web 1\n").await;
    deploy(&agent, &step()).await;
    for settings in [2, 3] {
        agent.put("root/compose.yaml", &format!("web {settings}\n"));
        let plan = agent.ask("plan", json!({ "inline": step() })).await.value();
        assert_eq!(plan["reversible"], true, "{plan}");
        deploy(&agent, &step()).await;
        assert_eq!(rollback(&agent, "shop").await["complete"], true);
        assert_eq!(containers(&agent), ["running web 1"]);
    }
}

#[tokio::test]
async fn a_service_that_was_down_is_down_again() {
    let agent = compose("web 1\n").await;
    agent.put("containers/web-1", "exited web 1\n");
    deploy(&agent, &step()).await;
    assert_eq!(containers(&agent), ["running web 1"]);
    let status = agent.ask("status", json!({ "deployment": "shop" })).await.value();
    assert_eq!(status["drifted"], 0);
    rollback(&agent, "shop").await;
    assert_eq!(containers(&agent), ["exited web 1"]);
}

#[tokio::test]
async fn services_that_are_not_there_and_an_engine_without_compose_are_named() {
    let agent = compose("web 1\n").await;
    let odd = json!({ "project": "shop", "file": "compose.yaml", "services": ["wbe"] });
    assert_eq!(agent.ask("compose_up", odd).await.rejected(), "invalid_arguments");
    let flag = json!({ "project": "shop", "file": "compose.yaml", "services": ["--rm"] });
    assert_eq!(agent.ask("compose_up", flag).await.rejected(), "invalid_arguments");
    agent.put("bare", "");
    let answer = agent.ask("compose_up", json!({ "project": "shop", "file": "compose.yaml" })).await;
    assert_eq!(answer.failed().0, "program_missing");
    assert!(answer.hint().contains("docker-compose-plugin"), "{}", answer.hint());
}
