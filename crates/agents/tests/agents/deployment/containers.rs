use serde_json::{Value, json};

use super::{deploy, one, planned, rollback};
use crate::stand_ins::StandIns;

/// An engine that keeps images as files of ids, and containers as files `ID: NAME IMAGE RUNNING SETTINGS`.
pub(super) const ENGINE: &str = r#"
mkdir -p "$place/images" "$place/containers"; cd "$place/containers"
which() { [ -f "$1" ] && { echo "$1"; return; }; grep -l "^$1 " * 2>/dev/null | head -1; }
rest() { cut -d' ' -f"$2" "$1"; }
case "$1 $2" in
"--version "*) echo "an engine" ;;
"image inspect") cat "$place/images/$4" 2>/dev/null || exit 1 ;;
"image ls") ;;
"pull "*) echo sha256:pulled > "$place/images/$2" ;;
"container ls") ;;
"container inspect")
    id=$(which "$4"); [ "$id" ] || exit 1
    printf '{"Id":"%s","Image":"%s","Config":{"Labels":{"org.opdbus.settings":"%s"}},"State":{"Running":%s}}\n' \
        "$id" "$(rest $id 2)" "$(rest $id 4)" "$(rest $id 3)" ;;
"run "*)
    [ -f "$place/slow" ] && { echo $$; exec sleep 1000; }
    [ -f "$place/breaks" ] && { echo "port is taken" >&2; exit 125; }
    for word in "$@"; do case "$word" in
        --name=*) name="${word#--name=}" ;; --label=*) settings="${word#*settings=}" ;; -*) ;; *) image="$word" ;;
    esac; done
    id=id$(ls | wc -l)000000000000; echo "$name $(cat "$place/images/$image") true $settings" > $id; echo $id ;;
"start "*) echo "$(rest $2 1,2) true $(rest $2 4)" > $2 ;;
"stop "*) echo "$(rest $2 1,2) false $(rest $2 4)" > $2 ;;
"rename "*) id=$(which "$2"); echo "$3 $(rest $id 2-)" > $id ;;
"rm "*) [ -f "$place/stuck" ] && { echo "device is busy" >&2; exit 1; }; [ "$2" = --force ] && shift; rm "$2" ;;
esac
"#;

async fn engine() -> StandIns {
    let agent = StandIns::of("deployment", &[("docker", ENGINE)], &[]).await;
    agent.put("images/app:1", "sha256:one");
    agent
}

fn web() -> Value {
    json!({ "kind": "container", "name": "web", "image": "app:1", "ports": ["8080:80"], "env": { "A": "b c" } })
}

/// What runs under which name, of which image.
fn containers(agent: &StandIns) -> Vec<String> {
    let folder = std::fs::read_dir(agent.root().with_file_name("containers")).unwrap();
    let texts = folder.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let mut told: Vec<String> =
        texts.map(|text| text.split(' ').take(3).collect::<Vec<_>>().join(" ")).collect();
    told.sort();
    told
}

#[tokio::test]
async fn a_container_is_made_and_removed_again() {
    let agent = engine().await;
    let plan = agent.ask("plan", json!({ "inline": one(web()) })).await.value();
    assert_eq!(plan["steps"][0]["changes"], json!(["it would be made from app:1"]));
    deploy(&agent, &one(web())).await;
    assert_eq!(containers(&agent), ["web sha256:one true"]);
    let run = agent.calls().into_iter().find(|call| call.contains(" run ")).unwrap();
    assert!(run.contains("--publish=8080:80 --env=A=b c") && run.ends_with(" app:1"), "{run}");
    assert_eq!(deploy(&agent, &one(web())).await["changes"], 0);
    agent.ask("rollback", json!({ "deployment": "shop" })).await.value();
    assert_eq!(containers(&agent), ["web sha256:one true"], "the second revision made nothing");
    agent.ask("rollback", json!({ "deployment": "shop", "revision": 1 })).await.value();
    assert!(containers(&agent).is_empty());
}

#[tokio::test]
async fn what_a_container_replaces_is_set_aside_and_comes_back() {
    let agent = engine().await;
    agent.put("containers/somebodys", "web sha256:old true \n");
    let plan = agent.ask("plan", json!({ "inline": one(web()) })).await.value();
    assert_eq!(plan["reversible"], true);
    deploy(&agent, &one(web())).await;
    assert_eq!(containers(&agent), ["web sha256:one true", "web.before-somebodys sha256:old false"]);
    let back = rollback(&agent, "shop").await;
    assert_eq!(back["steps"][0]["done"].as_array().unwrap().len(), 3, "{back}");
    assert_eq!(containers(&agent), ["web sha256:old true"]);
}

#[tokio::test]
async fn a_container_that_cannot_start_leaves_the_one_before_it_running() {
    let agent = engine().await;
    agent.put("containers/somebodys", "web sha256:old true \n");
    agent.put("breaks", "");
    let answer = agent.ask("apply", planned(&agent, &one(web()), false).await).await;
    assert_eq!(answer.failed().0, "exit_status");
    assert_eq!(containers(&agent), ["web sha256:old true"]);
}

