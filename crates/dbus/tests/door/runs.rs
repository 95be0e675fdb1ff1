//! `org.opdbus.Orchestrator1.Run`.

use std::collections::HashMap;

use zbus::{OwnedFd, OwnedObjectPath, OwnedVariant, Variant};

use crate::support::{Ear, House, MANAGER, ROOT, RUN, Table, is, none, one, path_of};

type Events = (Vec<(u64, u64, String, String, Table)>, u64, bool);

fn text(value: &OwnedVariant) -> String {
    String::try_from(value.try_clone().expect("data")).expect("a string")
}

#[tokio::test]
async fn a_run_is_started_followed_and_told_of() {
    let house = House::open().await;
    let mut ear = Ear::on(&house.client).await;
    let labels = HashMap::from([("ticket".to_owned(), "7".to_owned())]);
    let params = one("count", 5_i32);
    let run: OwnedObjectPath =
        house.call(ROOT, MANAGER, "StartRun", &("workstack", "quick", params, one("labels", labels))).await;
    let finished = ear.signal("Finished").await;
    assert_eq!(path_of(&finished), run.as_str());
    let (result, name, message): (String, String, String) = finished.body().deserialize().expect("typed");
    assert_eq!((result.as_str(), name.as_str(), message.as_str()), ("completed", "", ""));

    let path = run.as_str();
    assert_eq!(house.state(&run).await, "completed");
    assert_eq!(house.get::<String>(path, RUN, "Kind").await, "workstack");
    assert_eq!(house.get::<String>(path, RUN, "Name").await, "quick");
    assert!((house.get::<f64>(path, RUN, "Progress").await - 1.0).abs() < f64::EPSILON);
    let standard = "org.freedesktop.DBus.Properties";
    let all: Table = house.call(path, standard, "GetAll", &(RUN,)).await;
    assert_eq!(all.len(), 17, "{all:?}");
    assert_eq!(
        Variant::from(all["Labels"].try_clone().expect("data")),
        Variant::from(HashMap::from([("ticket", "7")]))
    );

    let result: Table = house.call(path, RUN, "ReadResult", &(none(),)).await;
    assert_eq!(text(&result["state"]), "completed");
    let (events, last, finished): Events = house.call(path, RUN, "ReadEvents", &(0_u64, 0_u32)).await;
    assert!(finished && last == events.len() as u64);
    assert_eq!(
        (events[0].3.as_str(), events.last().expect("some").3.as_str()),
        ("run_started", "run_completed")
    );
    let (page, last, finished): Events = house.call(path, RUN, "ReadEvents", &(2_u64, 3_u32)).await;
    assert!(!finished && last == 5);
    assert_eq!(page.iter().map(|event| event.0).collect::<Vec<_>>(), [3, 4, 5]);

    let output: Table = house.call(path, RUN, "ReadOutput", &("a", none())).await;
    assert_eq!(text(&output["stdout"]), "done\n");
    let why: Vec<String> = house.call(path, RUN, "Explain", &()).await;
    assert!(!why.is_empty());
    house.close().await;
}

#[tokio::test]
async fn a_run_is_paused_and_resumed_and_cancelled_and_its_state_is_told_before_the_answer() {
    let house = House::open().await;
    let mut ear = Ear::on(&house.client).await;
    let run = house.start("held").await;
    house.steer(&run, "Pause", one("reason", "lunch")).await;
    assert_eq!(house.state(&run).await, "paused");
    let (state, reason): (String, String) = {
        let value: OwnedVariant =
            house.call(run.as_str(), "org.freedesktop.DBus.Properties", "Get", &(RUN, "StateReason")).await;
        <(String, String)>::try_from(zbus::Structure::try_from(value).expect("a structure"))
            .expect("two strings")
    };
    assert_eq!((state.as_str(), reason.as_str()), ("paused", "lunch"));
    house.steer(&run, "Resume", none()).await;
    assert_eq!(house.state(&run).await, "running");
    let mut options = one("reason", "enough");
    options.extend(one("rollback", true));
    house.steer(&run, "Cancel", options).await;
    house.was_stopped(1).await;
    let finished = ear.signal("Finished").await;
    let (result, name, message): (String, String, String) = finished.body().deserialize().expect("typed");
    assert_eq!(
        name,
        format!(
            "org.opdbus.Orchestrator1.Error.{}",
            if result == "cancelled" { "RunCancelled" } else { "RunRolledBack" }
        )
    );
    assert!(message.contains("enough"), "{message}");
    assert_eq!(house.refused(run.as_str(), RUN, "Pause", &(none(),)).await, "RunState");
    house.close().await;
}

