//! With tools that say what the real ones said when they were asked.

use serde_json::{Value, json};

use crate::stand_ins::StandIns;

/// An interpreter that is the real one.
const PYTHON: (&str, &str) = ("python3", "exec /usr/bin/env python3 \"$@\"");

async fn serve(programs: &[(&str, &str)]) -> StandIns {
    let agent = StandIns::of("python_pro", programs, &[]).await;
    agent.put("root/a.py", "import os\nx=1\n");
    agent
}

const RUFF: &str = r#"case "$1" in
--version) echo "ruff 0.17.6" ;;
check) cat <<END
[{"code": "F401", "filename": "$place/root/a.py", "location": {"column": 8, "row": 1}, "message": "os imported but unused"},
 {"code": "invalid-syntax", "filename": "$place/root/b.py", "location": {"column": 5, "row": 1}, "message": "Expected an identifier"}]
END
exit 1 ;;
format)
  case "$*" in
  *--diff*) grep -q x=1 "$place/root/a.py" || exit 0; printf -- '--- a.py\n+++ a.py\n@@ -1,2 +1,2 @@\n import os\n-x=1\n+x = 1\n'; exit 1 ;;
  *) sed s/x=1/'x = 1'/ ;;
  esac ;;
esac"#;

#[tokio::test]
async fn what_ruff_finds_is_the_result() {
    let agent = serve(&[("ruff", RUFF), ("flake8", "exit 9")]).await;
    let value = agent.ask("lint", json!({})).await.value();
    assert_eq!(
        (&value["tool"], &value["version"], &value["syntax_only"]),
        (&json!("ruff"), &json!("ruff 0.17.6"), &json!(false))
    );
    assert_eq!((&value["errors"], &value["warnings"]), (&json!(1), &json!(1)));
    assert_eq!(
        value["diagnostics"][1],
        json!({ "severity": "warning", "file": "a.py", "line": 1, "column": 8, "code": "F401", "message": "os imported but unused" })
    );
    let calls = agent.calls();
    let root = agent.root();
    assert_eq!(
        calls[1],
        format!("ruff check --no-fix --no-cache --output-format=json -- {}", root.display())
    );
}

#[tokio::test]
async fn another_linter_takes_over_where_the_first_is_there_in_name_only() {
    let shim = "echo 'pyenv: ruff: command not found' >&2; exit 127";
    let flake8 = "case \"$1\" in --version) echo '7.5.0 (x)' ;; *) echo \"$place/root/a.py:2:2: E225 missing whitespace\"; exit 1 ;; esac";
    let agent = serve(&[("ruff", shim), ("flake8", flake8)]).await;
    let value = agent.ask("lint", json!({})).await.value();
    assert_eq!((&value["tool"], &value["diagnostics"][0]["code"]), (&json!("flake8"), &json!("E225")));
    let answer = agent.ask("lint", json!({ "tool": "ruff" })).await;
    let (reason, detail) = answer.failed();
    assert_eq!(reason, "program_missing");
    assert!(detail["ruff"].as_str().unwrap().contains("command not found"), "{detail}");
}

#[tokio::test]
async fn without_a_linter_only_the_syntax_is_checked_and_that_is_said() {
    let agent = serve(&[PYTHON]).await;
    let answer = agent.ask("lint", json!({})).await;
    assert_eq!((&answer.value()["tool"], &answer.value()["syntax_only"]), (&json!("syntax"), &json!(true)));
    assert!(answer.text().contains("only the syntax is checked"));
}

#[tokio::test]
async fn what_is_missing_is_named_with_what_to_install() {
    let agent = serve(&[PYTHON]).await;
    for (operation, arguments, install) in [
        ("lint", json!({ "tool": "ruff" }), "pip install ruff"),
        ("typecheck", json!({}), "pip install mypy"),
        ("format", json!({}), "pip install ruff"),
    ] {
        let answer = agent.ask(operation, arguments).await;
        assert_eq!(answer.failed().0, "program_missing", "{operation}");
        assert!(answer.hint().contains(install), "{operation}: {}", answer.hint());
    }
    let agent = serve(&[]).await;
    let answer = agent.ask("run", json!({ "script": "a.py" })).await;
    assert_eq!(answer.failed().0, "program_missing");
    assert!(answer.hint().contains("python3"), "{}", answer.hint());
}

