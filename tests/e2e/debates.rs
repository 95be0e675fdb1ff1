//! Debates that end with consensus, without it, and by the word of a person.

use op_proto::v1::RunState;
use op_tests::support::client::{payload, state};
use op_tests::support::{Daemon, Place};
use serde_json::{Value, json};

use crate::shapes::{output, play};

/// Everybody who argues, and who decides.
const PARTS: [(&str, &str); 5] = [
    ("moderator", "offline.decide"),
    ("proposer", "offline.argue"),
    ("opponent", "offline.argue"),
    ("expert", "offline.argue"),
    ("devils_advocate", "offline.argue"),
];

/// Options of which one has more for it, for everybody.
const OPTIONS: &str = r#"options:=[{"name": "SQLite", "pros": ["no server", "one file", "little to learn"]},
    {"name": "PostgreSQL", "pros": ["many writers"], "cons": ["a server to look after"]}]"#;

/// What a debate with these of [`PARTS`] comes to.
async fn debated(plan: &str, parts: &[usize]) -> Value {
    let place = Place::new();
    let cast: Vec<String> = parts.iter().map(|at| format!("{}={}", PARTS[*at].0, PARTS[*at].1)).collect();
    let cast: Vec<&str> = cast.iter().map(String::as_str).collect();
    output(play(&place, &[plan, "question=SQLite or PostgreSQL?", OPTIONS], &cast).await)
}

#[track_caller]
fn agrees(output: &Value, participants: &[&str]) {
    assert_eq!(output["decision"]["decision"], "SQLite", "{output:#}");
    assert_eq!(output["consensus"]["reached"], true, "{output:#}");
    assert_eq!(output["consensus"]["participants"], json!(participants), "{output:#}");
}

#[tokio::test]
async fn a_simple_debate_of_two_ends_with_a_decision() {
    let output = debated("simple_debate", &[0, 1, 2]).await;
    agrees(&output, &["opponent", "proposer"]);
}

#[tokio::test]
async fn a_complex_debate_of_four_goes_on_for_its_least_rounds_and_ends_with_a_decision() {
    let output = debated("complex_debate", &[0, 1, 2, 3, 4]).await;
    agrees(&output, &["devils_advocate", "expert", "opponent", "proposer"]);
    assert!((3..=5).contains(&output["rounds"].as_u64().unwrap_or_default()), "{:#}", output["rounds"]);
}

#[tokio::test]
async fn a_debate_of_evolving_positions_ends_with_a_decision() {
    let output = debated("evolution_debate", &[0, 1, 2, 4]).await;
    agrees(&output, &["devils_advocate", "opponent", "proposer"]);
    assert!((2..=8).contains(&output["rounds"].as_u64().unwrap_or_default()), "{:#}", output["rounds"]);
}

#[tokio::test]
async fn a_debate_without_consensus_waits_for_a_person_who_decides() {
    let place = Place::new();
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let inputs = json!({ "question": "Is it time?" });
    let run = client.start_cast("consensus_building", &inputs, &PARTS[..4]).await;
    let gate = client.gate(&run, "escalate").await;
    assert_eq!((gate.kind.as_str(), gate.text.as_str()), ("signal", "decision"));
    assert!(gate.deadline.is_some());
    assert_eq!(state(&client.run(&run).await), RunState::Waiting);

    client.signal(&run, "decision", &json!("not yet")).await.expect("it is waited for");
    let ended = client.end(&run).await;
    assert_eq!(state(&ended), RunState::Completed, "{ended:#?}");
    let output = payload(ended.output.as_ref());
    assert_eq!((&output["decision"], &output["consensus"]["reached"]), (&json!("not yet"), &json!(false)));
    assert_eq!(output["rounds"], 4, "{output:#}");
}
