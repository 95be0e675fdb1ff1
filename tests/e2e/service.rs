//! What a daemon tells the service manager that started it, in the protocol of `sd_notify(3)`.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use op_proto::v1::ListPlansRequest;
use op_tests::support::{Client, Daemon, PATIENCE, Place, process};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;
use serde_json::json;

use crate::plans::{plan, shell};

/// Hears what a daemon tells.
struct Manager(UnixDatagram);

impl Manager {
    fn listen(place: &Place) -> Self {
        let socket = UnixDatagram::bind(place.at("notify")).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a limit");
        Self(socket)
    }

    /// The next message that has this line.
    fn hear(&self, line: &str) -> String {
        let mut buffer = [0; 4096];
        loop {
            let heard = self.0.recv(&mut buffer).unwrap_or_else(|error| panic!("{line}: {error}"));
            let message = String::from_utf8_lossy(&buffer[..heard]).into_owned();
            if message.lines().any(|told| told.starts_with(line)) {
                return message;
            }
        }
    }
}

async fn start(place: &Place, watchdog: Option<Duration>) -> Daemon {
    let (socket, limit) = (place.text("notify"), watchdog.map(|limit| limit.as_micros().to_string()));
    let mut variables = vec![("NOTIFY_SOCKET", socket.as_str())];
    variables.extend(limit.as_deref().map(|limit| ("WATCHDOG_USEC", limit)));
    Daemon::start_as(place, &[], &variables).await
}

#[tokio::test]
async fn it_is_ready_once_its_doors_are_open_and_says_how_it_stands() {
    let place = Place::new();
    place.write("config/agents.toml", "[run_on_connection]\nagents = [\"tools\"]\n");
    let manager = Manager::listen(&place);
    let daemon = start(&place, None).await;
    manager.hear("READY=1");
    assert!(Client::connect(&place.socket()).await.is_some());
    manager.hear("STATUS=1/1 agents connected, 0 runs active, 0 stuck");
    process::signal(daemon.pid(), Signal::TERM);
    assert!(manager.hear("STOPPING=1").contains("EXTEND_TIMEOUT_USEC="));
    assert_eq!(daemon.exit().await.code(), Some(0));
}

#[tokio::test]
async fn a_reload_begins_with_a_stamp_and_ends_in_readiness_whether_it_succeeds_or_not() {
    let place = Place::new();
    let manager = Manager::listen(&place);
    let daemon = start(&place, None).await;
    manager.hear("READY=1");
    for (file, told) in [("", "0 stuck"), ("typo = 1", "configuration: error: ")] {
        plan(&place, "go", file, &[&shell("a", "true")]);
        process::signal(daemon.pid(), Signal::HUP);
        let reloading = manager.hear("RELOADING=1");
        // The stamp says which reload is meant, so it is in the same message.
        assert!(reloading.lines().any(|line| line.starts_with("MONOTONIC_USEC=")), "{reloading}");
        let ready = manager.hear("READY=1");
        assert!(ready.contains(told), "{ready}");
    }
}

#[tokio::test]
async fn a_reload_that_takes_long_keeps_nobody_waiting_but_who_asked_for_it() {
    let place = Place::new();
    let text = "[workstacks.late]\n[[workstacks.late.phases]]\nid = \"a\"\ntools = [{ tool = \"log\", args = { message = \"x\" } }]\n";
    let slow = place.write("config/plans.d/slow.toml", "");
    let manager = Manager::listen(&place);
    let daemon = start(&place, None).await;
    manager.hear("READY=1");
    // A named pipe is read when somebody writes it.
    std::fs::remove_file(&slow).expect("it is there");
    mknodat(CWD, &slow, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a named pipe");
    process::signal(daemon.pid(), Signal::HUP);
    manager.hear("RELOADING=1");
    let run = daemon.client().start("code_review", &json!({ "path": place.text("work") })).await;
    daemon.client().end(&run).await;
    std::fs::write(&slow, text).expect("it is read");
    manager.hear("READY=1");
    let plans = daemon.client().plans().list(ListPlansRequest {}).await.expect("told").into_inner().plans;
    assert!(plans.iter().any(|plan| plan.id == "late"));
}

#[tokio::test]
async fn it_says_that_it_lives_as_often_as_the_manager_wants_to_hear_it() {
    let place = Place::new();
    let manager = Manager::listen(&place);
    let _daemon = start(&place, Some(Duration::from_millis(200))).await;
    for _ in 0..3 {
        manager.hear("WATCHDOG=1");
    }
}
