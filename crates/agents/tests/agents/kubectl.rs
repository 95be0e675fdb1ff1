use serde_json::{Value, json};

use crate::stand_ins::StandIns;
use crate::support::{ends, piece};

/// A cluster that keeps its objects as files. A manifest has a line for each: kind, name, value. It stops at the object whose name
/// is in `fails`.
const KUBECTL: &str = r#"
mkdir -p "$place/cluster"; cd "$place/cluster"
for word in "$@"; do case "$word" in --filename=*) file="${word#--filename=}" ;; esac; done
set_object() { echo "$1 $3" > "$2"; echo "$1/$2"; }
field() { echo "$line" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
items() { tee -a "$place/stdin"; }
[ -f "$place/down" ] && { echo "no cluster" >&2; exit 1; }
case "$1" in
get)
    start='{"kind":"List","items":['
    while read -r kind name _; do
        [ -f "$name" ] || continue
        read -r _ value < "$name"
        printf '%s{"apiVersion":"v1","kind":"%s","metadata":{"name":"%s","namespace":"n","resourceVersion":"%s"},"data":{"v":"%s"}}' \
            "$start" "$kind" "$name" $$ "$value"
        start=,
    done < "$file"
    [ "$start" = , ] && echo ']}' ;;
apply)
    [ -f "$place/slow" ] && { echo $$; exec sleep 1000; }
    if [ "$file" = - ]; then
        items | while read -r line; do [ "$(field name)" ] && set_object "$(field kind)" "$(field name)" "$(field v)"; done
    else
        while read -r kind name value; do
            [ -f "$place/fails" ] && [ "$name" = "$(cat "$place/fails")" ] && { echo "$name is invalid" >&2; exit 1; }
            set_object "$kind" "$name" "$value"
        done < "$file"
    fi ;;
delete)
    items | while read -r line; do
        name="$(field name)"; [ "$name" ] && [ -f "$name" ] && rm "$name" && echo "$(field kind)/$name"
    done ;;
esac
exit 0
"#;

async fn cluster(objects: &[(&str, &str)]) -> StandIns {
    let tools = StandIns::serve(&[("kubectl", KUBECTL)]).await;
    for (name, object) in objects {
        tools.put(&format!("cluster/{name}"), object);
    }
    tools.put("root/app.yaml", "ConfigMap a 1\nConfigMap b 2\nConfigMap c 3\n");
    tools
}

fn apply() -> Value {
    json!({ "manifest": "app.yaml", "namespace": "n", "context": "test" })
}

fn applied(kind: &str, name: &str, change: &str) -> Value {
    json!({ "api_version": "v1", "kind": kind, "namespace": "n", "name": name, "change": change })
}

#[tokio::test]
async fn a_manifest_is_applied_and_what_was_there_is_remembered() {
    let tools = cluster(&[("a", "ConfigMap 1"), ("b", "ConfigMap 1")]).await;
    let answer = tools.ask("kubectl_apply", apply()).await;
    let value = answer.value();
    assert_eq!(
        value["applied"],
        json!([
            applied("ConfigMap", "a", "unchanged"),
            applied("ConfigMap", "b", "configured"),
            applied("ConfigMap", "c", "created")
        ])
    );
    let metadata = json!({ "name": "b", "namespace": "n" });
    let before =
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": { "v": "1" } });
    assert_eq!(value["previous"], json!([before]), "without what the cluster writes by itself");
    assert_eq!(answer.text(), "ConfigMap/a\nConfigMap/b\nConfigMap/c\n");
    let manifest = tools.root().join("app.yaml");
    let flags = "--context=test --namespace=n";
    assert_eq!(tools.calls()[1], format!("kubectl apply --filename={} {flags}", manifest.display()));
}

#[tokio::test]
async fn undoing_an_apply_brings_back_what_was_changed_and_deletes_what_was_made_and_twice_is_fine() {
    let tools = cluster(&[("a", "ConfigMap 1"), ("b", "ConfigMap 1")]).await;
    let output = tools.ask("kubectl_apply", apply()).await.value();
    let undo = json!({ "arguments": apply(), "output": output });
    let undone = tools.ask("kubectl_restore", undo.clone()).await.value();
    assert_eq!(undone, json!({ "restored": ["ConfigMap/b"], "deleted": ["ConfigMap/c"] }));
    let state = || ["a", "b", "c"].map(|name| tools.read(&format!("cluster/{name}")).trim().to_owned());
    assert_eq!(state(), ["ConfigMap 1", "ConfigMap 1", ""]);
    let again = tools.ask("kubectl_restore", undo).await.value();
    assert_eq!(again, json!({ "restored": ["ConfigMap/b"], "deleted": [] }));
    assert_eq!(state(), ["ConfigMap 1", "ConfigMap 1", ""]);
    assert!(!tools.read("stdin").contains("resourceVersion"));
}

