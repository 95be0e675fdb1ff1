use serde_json::{Value, json};

use crate::stand_ins::StandIns;
use crate::support::{ends, piece};

/// An engine that keeps tags as files, and fails where a file says so. The next image has the id in `next`.
const ENGINE: &str = r#"
tags="$place/tags"; mkdir -p "$tags"
file() { echo "$tags/$(echo "$1" | tr / _)"; }
[ -f "$place/down" ] && [ "$1" != --version ] && { echo "cannot connect" >&2; exit 1; }
case "$1 $2" in
"--version "*) echo "an engine" ;;
"image inspect") cat "$(file "$4")" 2>/dev/null || { echo "no such image" >&2; exit 1; } ;;
"image ls") ;;
"image rm") rm "$(file "$3")" ;;
"tag "*) if [ "${2#sha256:}" != "$2" ]; then echo "$2" > "$(file "$3")"; else cp "$(file "$2")" "$(file "$3")"; fi ;;
"build "*)
    [ -f "$place/slow" ] && { echo $$; exec sleep 1000; }
    [ -f "$place/fails" ] && { echo "step 2 is wrong" >&2; exit 3; }
    echo "$BUILDX_CONFIG" > "$place/notes"; pwd > "$place/directory"
    [ -f "$place/forgets" ] || cat "$place/next" > "$(file "${2#--tag=}")"; echo built ;;
"push --digestfile=/dev/stdout") printf %s "sha256:$(printf %064d 7)" ;;
"push "*) [ -f "$place/silent" ] || echo "1: digest: sha256:$(printf %064d 5) size: 528" ;;
esac
"#;

async fn docker() -> StandIns {
    let tools = StandIns::serve(&[("docker", ENGINE), ("podman", ENGINE)]).await;
    tools.put("next", "sha256:one");
    tools.put("root/app/Dockerfile", "FROM scratch\n");
    tools
}

fn build() -> Value {
    json!({ "tag": "app:1", "context": "app", "build_args": { "A": "b c" } })
}

#[tokio::test]
async fn an_image_is_built_from_its_context_and_looked_at_afterwards() {
    let tools = docker().await;
    tools.put("root/other/Dockerfile", "");
    let mut arguments = build();
    arguments["file"] = json!("other/Dockerfile");
    let answer = tools.ask("docker_build", arguments).await;
    assert_eq!(
        answer.value(),
        json!({ "image": "app:1", "id": "sha256:one", "replaced": null, "program": "docker" })
    );
    assert_eq!(answer.stdout, b"built\n", "what only the operation reads is not passed on");
    let file = tools.root().join("other/Dockerfile");
    assert_eq!(
        tools.calls()[3],
        format!("docker build --tag=app:1 --file={} --build-arg=A=b c .", file.display())
    );
    assert_eq!(tools.read("directory").trim(), tools.root().join("app").display().to_string());
    assert!(tools.read("notes").ends_with("state/buildx\n"), "the builder may write its notes");
}

#[tokio::test]
async fn undoing_a_build_takes_the_tag_off_and_a_second_time_is_fine() {
    let tools = docker().await;
    let output = tools.ask("docker_build", build()).await.value();
    let undo = json!({ "arguments": build(), "output": output });
    let undone = tools.ask("docker_remove_image", undo.clone()).await.value();
    assert_eq!(undone, json!({ "image": "app:1", "removed": true, "id": null }));
    assert_eq!(tools.read("tags/app:1"), "");
    let again = tools.ask("docker_remove_image", undo).await.value();
    assert_eq!(again, json!({ "image": "app:1", "removed": false, "id": null }));
}

#[tokio::test]
async fn undoing_a_build_gives_the_tag_back_to_the_image_that_had_it() {
    let tools = docker().await;
    tools.put("tags/app:1", "sha256:old");
    let output = tools.ask("docker_build", build()).await.value();
    assert_eq!(output["replaced"], "sha256:old");
    let undo = json!({ "arguments": build(), "output": output });
    for removed in [true, false] {
        let undone = tools.ask("docker_remove_image", undo.clone()).await.value();
        assert_eq!(undone, json!({ "image": "app:1", "removed": removed, "id": "sha256:old" }));
    }
}

#[tokio::test]
async fn undoing_a_build_leaves_a_tag_that_is_somebody_elses_or_never_moved() {
    let tools = docker().await;
    let output = tools.ask("docker_build", build()).await.value();
    tools.put("tags/app:1", "sha256:somebodys");
    let undo = json!({ "arguments": build(), "output": output });
    let undone = tools.ask("docker_remove_image", undo).await.value();
    assert_eq!(undone, json!({ "image": "app:1", "removed": false, "id": "sha256:somebodys" }));
    tools.put("next", "sha256:somebodys");
    let output = tools.ask("docker_build", build()).await.value();
    assert_eq!(output["replaced"], output["id"]);
    let undo = json!({ "arguments": build(), "output": output });
    assert_eq!(tools.ask("docker_remove_image", undo).await.value()["id"], "sha256:somebodys");
}