#[tokio::test]
async fn a_run_hears_signals_and_answers_to_its_questions() {
    let house = House::open().await;
    let mut ear = Ear::on(&house.client).await;
    let run = house.start("gated").await;
    let data = Variant::from("now");
    house.call::<_, ()>(run.as_str(), RUN, "Signal", &("go", data, none())).await;
    ear.wait(|message| {
        is(message, "PhaseChanged")
            && message
                .body()
                .deserialize::<(u64, String, String, String, Table)>()
                .is_ok_and(|(_, phase, _, new, _)| phase == "b" && new == "running")
    })
    .await;
    house.call::<_, ()>(run.as_str(), RUN, "Approve", &("", true, one("comment", "fine"))).await;
    ear.signal("Finished").await;
    assert_eq!(house.state(&run).await, "completed");
    let undone: Table = house.call(run.as_str(), RUN, "RollBack", &(one("dry-run", true),)).await;
    assert!(format!("{undone:?}").contains("w.step"), "{undone:?}");
    assert_eq!(house.state(&run).await, "completed");
    house.call::<_, Table>(run.as_str(), RUN, "RollBack", &(none(),)).await;
    ear.signal("Finished").await;
    assert_eq!(house.state(&run).await, "rolled_back");
    house.close().await;
}

#[tokio::test]
async fn a_failed_run_says_why_and_is_retried_at_the_same_path() {
    let house = House::open().await;
    let mut ear = Ear::on(&house.client).await;
    let run = house.start("failing").await;
    let finished = ear.signal("Finished").await;
    let (result, name, message): (String, String, String) = finished.body().deserialize().expect("typed");
    assert_eq!((result.as_str(), name.as_str()), ("failed", "org.opdbus.Orchestrator1.Error.RunFailed"));
    assert!(!message.is_empty());
    let again: OwnedObjectPath = house.call(run.as_str(), RUN, "Retry", &("", none())).await;
    assert_eq!(again, run);
    ear.signal("Finished").await;
    assert_eq!(house.refused(run.as_str(), RUN, "Retry", &("nobody", none())).await, "StepUnknown");
    house.close().await;
}

#[tokio::test]
async fn others_play_what_has_not_begun_and_unknown_ones_are_refused() {
    let house = House::open().await;
    let run = house.start("gated").await;
    let cast = HashMap::from([("b".to_owned(), "w.fail".to_owned())]);
    house.call::<_, ()>(run.as_str(), RUN, "Recast", &(cast, none())).await;
    let cast = HashMap::from([("c".to_owned(), "w.fail".to_owned())]);
    assert_eq!(house.refused(run.as_str(), RUN, "Recast", &(cast, none())).await, "CastInvalid");
    assert_eq!(house.refused(run.as_str(), RUN, "Resolve", &(true, none())).await, "RunState");
    assert_eq!(house.refused(run.as_str(), RUN, "ReadResult", &(none(),)).await, "RunNotFinished");
    house.close().await;
}

#[tokio::test]
async fn output_that_is_too_large_for_the_bus_is_cut_and_says_where_the_rest_is() {
    let house = House::open().await;
    let mut ear = Ear::on(&house.client).await;
    let run = house.start("noisy").await;
    ear.signal("Finished").await;
    let output: Table = house.call(run.as_str(), RUN, "ReadOutput", &("a", none())).await;
    assert_eq!(text(&output["stdout"]).len(), 256 << 10);
    assert!(text(&output["rest"]).contains("gRPC"), "{}", text(&output["rest"]));
    assert_eq!(house.refused(run.as_str(), RUN, "ReadOutput", &("z", none())).await, "StepUnknown");
    house.close().await;
}

#[tokio::test]
async fn events_come_through_a_pipe_to_the_last_one() {
    use tokio::io::AsyncBufReadExt as _;
    let house = House::open().await;
    let run = house.start("held").await;
    let pipe: OwnedFd = house.call(run.as_str(), RUN, "OpenEventStream", &(one("after-seq", 1_u64),)).await;
    let pipe = tokio::net::unix::pipe::Receiver::from_owned_fd(pipe.into()).expect("a pipe");
    let mut lines = tokio::io::BufReader::new(pipe).lines();
    let first = lines.next_line().await.expect("readable").expect("a line");
    assert!(first.contains("\"sequence\":2"), "{first}");
    house.perform.was_asked(1).await;
    house.release.notify_one();
    let mut last = first;
    while let Some(line) = lines.next_line().await.expect("readable") {
        last = line;
    }
    assert!(last.contains("run_completed"), "{last}");
    house.close().await;
}
