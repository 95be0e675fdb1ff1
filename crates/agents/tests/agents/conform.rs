//! Every bundled agent is held against the protocol.

use op_agent::conform::{Call, Report, Trial, Verdict, conform};
use op_agents::NAMES;
use op_proto::Address;
use serde_json::json;

use crate::support::{PATIENCE, Served, serve};

async fn judge(agent: &Served, trial: &Trial) -> Report {
    let address = Address::Unix(agent.outside().join("agent.sock"));
    let trial = Trial { patience: PATIENCE, ..trial.clone() };
    conform(&address, &trial, |_| {}).await.expect("the agent can be tried")
}

fn command(words: &[&str]) -> Call {
    let arguments = json!({ "program": words[0], "args": words[1..] }).to_string();
    Call { operation: "command".to_owned(), arguments }
}

#[tokio::test]
async fn every_bundled_agent_keeps_to_the_protocol() {
    for name in NAMES {
        let agent = serve(name).await;
        let report = judge(&agent, &Trial::default()).await;
        assert!(!report.falls_short(), "{name}: {report:#?}");
        let passed =
            report.findings.iter().filter(|finding| matches!(finding.verdict, Verdict::Passed { .. }));
        assert!(passed.count() >= 15, "{name}: {report:#?}");
    }
}

#[tokio::test]
async fn an_agent_that_runs_programs_stops_them_and_holds_back_their_output() {
    let tools = serve("tools").await;
    let trial = Trial {
        slow: Some(command(&["sleep", "600"])),
        large: Some(command(&["seq", "100000"])),
        write: Some(command(&["date", "+%s%N"])),
        ..Trial::default()
    };
    let report = judge(&tools, &trial).await;
    assert!(!report.falls_short(), "{report:#?}");
    let checks = [
        "execute.deadline",
        "session.cancel",
        "session.bye",
        "session.repeat_of_nothing",
        "session.credit",
        "session.large_output",
        "session.resume_output",
    ];
    for check in checks {
        assert!(matches!(report.verdict(check), Some(Verdict::Passed { .. })), "{check}: {report:#?}");
    }
}
