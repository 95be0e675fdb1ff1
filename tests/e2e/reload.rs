//! Reading the configuration again while runs are under way.

use op_proto::v1::RunState;
use op_tests::support::client::state;
use op_tests::support::{Daemon, Place, process, until};
use rustix::process::Signal;
use serde_json::json;

use crate::plans::{WAIT, gate, is_waiting, plan, shell};

#[tokio::test]
async fn plans_of_new_files_can_be_run_and_runs_under_way_keep_theirs() {
    let place = Place::new();
    plan(&place, "go", "", &[WAIT, &shell("after", "echo before >> after")]);
    let gate = gate(&place);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("go", &json!({})).await;
    is_waiting(&place).await;
    let tools = daemon.client().agent("tools").await;
    plan(&place, "go", "", &[&shell("after", "echo changed >> after")]);
    plan(&place, "new", "", &[&shell("new", "echo new >> after")]);
    let reloaded = place.op(&["reload", "--json"]).await.code(0).json();
    assert_eq!(reloaded["generation"], 2);
    gate.open();
    assert_eq!(state(&daemon.client().end(&run).await), RunState::Completed);
    for name in ["go", "new"] {
        let run = daemon.client().start(name, &json!({})).await;
        assert_eq!(state(&daemon.client().end(&run).await), RunState::Completed);
    }
    assert_eq!(place.read("work/after"), "before\nchanged\nnew\n");
    // An agent that did not change keeps its connection.
    let after = daemon.client().agent("tools").await;
    assert_eq!((after.pid, after.since), (tools.pid, tools.since));
}

#[tokio::test]
async fn files_with_errors_leave_the_configuration_before_in_force_and_say_what_is_wrong() {
    let place = Place::new();
    plan(&place, "go", "", &[&shell("a", "echo a >> done")]);
    let daemon = Daemon::start(&place).await;
    plan(&place, "go", "", &[&shell("a", "echo changed >> done")]);
    let broken = place.write("config/plans.d/zz.toml", "[workstacks.x]\ntypo = 1\n");
    let refused = place.op(&["reload"]).await.code(2);
    for told in ["the one before stays in force", "zz.toml:2", "typo"] {
        assert!(refused.stderr.contains(told), "{}", refused.stderr);
    }
    let run = daemon.client().start("go", &json!({})).await;
    daemon.client().end(&run).await;
    assert_eq!(place.read("work/done"), "a\n", "nothing of the new files is in force");
    std::fs::remove_file(broken).expect("it is there");
    place.op(&["reload"]).await.code(0);
    let run = daemon.client().start("go", &json!({})).await;
    daemon.client().end(&run).await;
    assert_eq!(place.read("work/done"), "a\nchanged\n");
}

#[tokio::test]
async fn an_agent_whose_settings_changed_ends_its_calls_and_comes_back_with_the_new_ones() {
    let place = Place::new();
    plan(&place, "go", "", &[WAIT]);
    plan(&place, "slow", "", &[&shell("slow", "exec sleep 1000")]);
    let gate = gate(&place);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("go", &json!({})).await;
    is_waiting(&place).await;
    let before = daemon.client().agent("tools").await;
    place.configure("agents.toml", "[agents.tools]\ntime_limit = \"100ms\"");
    place.op(&["reload"]).await.code(0);
    assert_eq!(daemon.client().agent("tools").await.pid, before.pid, "its call goes on");
    gate.open();
    assert_eq!(state(&daemon.client().end(&run).await), RunState::Completed);
    until("another process", async || (daemon.client().agent("tools").await.pid != before.pid).then_some(()))
        .await;
    let run = daemon.client().start("slow", &json!({})).await;
    assert_eq!(state(&daemon.client().end(&run).await), RunState::Failed);
}

#[tokio::test]
async fn a_setting_that_the_daemon_was_built_on_is_taken_at_its_next_start_and_said_so() {
    let place = Place::new();
    let daemon = Daemon::start(&place).await;
    place.configure("op-dbusd.toml", "[limits]\nruns = 3");
    process::signal(daemon.pid(), Signal::HUP);
    let told = "`[limits]` changed; it is taken at the next start of the daemon";
    until("a warning", async || daemon.log().contains(told).then_some(())).await;
    assert_eq!(daemon.terminate().await.code(), Some(0));
}

#[tokio::test]
async fn without_a_daemon_there_is_nothing_to_reload() {
    let refused = Place::new().op(&["reload"]).await.code(2);
    assert!(refused.stderr.contains("no daemon is running"), "{}", refused.stderr);
}
