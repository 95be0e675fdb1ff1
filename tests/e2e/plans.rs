//! Plans that are wrong, plans of the tests, and steps that wait for a test to let them go on.

use std::fs::File;
use std::path::PathBuf;

use op_tests::support::{Place, until};
use rustix::fs::{CWD, FileType, Mode, mknodat};

/// Writes a workstack of these phases, as TOML after `[[workstacks.NAME.phases]]`, below these keys.
pub(crate) fn plan(place: &Place, name: &str, keys: &str, phases: &[&str]) {
    let phases: String =
        phases.iter().map(|phase| format!("[[workstacks.{name}.phases]]\n{phase}\n")).collect();
    place.write(&format!("config/plans.d/{name}.toml"), &format!("[workstacks.{name}]\n{keys}\n{phases}"));
}

/// A phase of one shell script.
pub(crate) fn shell(id: &str, script: &str) -> String {
    format!("id = \"{id}\"\ntools = [{}]", sh(script))
}

/// A call of `command` with a shell script.
pub(crate) fn sh(script: &str) -> String {
    format!("{{ tool = \"command\", args = {{ program = \"sh\", args = [\"-c\", {script:?}] }} }}")
}

/// A phase that waits at the gate.
pub(crate) const WAIT: &str =
    "id = \"wait\"\ntools = [{ tool = \"command\", args = { program = \"cat\", args = [\"gate\"] } }]";

/// A named pipe in `work`; a program that reads it waits until it is opened.
pub(crate) struct Gate(PathBuf);

/// Makes the gate `work/gate`.
pub(crate) fn gate(place: &Place) -> Gate {
    let path = place.at("work/gate");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a named pipe");
    Gate(path)
}

impl Gate {
    /// Lets one reader go on, which must be there.
    pub(crate) fn open(&self) {
        drop(File::options().write(true).open(&self.0).expect("somebody waits at the gate"));
    }
}

/// Waits until a program reads the gate.
pub(crate) async fn is_waiting(place: &Place) {
    runs(place, "cat gate").await;
}

/// Waits until a program with these words runs in a place, and returns its number.
pub(crate) async fn runs(place: &Place, line: &str) -> u32 {
    until(line, async || {
        place.processes().iter().find(|process| process.line == line).map(|process| process.pid)
    })
    .await
}

#[tokio::test]
async fn every_mistake_in_a_plan_is_shown_at_once_with_its_place_and_the_nearest_name() {
    let place = Place::new();
    let file = place.write("work/bad.toml", BAD);
    let ended = place.op(&["check", file.to_str().expect("text")]).await.code(2);
    for (wrong, line, help) in [
        ("unknown key `descripton`", 2, "`description`"),
        ("unknown phase `nowhere`", 3, "`a`"),
        ("unknown type `paht`", 6, "`path`"),
        ("unknown agent `rust_por`", 10, "`rust_pro`"),
        ("no operation `tset`", 10, "`test`"),
        ("a -> b -> a", 11, "depends_on"),
        ("unknown tool `file_raed`", 15, "`file_read`"),
        ("nothing is called `pth`", 15, "`path`"),
        ("the expression ends too early", 17, "^"),
    ] {
        ended.says(&[wrong, &format!("bad.toml:{line}:"), help]);
    }
    let json = place.op(&["check", "--json", "bad.toml"]).await.code(2).json();
    assert_eq!(json.as_array().map(Vec::len), Some(9), "{json:#}");
    assert!(json.as_array().expect("a list").iter().all(|one| one["column"].as_u64() > Some(0)));
}

#[tokio::test]
async fn text_that_is_no_toml_is_shown_with_a_caret() {
    let place = Place::new();
    for text in ["a = [", "[workstacks.x", "= 3", "a = 1\na = 2", "\u{0}", "[workstacks]\nx = 3"] {
        let ended = place.op_reading(&["check", "-"], text).await.code(2);
        ended.says(&["error:", "<stdin>:", "^"]).has_not_panicked();
    }
}

#[tokio::test]
async fn a_good_plan_is_passed_in_silence() {
    let place = Place::new();
    plan(&place, "good", "", &[&shell("a", "true"), WAIT]);
    let ended = place.op(&["check", &place.text("config/plans.d/good.toml")]).await.code(0);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
}

#[tokio::test]
async fn a_plan_with_errors_is_left_out_and_the_others_run() {
    let place = Place::new();
    place.write("config/plans.d/bad.toml", BAD);
    plan(&place, "good", "", &[&shell("a", "true")]);
    place.op(&["run", "good"]).await.code(0);
    place.op(&["run", "bad"]).await.code(2).says(&["bad.toml:2:1"]);
}

#[tokio::test]
async fn a_value_that_does_not_resolve_fails_its_step_and_is_never_an_empty_text() {
    let place = Place::new();
    let list =
        "id = \"list\"\ntools = [{ tool = \"file_list\", args = { path = \".\" }, store_as = \"listed\" }]";
    let echo = "id = \"echo\"\ntools = [{ tool = \"file_write\", args = { path = \"out\", content = \"${listed.nothing.here}\" } }]";
    plan(&place, "hole", "", &[list, echo]);
    place.op(&["run", "hole"]).await.code(3).says(&["echo"]);
    assert!(!place.at("work/out").exists());
}

const BAD: &str = r#"[workstacks.bad]
descripton = "x"
parallel_phases = ["a", "nowhere"]

[workstacks.bad.inputs]
path = { type = "paht" }

[[workstacks.bad.phases]]
id = "a"
agents = ["rust_por.test", "rust_pro.tset"]
depends_on = ["b"]

[[workstacks.bad.phases]]
id = "b"
tools = [{ tool = "file_raed", args = { path = "${pth}" } }]
depends_on = ["a"]
when = "path +"
"#;