#[tokio::test]
async fn a_tool_that_breaks_is_no_clean_result() {
    let breaks = "case \"$1\" in --version) echo 1 ;; *) echo 'it broke' >&2; exit 2 ;; esac";
    let agent = serve(&[("ruff", breaks), ("mypy", breaks)]).await;
    for (operation, reason) in
        [("lint", "lint_failed"), ("typecheck", "typecheck_failed"), ("format", "format_failed")]
    {
        let answer = agent.ask(operation, json!({})).await;
        assert_eq!(answer.failed().0, reason);
        assert!(answer.message().contains("it broke"), "{}", answer.message());
    }
}

#[tokio::test]
async fn types_that_do_not_agree_are_a_failure_with_their_places() {
    let mypy = "case \"$1\" in --version) echo 'mypy 2.4' ;; *) echo 'a.py:2:1: error: Wrong  [assignment]'; exit 1 ;; esac";
    let pyright = r#"case "$1" in --version) echo "pyright 1.1" ;; *) echo "{\"generalDiagnostics\": [{\"file\": \"$place/root/a.py\",
        \"severity\": \"error\", \"message\": \"Wrong\", \"rule\": \"reportX\", \"range\": {\"start\": {\"line\": 1, \"character\": 0}}}]}"; exit 1 ;; esac"#;
    let agent = serve(&[("mypy", mypy), ("pyright", pyright)]).await;
    for (tool, code) in [("mypy", "assignment"), ("pyright", "reportX")] {
        let answer = agent.ask("typecheck", json!({ "tool": tool })).await;
        let (reason, detail) = answer.failed();
        assert_eq!(reason, "type_errors", "{tool}");
        let found = &detail["found"]["diagnostics"][0];
        let told = ["file", "line", "column", "code", "message"].map(|key| found[key].clone());
        assert_eq!(told, [json!("a.py"), json!(2), json!(1), json!(code), json!("Wrong")], "{tool}");
    }
}

#[tokio::test]
async fn code_is_checked_by_default_and_formatted_when_asked_to() {
    let agent = serve(&[("ruff", RUFF)]).await;
    let answer = agent.ask("format", json!({})).await;
    let (reason, detail) = answer.failed();
    assert_eq!((reason, &detail["files"]), ("not_formatted", &json!(["a.py"])));
    assert_eq!(agent.read("root/a.py"), "import os\nx=1\n");
    let value = agent.ask("format", json!({ "fix": true })).await.value();
    assert_eq!(value["changed"], json!(["a.py"]));
    assert_eq!(agent.read("root/a.py"), "import os\nx = 1\n");
    assert_eq!(agent.ask("format", json!({})).await.value()["changed"], json!([]));
}

/// A ruff whose diff of each file that is not formatted is 1 MiB long.
const WORDY: &str = r#"cd "$place/root"
case "$*" in
--version) echo "ruff 0.17.6" ;;
*--diff*)
    for file in *.py; do
        grep -q x=1 "$file" || continue
        printf -- "--- $file\n+++ $file\n@@ -1 +1 @@\n-x=1\n+x = 1\n"; head -c 1048576 /dev/zero | tr '\0' ' '; echo
    done; exit 1 ;;
*) sed s/x=1/'x = 1'/ ;;
esac"#;

#[tokio::test]
async fn every_file_is_formatted_however_long_the_diff_is() {
    let agent = serve(&[("ruff", WORDY)]).await;
    for name in ["b", "c", "d"] {
        agent.put(&format!("root/{name}.py"), "x=1\n");
    }
    let value = agent.ask("format", json!({ "fix": true })).await.value();
    assert_eq!(value["changed"], json!(["a.py", "b.py", "c.py", "d.py"]));
    assert_eq!(agent.read("root/d.py"), "x = 1\n");
}

#[tokio::test]
async fn a_diff_that_is_longer_than_is_read_formats_nothing_and_says_so() {
    let agent = serve(&[("ruff", WORDY)]).await;
    for number in 0..9 {
        agent.put(&format!("root/m{number}.py"), "x=1\n");
    }
    let answer = agent.ask("format", json!({ "fix": true })).await;
    assert_eq!(answer.failed().0, "format_failed");
    assert!(answer.message().contains("more than is read"), "{}", answer.message());
    assert_eq!(agent.read("root/m0.py"), "x=1\n");
}

