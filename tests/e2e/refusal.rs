//! What is refused before anything starts: exit code 2 and a sentence that helps.

use op_tests::support::Place;

use crate::plans::plan;

#[tokio::test]
async fn a_plan_that_nobody_knows_is_refused_with_the_nearest_name() {
    let place = Place::new();
    let ended = place.op(&["run", "code_reviev"]).await.code(2);
    ended.says(&["code_reviev", "code_review`"]);
}

#[tokio::test]
async fn a_missing_input_is_refused_by_its_name() {
    let place = Place::new();
    place.write("config/plans.d/plan.toml", PLAN);
    let ended = place.op(&["run", "listing"]).await.code(2);
    ended.says(&["`folder`", "missing"]);
}

#[tokio::test]
async fn an_input_of_another_type_is_refused_with_what_is_wanted() {
    let place = Place::new();
    place.write("config/plans.d/plan.toml", PLAN);
    let ended = place.op(&["run", "listing", "folder=.", "depth=deep"]).await.code(2);
    ended.says(&["`depth`", "a whole number"]);
}

#[tokio::test]
async fn an_input_that_the_plan_does_not_know_is_refused_with_the_nearest_name() {
    let place = Place::new();
    let ended = place.op(&["run", "code_review", "pat=."]).await.code(2);
    ended.says(&["`pat`", "`path`"]);
}

#[tokio::test]
async fn a_plan_whose_agents_are_not_there_is_refused_before_it_starts() {
    let place = Place::new();
    let socket = place.at("nobody.sock");
    place.configure("agents.toml", &format!("[agents.nobody]\naddress = \"unix:{}\"", socket.display()));
    plan(&place, "go", "", &["id = \"call\"\nagents = [\"nobody.do\"]"]);
    let ended = place.op(&["run", "go"]).await;
    assert_ne!(ended.status.code(), Some(0), "{ended:#?}");
    ended.says(&["nobody"]);
}

#[tokio::test]
async fn wrong_usage_is_refused() {
    let place = Place::new();
    for words in
        [&["run"][..], &["rum"], &["run", "code_review", "path"], &["ls", "--limit", "0"], &["watch"]]
    {
        place.op(words).await.code(2).has_not_panicked();
    }
}

#[tokio::test]
async fn a_detached_run_without_a_daemon_is_refused_with_what_to_do() {
    let place = Place::new();
    place.op(&["run", "code_review", "--detach"]).await.code(2).says(&["op-dbus serve"]);
}

#[tokio::test]
async fn a_daemon_that_was_named_and_is_not_there_is_not_replaced() {
    let place = Place::new();
    let socket = place.text("nowhere.sock");
    place.op(&["--socket", &socket, "ls"]).await.code(1).says(&["nowhere.sock"]);
}

#[tokio::test]
async fn a_run_that_nobody_knows_is_refused() {
    let place = Place::new();
    for command in ["show", "watch", "logs", "output", "cancel"] {
        place.op(&[command, "zzzzzz"]).await.code(2).says(&["zzzzzz"]);
    }
}

const PLAN: &str = "
[workstacks.listing.inputs]
folder = { type = \"path\", required = true }
depth = { type = \"integer\", default = 1 }
[[workstacks.listing.phases]]
id = \"list\"
tools = [{ tool = \"file_list\", args = { path = \"${folder}\" } }]
";
