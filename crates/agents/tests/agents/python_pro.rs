//! With the interpreter of this machine, and what every one of them brings.

use serde_json::json;

use crate::support::{Served, ends, piece, serve};

async fn project(files: &[(&str, &str)]) -> Served {
    let agent = serve("python_pro").await;
    for (path, text) in files {
        agent.put(path, text);
    }
    agent
}

#[tokio::test]
async fn a_script_and_a_module_are_run_with_their_arguments_and_input() {
    let script = "import sys\nprint(sys.argv[1:], sys.stdin.read())\nprint('aside', file=sys.stderr)\n";
    let agent = project(&[("app/main.py", script), ("app/__init__.py", "")]).await;
    for what in [json!({ "script": "app/main.py" }), json!({ "module": "app.main" })] {
        let mut arguments = what;
        arguments["args"] = json!(["-c", "two words"]);
        arguments["stdin"] = json!("input");
        let answer = agent.ask("run", arguments).await;
        let value = answer.value();
        assert_eq!(value["stdout"], "['-c', 'two words'] input\n");
        assert_eq!(value["stderr"], "aside\n");
        assert_eq!(answer.evidence.exit_code, Some(0));
        assert!(answer.text().contains("two words"));
    }
}

#[tokio::test]
async fn a_program_that_fails_is_a_failure_with_its_exit_code_and_words() {
    let agent = project(&[("bad.py", "import sys\nprint('said')\nsys.exit(3)\n")]).await;
    let answer = agent.ask("run", json!({ "script": "bad.py" })).await;
    let (reason, detail) = answer.failed();
    assert_eq!(
        (reason, &detail["exit_code"], &detail["stdout"]),
        ("exit_status", &json!(3), &json!("said\n"))
    );
    assert_eq!(agent.ask("run", json!({ "script": "../secret" })).await.rejected(), "outside_roots");
    assert_eq!(agent.ask("run", json!({ "module": "-c" })).await.rejected(), "invalid_arguments");
}

#[tokio::test]
async fn what_a_program_says_is_heard_at_once_and_it_ends_with_its_call() {
    let agent =
        project(&[("wait.py", "import os, threading\nprint(os.getpid())\nthreading.Event().wait()\n")]).await;
    let mut events = agent.begin("run", json!({ "script": "wait.py" })).await;
    let pid = piece(&mut events).await.trim().parse().unwrap();
    drop(events);
    ends(pid).await;
    let answer = agent.ask("run", json!({ "script": "wait.py", "timeout_secs": 0 })).await;
    assert_eq!(answer.failed().0, "timed_out");
}

const TESTS: &str = "import unittest

class Some(unittest.TestCase):
    def test_good(self):
        pass

    def test_bad(self):
        self.assertEqual(1, 2)

    def test_broken(self):
        raise KeyError('x')

    @unittest.skip('later')
    def test_later(self):
        pass

    @unittest.expectedFailure
    def test_known(self):
        self.fail()
";

#[tokio::test]
async fn tests_of_unittest_are_told_one_by_one() {
    let agent = project(&[("tests/test_some.py", TESTS), ("tests/test_import.py", "import nowhere\n")]).await;
    let answer = agent.ask("test", json!({ "runner": "unittest" })).await;
    let (reason, detail) = answer.failed();
    assert_eq!(reason, "tests_failed");
    let tests = &detail["tests"];
    let counts =
        ["passed", "failed", "errors", "skipped", "expected_failures"].map(|count| tests[count].clone());
    assert_eq!(counts, [1, 1, 2, 1, 1].map(|count| json!(count)));
    let case = |name: &str| {
        let cases = tests["cases"].as_array().unwrap();
        cases.iter().find(|case| case["test"].as_str().unwrap().ends_with(name)).expect(name).clone()
    };
    let bad = case("test_bad");
    assert_eq!(
        (&bad["outcome"], &bad["file"], &bad["line"]),
        (&json!("failed"), &json!("tests/test_some.py"), &json!(8))
    );
    assert!(bad["message"].as_str().unwrap().contains("1 != 2"), "{bad}");
    assert_eq!(
        (&case("test_broken")["outcome"], &case("test_broken")["line"]),
        (&json!("error"), &json!(11))
    );
    assert_eq!(case("test_later")["message"], "later");
    assert!(case("test_import")["message"].as_str().unwrap().contains("nowhere"));
    assert_eq!(answer.evidence.exit_code, Some(1));
}

#[tokio::test]
async fn tests_are_chosen_by_file_name_and_word_and_then_succeed() {
    let agent = project(&[("tests/test_some.py", TESTS), ("sub/test_b.py", TESTS)]).await;
    for arguments in [
        json!({ "filter": "GOOD", "targets": ["tests"] }),
        json!({ "targets": ["tests/test_some.py::Some::test_good"] }),
        json!({ "path": "tests", "targets": ["test_some.py"], "filter": "good" }),
    ] {
        let mut arguments = arguments;
        arguments["runner"] = json!("unittest");
        let value = agent.ask("test", arguments).await.value();
        assert_eq!((&value["runner"], &value["passed"]), (&json!("unittest"), &json!(1)));
        assert_eq!(value["cases"], json!([]));
    }
    let answer = agent.ask("test", json!({ "targets": ["../secret"] })).await;
    assert_eq!(answer.rejected(), "outside_roots");
    assert_eq!(agent.ask("test", json!({ "filter": "a or b" })).await.rejected(), "invalid_arguments");
}

#[tokio::test]
async fn no_test_is_no_success() {
    let agent = project(&[
        ("none/a.py", ""),
        (
            "skipped/test_a.py",
            "import unittest\n@unittest.skip('x')\nclass A(unittest.TestCase):\n    def test_a(self): pass\n",
        ),
        (
            "leaves/test_a.py",
            "import os, unittest\nclass A(unittest.TestCase):\n    def test_a(self): os._exit(0)\n",
        ),
    ])
    .await;
    for (path, reason) in [("none", "no_tests"), ("skipped", "no_tests"), ("leaves", "tests_not_run")] {
        let answer = agent.ask("test", json!({ "path": path, "runner": "unittest" })).await;
        assert_eq!(answer.failed().0, reason, "{path}: {}", answer.message());
    }
}

#[tokio::test]
async fn the_syntax_is_checked_without_a_linter_and_nothing_else_is_claimed_or_written() {
    let agent = project(&[("good.py", "import os\n"), ("bad.py", "x = 1\ndef f(:\n")]).await;
    let value = agent.ask("lint", json!({ "tool": "syntax" })).await.value();
    assert_eq!((&value["syntax_only"], &value["errors"]), (&json!(true), &json!(1)));
    let found = &value["diagnostics"][0];
    assert_eq!(
        (&found["file"], &found["line"], &found["severity"]),
        (&json!("bad.py"), &json!(2), &json!("error"))
    );
    assert_eq!(std::fs::read_dir(&agent.root).unwrap().count(), 2);
    let answer = agent.ask("lint", json!({ "tool": "syntax", "files": ["good.py"] })).await;
    assert_eq!(answer.value()["errors"], 0);
    agent.put("empty/a.txt", "");
    assert_eq!(agent.ask("lint", json!({ "tool": "syntax", "path": "empty" })).await.failed().0, "no_files");
}