#[tokio::test]
async fn the_environment_of_the_project_comes_first() {
    let agent = serve(&[PYTHON, ("ruff", "exit 1")]).await;
    agent.put("root/.venv/pyvenv.cfg", "");
    for (name, script) in [
        ("python", ""),
        ("python3", "echo own \"$VIRTUAL_ENV\""),
        ("ruff", "case \"$1\" in --version) echo 'own ruff' ;; *) echo '[]' ;; esac"),
    ] {
        agent.put(&format!("root/.venv/bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
        agent.allow(&format!("root/.venv/bin/{name}"));
    }
    let said = agent.ask("run", json!({ "script": "a.py" })).await.value();
    assert_eq!(said["stdout"], format!("own {}/.venv\n", agent.root().display()));
    assert_eq!(agent.ask("lint", json!({})).await.value()["version"], "own ruff");
}

/// A pytest of a few lines: it calls the plug-in as the real one does.
const PYTEST: &str = r#"
import types
def main(args, plugins):
    report = plugins[0]
    def told(outcome, when="call", **more):
        return types.SimpleNamespace(nodeid="t.py::" + outcome, location=("t.py", 4, outcome), when=when,
            passed=outcome == "passed", failed=outcome == "failed", skipped=outcome == "skipped", **more)
    if "t.py" not in " ".join(args):
        report.pytest_sessionfinish()
        return 5
    crash = types.SimpleNamespace(path="t.py", lineno=7, message="assert 1 == 2")
    report.pytest_runtest_logreport(told("passed"))
    report.pytest_runtest_logreport(told("failed", longrepr=types.SimpleNamespace(reprcrash=crash)))
    report.pytest_runtest_logreport(told("failed", when="setup", longrepr="no fixture"))
    report.pytest_runtest_logreport(told("skipped", when="setup", longrepr=("t.py", 1, "later")))
    report.pytest_runtest_logreport(told("skipped", longrepr=None, wasxfail="known"))
    report.pytest_collectreport(types.SimpleNamespace(nodeid="u.py", failed=True, skipped=False, longrepr="u.py:3: in x"))
    report.pytest_sessionfinish()
    return 1
"#;

#[tokio::test]
async fn tests_of_pytest_are_told_one_by_one() {
    let script = "export PYTHONPATH=\"$place/packages\"; exec /usr/bin/env python3 \"$@\"";
    let agent = serve(&[("python3", script)]).await;
    agent.put("packages/pytest.py", PYTEST);
    agent.put("root/t.py", "");
    agent.put("root/sub/a.py", "");
    let answer = agent.ask("test", json!({ "path": "sub" })).await;
    assert_eq!(answer.failed().0, "no_tests", "{}", answer.message());
    let answer = agent.ask("test", json!({ "targets": ["t.py"], "filter": "one" })).await;
    let (reason, detail) = answer.failed();
    assert_eq!((reason, &detail["runner"]), ("tests_failed", &json!("pytest")), "{}", answer.message());
    let tests = &detail["tests"];
    let counts =
        ["passed", "failed", "errors", "skipped", "expected_failures"].map(|count| tests[count].clone());
    assert_eq!(counts, [1, 1, 2, 1, 1].map(|count| json!(count)));
    let places: Vec<Value> = tests["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| json!([case["file"], case["line"], case["message"]]))
        .collect();
    assert_eq!(
        places,
        [
            json!(["t.py", 7, "assert 1 == 2"]),
            json!(["t.py", 5, "no fixture"]),
            json!(["u.py", 3, "u.py:3: in x"]),
            json!(["t.py", 5, "later"]),
            json!(["t.py", 5, "known"]),
        ]
    );
    assert!(agent.calls().iter().any(|call| call.contains("-k one")));
    let agent = serve(&[PYTHON]).await;
    agent.put(
        "root/tests/test_a.py",
        "import unittest\nclass A(unittest.TestCase):\n    def test_a(self): pass\n",
    );
    assert_eq!(agent.ask("test", json!({})).await.value()["passed"], 1);
}
