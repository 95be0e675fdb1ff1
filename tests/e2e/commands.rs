//! Runs that are steered from the command line, with a daemon.

use op_proto::v1::RunState;
use op_tests::support::client::state;
use op_tests::support::{Daemon, Place};
use serde_json::json;

use crate::plans::{plan, sh, shell};
use crate::shapes::output;

const ASK: &str = "id = \"ask\"\napproval = \"Sure?\"";
const LISTEN: &str = "id = \"listen\"\nsignal = \"go\"";

#[tokio::test]
async fn plain_programs_play_a_plan_under_one_word() {
    let place = Place::new();
    let words =
        ["run", "build_website", "--cast", "offline", "goal=A site with the pages Home and Hives", "--json"];
    let built = output(place.op(&words).await);
    assert_eq!(built["files"], json!(["hives.html", "index.html", "style.css"]));
    let words = ["run", "simple_debate", "--cast", "offline", "question=Tea or coffee?", "--json"];
    assert_eq!(output(place.op(&words).await)["decision"]["decision"], "Tea");
}

#[tokio::test]
async fn a_person_answers_signals_holds_and_resumes_a_run() {
    let place = Place::new();
    plan(&place, "talk", "", &[ASK, LISTEN, &shell("mark", "echo x >> marks")]);
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let run = client.start("talk", &json!({})).await;
    let gate = client.gate(&run, "ask").await;
    place.op(&["explain", &run]).await.code(0).says(&["Sure?", "op-dbus approve"]);
    place.op(&["approve", &run, "--digest", "0000"]).await.code(2).says(&["explain"]);
    place.op(&["approve", &run, "ask", "--digest", &gate.digest]).await.code(0).says(&[&run]);
    client.gate(&run, "listen").await;
    place.op(&["pause", &run, "--reason", "lunch"]).await.code(0).says(&["paused"]);
    place.op(&["signal", &run, "go", "{\"n\": 1}"]).await.code(0);
    place.op(&["explain", &run]).await.code(0).says(&["paused", "op-dbus resume"]);
    place.op(&["events", "--json"]).await.code(0).says(&["lunch"]);
    assert!(!place.at("work/marks").exists());
    place.op(&["resume", &run]).await.code(0);
    assert_eq!(state(&client.end(&run).await), RunState::Completed);
    assert_eq!(place.read("work/marks"), "x\n");
}

#[tokio::test]
async fn a_person_retries_a_run_and_undoes_it_after_a_look_at_what_that_means() {
    let place = Place::new();
    let first = format!("{}\nrollback = [{}]", shell("first", "echo x >> first"), sh("echo x >> undone"));
    plan(&place, "again", "rollback = \"none\"", &[&first, &shell("second", "test -e mended")]);
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let run = client.start("again", &json!({})).await;
    assert_eq!(state(&client.end(&run).await), RunState::Failed);
    place.write("work/mended", "");
    place.op(&["retry", "--plan", "again", "--state", "failed"]).await.code(0).says(&["1"]);
    assert_eq!(state(&client.end(&run).await), RunState::Completed);
    assert_eq!(place.read("work/first"), "x\n");

    place.op(&["rollback", &run, "--dry-run"]).await.code(0).says(&["first"]);
    assert!(!place.at("work/undone").exists());
    place.op(&["rollback", &run]).await.code(0);
    assert_eq!(state(&client.end(&run).await), RunState::RolledBack);
    assert_eq!(place.read("work/undone"), "x\n");
}

#[tokio::test]
async fn two_casts_of_one_plan_are_compared() {
    let place = Place::new();
    let say = "id = \"say\"\nagents = [{ role = \"product_manager\", args = { goal = \"Tea or coffee?\" } }]";
    plan(&place, "cast", "", &[say]);
    let daemon = Daemon::start(&place).await;
    let run = async |name: &str| {
        let role = format!("product_manager={name}");
        let words = ["run", "cast", "--role", &role, "--detach"];
        place.op(&words).await.code(0).stdout.trim().to_owned()
    };
    let (one, two) = (run("offline.specify").await, run("offline.argue").await);
    for id in [&one, &two] {
        daemon.client().end(id).await;
    }
    let told = place.op(&["compare", &one, &two]).await.code(0);
    told.says(&["offline.specify", "offline.argue", "say"]);
}
