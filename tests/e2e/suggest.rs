//! What is called by hand again and again becomes a plan.

use op_tests::support::{Daemon, Place};
use serde_json::json;

#[tokio::test]
async fn calls_that_are_made_three_times_are_suggested_as_a_plan_that_can_be_run() {
    let place = Place::new();
    place.write("work/a.txt", "once\n");
    place.op(&["suggest"]).await.code(0).says(&["no sequence of calls was made 3 times in the last 24 h"]);
    let daemon = Daemon::start(&place).await;
    for copy in ["b.txt", "c.txt", "d.txt"] {
        place.op(&["call", "file_read", "path=a.txt"]).await.code(0);
        place.op(&["call", "file_read", "path=missing.txt"]).await.code(3);
        place.op(&["call", "file_write", &format!("path={copy}"), "content=twice"]).await.code(0);
    }
    assert_eq!(place.op(&["suggest", "--times", "4", "--json"]).await.code(0).json(), json!([]));
    let told = place.op(&["suggest", "--json"]).await.code(0).json();
    assert_eq!(told.as_array().map(Vec::len), Some(1), "{told:#}");
    assert_eq!((&told[0]["operations"], &told[0]["times"]), (&json!(["file_read", "file_write"]), &json!(3)));

    let suggested = place.op(&["suggest"]).await.code(0);
    suggested.says(&["called this 3 times"]);
    let file = place.write("config/plans.d/suggested.toml", &suggested.stdout);
    let checked = place.op(&["check", file.to_str().expect("text")]).await.code(0);
    assert_eq!((checked.stdout.as_str(), checked.stderr.as_str()), ("", ""));
    place.op(&["reload"]).await.code(0);
    let words = [
        "run",
        "file_read_to_file_write",
        "file_read_path=a.txt",
        "file_write_path=e.txt",
        "content=by a plan",
    ];
    place.op(&words).await.code(0);
    assert_eq!(place.read("work/e.txt"), "by a plan");
    // What a plan calls is nothing that anybody did by hand.
    assert_eq!(place.op(&["suggest", "--json"]).await.code(0).json()[0]["times"], 3);
    drop(daemon);
}

#[tokio::test]
async fn without_a_daemon_what_was_called_is_remembered_too() {
    let place = Place::new();
    place.write("work/a.txt", "once\n");
    for _ in 0..2 {
        place.op(&["call", "file_read", "path=a.txt"]).await.code(0);
        place.op(&["call", "file_list", "path=."]).await.code(0);
    }
    place
        .op(&["suggest", "--times", "2", "--within", "1h"])
        .await
        .code(0)
        .says(&["[workstacks.file_read_to_file_list]"]);
}