#[tokio::test]
async fn a_build_that_fails_is_a_failure_with_what_was_said() {
    let tools = docker().await;
    tools.put("fails", "");
    let answer = tools.ask("docker_build", build()).await;
    let (reason, detail) = answer.failed();
    assert_eq!((reason, &detail["exit_code"]), ("exit_status", &json!(3)));
    assert_eq!(detail["stderr"], "step 2 is wrong\n");
    tools.remove("fails");
    tools.put("forgets", "");
    assert_eq!(tools.ask("docker_build", build()).await.failed().0, "image_missing");
}

#[tokio::test]
async fn an_engine_that_cannot_be_reached_is_told_from_an_image_that_is_not_there() {
    let tools = docker().await;
    let output = tools.ask("docker_build", build()).await.value();
    tools.put("down", "");
    let answer = tools.ask("docker_build", build()).await;
    assert_eq!(answer.failed().1["stderr"], "cannot connect\n");
    assert!(answer.hint().contains("DOCKER_HOST"), "{}", answer.hint());
    let undo = json!({ "arguments": build(), "output": output });
    assert_eq!(tools.ask("docker_remove_image", undo).await.failed().0, "exit_status", "nothing was undone");
}

#[tokio::test]
async fn what_is_no_name_and_no_path_of_ours_is_rejected() {
    let tools = docker().await;
    for (arguments, reason) in [
        (json!({ "tag": "--all" }), "invalid_arguments"),
        (json!({ "tag": "app", "context": ".." }), "outside_roots"),
        (json!({ "tag": "app", "file": "../calls" }), "outside_roots"),
        (json!({ "tag": "app", "build_args": { "A=B": "c" } }), "invalid_arguments"),
    ] {
        assert_eq!(tools.ask("docker_build", arguments.clone()).await.rejected(), reason, "{arguments}");
    }
    let push = json!({ "image": "app", "registry": "-x" });
    assert_eq!(tools.ask("docker_push", push).await.rejected(), "invalid_arguments");
}

#[tokio::test]
async fn podman_does_it_where_there_is_no_docker() {
    let tools = StandIns::serve(&[("podman", ENGINE)]).await;
    tools.put("next", "one");
    tools.put("root/app/Dockerfile", "");
    let output = tools.ask("docker_build", build()).await.value();
    assert_eq!(output["program"], "podman");
    let pushed = tools.ask("docker_push", json!({ "image": "app:1" })).await.value();
    assert_eq!(pushed, json!({ "reference": "app:1", "digest": format!("sha256:{:064}", 7) }));
    let undo = json!({ "arguments": build(), "output": output });
    assert_eq!(tools.ask("docker_remove_image", undo).await.value()["removed"], true);
    assert!(tools.calls().iter().all(|call| call.starts_with("podman")));
}

#[tokio::test]
async fn podman_under_the_name_of_docker_is_podman() {
    let shim = r#"[ "$1" = --version ] && echo "podman version 5""#;
    let tools = StandIns::serve(&[("docker", shim), ("podman", ENGINE)]).await;
    let pushed = tools.ask("docker_push", json!({ "image": "app:1" })).await.value();
    assert_eq!(pushed["digest"], format!("sha256:{:064}", 7));
}

#[tokio::test]
async fn without_any_engine_the_failure_says_what_to_install() {
    let tools = StandIns::serve(&[]).await;
    for (operation, arguments) in
        [("docker_build", json!({ "tag": "app" })), ("docker_push", json!({ "image": "app" }))]
    {
        let answer = tools.ask(operation, arguments).await;
        assert_eq!(answer.failed().0, "program_missing");
        assert!(answer.hint().contains("install `docker` or `podman`"), "{}", answer.hint());
    }
}

#[tokio::test]
async fn an_image_is_tagged_for_its_registry_and_pushed_with_its_digest() {
    let tools = docker().await;
    tools.ask("docker_build", build()).await.value();
    tools.calls();
    let push = json!({ "image": "app:1", "registry": "localhost:5000/team/" });
    let pushed = tools.ask("docker_push", push).await.value();
    let reference = "localhost:5000/team/app:1";
    assert_eq!(pushed, json!({ "reference": reference, "digest": format!("sha256:{:064}", 5) }));
    let calls = tools.calls();
    assert_eq!(calls[1..], [format!("docker tag app:1 {reference}"), format!("docker push {reference}")]);
    tools.put("silent", "");
    assert_eq!(tools.ask("docker_push", json!({ "image": "app:1" })).await.failed().0, "digest_unknown");
}

#[tokio::test]
async fn cancelling_a_build_kills_the_engine() {
    let tools = docker().await;
    tools.put("slow", "");
    let mut events = tools.begin("docker_build", build()).await;
    let pid = piece(&mut events).await.trim().parse().unwrap();
    drop(events);
    ends(pid).await;
}
