//! Each test asks this program again, in a process of its own: a sandbox cannot be taken off.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use op_agent::Listener;
use op_agents::sandbox::Enforcement;
use op_agents::settings::Confinement;
use op_agents::{Settings, lifeline, sandbox};
use op_proto::Address;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{ask, other_side, reach};

/// What the other side could do.
fn tried(name: &str, place: &TempDir) -> String {
    for directory in ["root", "outside", "tmp", "run"] {
        fs::create_dir(place.path().join(directory)).unwrap();
    }
    fs::write(place.path().join("root/file"), "inside").unwrap();
    fs::write(place.path().join("outside/secret"), "outside").unwrap();
    std::os::unix::fs::symlink("../outside/secret", place.path().join("root/link")).unwrap();
    let output = other_side("sandbox::the_other_side")
        .env("TMPDIR", place.path().join("tmp"))
        .env("OP_AGENTS_PLACE", place.path())
        .env("OP_AGENTS_NAME", name)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[test]
#[ignore = "the other side of the tests below"]
fn the_other_side() {
    let place = PathBuf::from(env::var_os("OP_AGENTS_PLACE").expect("another test sets it"));
    let name = env::var("OP_AGENTS_NAME").unwrap();
    let settings = Settings { roots: vec![place.join("root")], ..Settings::default() };
    let listen = Address::Unix(place.join("run/agent.sock"));
    let report = sandbox(&name, &settings, Some(&listen)).unwrap();
    println!("\nENFORCED {:?}", report.enforcement);
    let said = |what: &str, done: bool| println!("{what} {done}");
    said("reads-inside", fs::read(place.join("root/file")).is_ok());
    said("reads-outside", fs::read(place.join("outside/secret")).is_ok());
    said("reads-through-link", fs::read(place.join("root/link")).is_ok());
    said("lists-outside", fs::read_dir(place.join("outside")).is_ok());
    said("writes-inside", fs::write(place.join("root/new"), "x").is_ok());
    said("writes-outside", fs::write(place.join("outside/new"), "x").is_ok());
    said("writes-tmp", fs::write(place.join("tmp/new"), "x").is_ok());
    said("listens", std::os::unix::net::UnixListener::bind(place.join("run/agent.sock")).is_ok());
    said("writes-beside-socket", fs::write(place.join("run/new"), "x").is_ok());
    said("runs", ran("cat", &place.join("root/file")));
    said("program-reads-outside", ran("cat", &place.join("outside/secret")));
    said("program-signals-parent", signals_parent());
}

fn ran(program: &str, path: &Path) -> bool {
    Command::new(program).arg(path).output().is_ok_and(|output| output.status.success())
}

/// Signal 0 only asks whether a signal could be sent.
fn signals_parent() -> bool {
    let parent = std::os::unix::process::parent_id().to_string();
    Command::new("sh").args(["-c", "kill -0 $0", &parent]).status().is_ok_and(|status| status.success())
}

/// Whether there is anything to test on this kernel; a kernel that enforces less is told loudly.
fn is_enforced(said: &str) -> bool {
    let full = said.contains("ENFORCED Full");
    if !full {
        eprintln!("SKIPPED: this kernel does not enforce all of landlock: {said}");
    }
    full
}

#[test]
fn an_agent_that_works_reaches_its_roots_and_nothing_beside_them() {
    let place = tempfile::tempdir().unwrap();
    let said = tried("tools", &place);
    if !is_enforced(&said) {
        return;
    }
    for line in ["reads-inside true", "writes-inside true", "writes-tmp true", "listens true", "runs true"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    for line in [
        "reads-outside false",
        "reads-through-link false",
        "lists-outside false",
        "writes-outside false",
        "writes-beside-socket false",
        "program-reads-outside false",
        "program-signals-parent false",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

#[test]
fn an_agent_that_looks_cannot_write_at_all() {
    for name in ["backend_architect", "debugger", "security_auditor", "search_specialist"] {
        let place = tempfile::tempdir().unwrap();
        let said = tried(name, &place);
        if !is_enforced(&said) {
            return;
        }
        for line in [
            "reads-inside true",
            "writes-inside false",
            "writes-tmp false",
            "reads-outside false",
            "listens true",
        ] {
            assert!(said.contains(line), "{name}: {line}: {said}");
        }
    }
}

#[test]
fn an_agent_that_writes_without_programs_writes_below_its_roots_only() {
    let place = tempfile::tempdir().unwrap();
    let said = tried("offline", &place);
    if !is_enforced(&said) {
        return;
    }
    for line in ["reads-inside true", "writes-inside true", "writes-tmp false", "writes-outside false"] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

#[test]
#[ignore = "the other side of the test below"]
fn a_confined_rust_pro() {
    let place = PathBuf::from(env::var_os("OP_AGENTS_PLACE").expect("another test sets it"));
    let settings = Settings { roots: vec![place.join("root")], ..Settings::default() };
    let listen = Address::Unix(place.join("run/agent.sock"));
    sandbox("rust_pro", &settings, Some(&listen)).unwrap();
    let cut = lifeline::watch();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let listener = Listener::bind(&listen).await.unwrap();
        op_agents::build("rust_pro", &settings).unwrap().serve(listener, cut).await.unwrap();
    });
}

#[tokio::test]
async fn a_confined_rust_pro_still_compiles_tests_and_lints_but_its_tests_see_nothing_outside() {
    let place = tempfile::tempdir().unwrap();
    for directory in ["root/src", "tmp", "run"] {
        fs::create_dir_all(place.path().join(directory)).unwrap();
    }
    let secret = place.path().join("secret");
    fs::write(&secret, "outside").unwrap();
    let manifest = "[package]\nname = \"sample\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
    fs::write(place.path().join("root/Cargo.toml"), manifest).unwrap();
    let lib = format!(
        "//! ```\n//! assert!(true);\n//! ```\n#[test]\nfn sees() {{ assert!(std::fs::read({secret:?}).is_err()); }}\n"
    );
    fs::write(place.path().join("root/src/lib.rs"), lib).unwrap();
    let mut agent = other_side("sandbox::a_confined_rust_pro")
        .env("TMPDIR", place.path().join("tmp"))
        .env("OP_AGENTS_PLACE", place.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let client = reach(&place.path().join("run/agent.sock")).await;
    for (operation, told) in
        [("check", "counts"), ("clippy", "findings"), ("doc", "counts"), ("version", "cargo")]
    {
        let answer = ask(client.clone(), operation, &json!({})).await;
        assert!(answer.value()[told] != serde_json::Value::Null, "{operation}");
    }
    let tested = ask(client, "test", &json!({})).await;
    let enforced = sandbox_is_enforced();
    drop(agent.stdin.take());
    agent.wait().unwrap();
    if enforced {
        assert_eq!(
            tested.value()["tests"],
            json!({ "passed": 2, "failed": 0, "ignored": 0, "failures": [] })
        );
    }
}

/// Whether this kernel has all of landlock, asked of a thread that is thrown away.
pub(crate) fn sandbox_is_enforced() -> bool {
    let listen = Address::Tcp { host: "127.0.0.1".into(), port: 0 };
    let confined = std::thread::spawn(move || sandbox("tools", &Settings::default(), Some(&listen)).unwrap());
    confined.join().unwrap().enforcement == Enforcement::Full
}

#[test]
fn switched_off_it_is_off_and_says_so() {
    let settings = Settings { sandbox: Confinement::Off, ..Settings::default() };
    let listen = Address::Tcp { host: "127.0.0.1".into(), port: 0 };
    let report = sandbox("tools", &settings, Some(&listen)).unwrap();
    assert_eq!(report.enforcement, Enforcement::Off);
    assert!(report.warning().is_some());
    assert!(fs::read("/proc/self/status").is_ok());
}