#[tokio::test]
async fn a_container_that_stopped_is_started_and_a_missing_image_is_pulled() {
    let agent = engine().await;
    deploy(&agent, &one(web())).await;
    let id = agent.calls().len();
    assert!(id > 0);
    let file = std::fs::read_dir(agent.root().with_file_name("containers")).unwrap().next().unwrap().unwrap();
    let text = std::fs::read_to_string(file.path()).unwrap();
    std::fs::write(file.path(), text.replace("true", "false")).unwrap();
    deploy(&agent, &one(web())).await;
    assert_eq!(containers(&agent), ["web sha256:one true"]);
    rollback(&agent, "shop").await;
    assert_eq!(containers(&agent), ["web sha256:one false"]);
    let other = json!({ "kind": "container", "name": "db", "image": "db:2" });
    let applied = deploy(&agent, &one(other)).await;
    assert_eq!(applied["steps"][0]["changes"][0], "the image db:2 would be pulled");
    assert!(containers(&agent).contains(&"db sha256:pulled true".to_owned()));
}

#[tokio::test]
async fn a_container_that_somebody_put_in_its_place_is_left() {
    let agent = engine().await;
    deploy(&agent, &one(web())).await;
    let folder = agent.root().with_file_name("containers");
    let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap();
    std::fs::remove_file(file.path()).unwrap();
    agent.put("containers/other", "web sha256:other true \n");
    let back = rollback(&agent, "shop").await;
    assert_eq!((&back["complete"], &back["changed"]), (&json!(false), &json!(false)));
    assert_eq!(containers(&agent), ["web sha256:other true"]);
}

#[tokio::test]
async fn what_is_set_aside_goes_with_the_last_revision_that_could_bring_it_back() {
    let agent = engine().await;
    agent.put("containers/somebodys", "web sha256:old true \n");
    for port in 1..=6 {
        let mut step = web();
        step["ports"] = json!([format!("{port}:80")]);
        deploy(&agent, &one(step)).await;
    }
    let left = containers(&agent);
    assert_eq!(left.len(), 6, "{left:?}");
    assert!(!left.iter().any(|told| told.contains("somebodys")), "{left:?}");
    let status = agent.ask("status", json!({ "deployment": "shop" })).await.value();
    assert_eq!(status["revisions"], json!([2, 3, 4, 5, 6]));
}

#[tokio::test]
async fn what_is_applied_is_applied_even_if_what_was_set_aside_long_ago_cannot_be_removed() {
    let agent = engine().await;
    agent.put("containers/somebodys", "web sha256:old true \n");
    agent.put("stuck", "");
    let deploy = async |port: u32| {
        let mut step = web();
        step["ports"] = json!([format!("{port}:80")]);
        agent.ask("apply", planned(&agent, &one(step), false).await).await
    };
    for port in 1..=5 {
        assert_eq!(deploy(port).await.value()["left_over"], Value::Null);
    }
    let answer = deploy(6).await;
    assert!(
        answer.value()["left_over"].as_str().unwrap().contains("ended with the exit code 1"),
        "{}",
        answer.value()
    );
    assert!(answer.text().contains("not all removed"), "{}", answer.text());
    agent.remove("stuck");
    assert_eq!(deploy(7).await.value()["left_over"], Value::Null);
    let status = agent.ask("status", json!({ "deployment": "shop" })).await.value();
    assert_eq!(status["revisions"], json!([3, 4, 5, 6, 7]));
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_left_by_somebody_who_says_so() {
    let agent = engine().await;
    deploy(&agent, &one(web())).await;
    agent.put("stuck", "");
    let answer = agent.ask("rollback", json!({ "deployment": "shop" })).await;
    assert_eq!(answer.failed().0, "not_restored");
    assert!(answer.hint().contains("accept = true"), "{}", answer.hint());
    let refused = agent.ask("apply", planned(&agent, &one(web()), false).await).await;
    assert_eq!(refused.rejected(), "unfinished");
    let back = agent.ask("rollback", json!({ "deployment": "shop", "accept": true })).await.value();
    assert_eq!((&back["complete"], &back["steps"][0]["failure"]), (&json!(false), &Value::Null));
    assert!(back["steps"][0]["left"][0].as_str().unwrap().contains("could not be taken back"), "{back}");
    let status = agent.ask("status", json!({ "deployment": "shop" })).await.value();
    assert_eq!((&status["state"], &status["steps"][0]["is"]), (&json!("rolled_back"), &json!("left")));
    assert_eq!(deploy(&agent, &one(web())).await["changes"], 0, "the container still is there");
}

#[tokio::test]
async fn mounts_outside_of_the_roots_and_names_that_are_flags_are_rejected() {
    let agent = engine().await;
    for (key, value, reason) in [
        ("volumes", json!(["/etc:/etc"]), "outside_roots"),
        ("volumes", json!(["data"]), "invalid_arguments"),
        ("name", json!("--rm"), "invalid_arguments"),
        ("image", json!("-x"), "invalid_arguments"),
        ("env", json!({ "A=B": "c" }), "invalid_arguments"),
    ] {
        let mut step = web();
        step[key] = value;
        assert_eq!(agent.ask("plan", json!({ "inline": one(step) })).await.rejected(), reason, "{key}");
    }
}