#[tokio::test]
async fn an_apply_that_fails_half_way_takes_back_what_it_did() {
    let tools = cluster(&[("b", "ConfigMap 1")]).await;
    tools.put("fails", "c");
    let answer = tools.ask("kubectl_apply", apply()).await;
    let (reason, detail) = answer.failed();
    assert_eq!((reason, &detail["stderr"]), ("exit_status", &json!("c is invalid\n")));
    assert_eq!(detail["taken_back"], json!({ "restored": ["ConfigMap/b"], "deleted": ["ConfigMap/a"] }));
    let state = ["a", "b", "c"].map(|name| tools.read(&format!("cluster/{name}")));
    assert_eq!(state, ["", "ConfigMap 1\n", ""]);
    tools.put("fails", "a");
    let answer = tools.ask("kubectl_apply", apply()).await;
    assert_eq!(answer.failed().1["taken_back"], Value::Null);
    assert!(answer.message().ends_with("changed nothing"), "{}", answer.message());
}

#[tokio::test]
async fn what_is_in_a_secret_is_never_told_and_undoing_says_what_it_cannot_bring_back() {
    let tools = cluster(&[("s", "Secret hunter2"), ("b", "ConfigMap 1")]).await;
    tools.put("root/app.yaml", "Secret s hunter3\nConfigMap b 2\n");
    let output = tools.ask("kubectl_apply", apply()).await.value();
    assert_eq!(output["applied"][0], applied("Secret", "s", "configured"));
    assert!(!output.to_string().contains("hunter"), "{output}");
    let answer = tools.ask("kubectl_restore", json!({ "arguments": apply(), "output": output })).await;
    let (reason, detail) = answer.failed();
    assert_eq!((reason, &detail["restored"]), ("secret_not_kept", &json!(["ConfigMap/b"])));
    let output = tools.ask("kubectl_apply", apply()).await.value();
    assert_eq!(output["applied"][0], applied("Secret", "s", "unchanged"));
    let undo = json!({ "arguments": apply(), "output": output });
    tools.ask("kubectl_restore", undo).await.value();
}

#[tokio::test]
async fn a_cluster_that_cannot_be_asked_is_a_failure_before_anything_is_applied() {
    let tools = cluster(&[]).await;
    tools.put("down", "");
    let answer = tools.ask("kubectl_apply", apply()).await;
    assert_eq!(answer.failed().1["stderr"], "no cluster\n");
    assert!(answer.hint().contains("KUBECONFIG"), "{}", answer.hint());
    assert_eq!(tools.calls().len(), 1);
    let outside = tools.ask("kubectl_apply", json!({ "manifest": "../calls" })).await;
    assert_eq!(outside.rejected(), "outside_roots");
}

#[tokio::test]
async fn without_kubectl_the_failure_says_what_to_install() {
    let tools = StandIns::serve(&[]).await;
    tools.put("root/app.yaml", "");
    let answer = tools.ask("kubectl_apply", apply()).await;
    assert_eq!(answer.failed().0, "program_missing");
    assert!(answer.hint().contains("install `kubectl`"), "{}", answer.hint());
}

#[tokio::test]
async fn cancelling_an_apply_kills_kubectl() {
    let tools = cluster(&[]).await;
    tools.put("slow", "");
    let mut events = tools.begin("kubectl_apply", apply()).await;
    let pid = piece(&mut events).await.trim().parse().unwrap();
    drop(events);
    ends(pid).await;
}

#[tokio::test]
async fn a_program_in_the_sandbox_reads_what_a_listed_variable_names() {
    let outside = tempfile::tempdir().unwrap();
    let settings = outside.path().join("config");
    std::fs::write(&settings, "cluster").unwrap();
    let config = settings.display().to_string();
    let script = r#"[ "$1" = get ] || cat "$KUBECONFIG" "$OTHER" > "$place/seen" 2>&1"#;
    // The other one is let through, and no setting of a client that the sandbox knows.
    let other = outside.path().join("other");
    std::fs::write(&other, "secret").unwrap();
    let variables =
        [("KUBECONFIG", config.as_str()), ("OTHER", other.to_str().unwrap()), ("SANDBOXED", "yes")];
    let tools = StandIns::serve_with(&[("kubectl", script)], &variables).await;
    tools.put("root/app.yaml", "");
    let answer = tools.ask("kubectl_apply", apply()).await;
    assert!(tools.read("seen").starts_with("cluster"), "{:?} {}", answer.outcome, tools.read("seen"));
    if crate::sandbox::sandbox_is_enforced() {
        assert!(!tools.read("seen").contains("secret"), "{}", tools.read("seen"));
    }
}
