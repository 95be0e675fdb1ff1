use op_agents::Settings;
use serde_json::{Value, json};

use crate::support::{Served, piece, serve, serve_with};

/// The agent with a directory of its own.
async fn thinker() -> (tempfile::TempDir, Served) {
    let state = tempfile::tempdir().unwrap();
    let settings = Settings { state: Some(state.path().to_owned()), ..Settings::default() };
    (state, serve_with("sequential_thinking", settings).await)
}

async fn told(agent: &Served, operation: &str, arguments: Value) -> Value {
    agent.ask(operation, arguments).await.value()
}

#[tokio::test]
async fn what_a_plan_hands_over_is_read_line_by_line_and_streamed() {
    let (_state, agent) = thinker().await;
    let requirements = "# Export\n1. Users must export reports as CSV.\n2. The export must be fast.\n";
    let arguments = json!({
        "requirements": { "path": "/w/wanted.md", "content": requirements, "bytes": requirements.len() },
        "analysis": { "crates": { "members": [{ "name": "reports", "files": 3 }] }, "score": 90 },
    });
    let answer = agent.ask("think", arguments).await;
    let value = answer.value();
    assert_eq!(
        answer.text(),
        "1 observation (/w/wanted.md:2): Users must export reports as CSV.\n\
         2 observation (/w/wanted.md:2) on 1: `reports` is there already: analysis.crates.members[0].\n\
         3 observation (/w/wanted.md:3): The export must be fast.\n\
         4 question (/w/wanted.md:3) on 3: How is \"fast\" measured, and from which number on is it met?\n\
         5 analysis (/w/wanted.md:1) on 1, 3: \"Export\" is the work T1, T2 after T1.\n\
         6 conclusion (/w/wanted.md:2) on 5: 2 requirements can be met in 2 waves; 1 question and 0 contradictions are open.\n"
    );
    assert_eq!((&value["state"], &value["waves"]), (&json!("concluding"), &json!([["T1"], ["T2"]])));
    assert_eq!(value["findings"][0]["rule"], "unanswered");
    let id = value["chain"].as_str().unwrap();
    let closed = told(&agent, "conclude", json!({ "chain": id })).await;
    assert_eq!(
        (&closed["state"], &closed["open_questions"].as_array().unwrap().len()),
        (&json!("complete"), &1)
    );
    assert_eq!(closed["confidence"], 0.808);
}

#[tokio::test]
async fn a_chain_is_started_extended_judged_forked_and_closed() {
    let (_state, agent) = thinker().await;
    let start = json!({ "question": "Why is the disk full?", "max_steps": 4 });
    let id = told(&agent, "start_chain", start).await["chain"].as_str().unwrap().to_owned();
    let add = |thought: Value| {
        let mut arguments = thought;
        arguments["chain"] = json!(id);
        agent.ask("add_thought", arguments)
    };
    add(json!({ "text": "The log fills it.", "type": "hypothesis", "confidence": 0.6 })).await.value();
    add(json!({ "text": "The log has 3 MB.", "confidence": 1, "refutes": [1], "builds_on": [1] }))
        .await
        .value();
    let bad = add(json!({ "text": "Rotate the log.", "type": "conclusion", "builds_on": [1] })).await.value();
    let rules: Vec<&Value> = bad["findings"].as_array().unwrap().iter().map(|found| &found["rule"]).collect();
    assert_eq!(rules, ["refuted_in_use", "unsupported"]);
    let refused = agent.ask("conclude", json!({ "chain": id })).await;
    assert_eq!(refused.rejected(), "unsupported");
    let analysis = told(&agent, "analyze", json!({ "chain": id })).await;
    assert_eq!(analysis["score"], 0.55);
    let revised = json!({ "text": "Look elsewhere.", "type": "conclusion", "revises": 3, "builds_on": [2], "confidence": 0.9 });
    assert_eq!(add(revised).await.value()["left"], 0);
    assert_eq!(add(json!({ "text": "more" })).await.rejected(), "max_steps");
    let reflection = told(&agent, "reflect", json!({ "chain": id })).await;
    assert_eq!(
        reflection["changed"],
        json!(["step 1 was refuted by step 2", "step 3 was revised by step 4"])
    );
    let shown = told(&agent, "get_chain", json!({ "chain": id })).await;
    assert_eq!(
        (&shown["thoughts"][2]["standing"], &shown["state"]),
        (&json!({ "revised": 4 }), &json!("concluding"))
    );
    let fork = told(&agent, "fork_chain", json!({ "chain": id, "step": 2, "max_steps": 9 })).await;
    assert_eq!((&fork["step"], &fork["left"]), (&json!(2), &json!(7)));
    assert_eq!(agent.ask("conclude", json!({ "chain": fork["chain"] })).await.rejected(), "no_conclusion");
    assert_eq!(agent.ask("get_chain", json!({ "chain": "nobody" })).await.rejected(), "not_found");
}

#[tokio::test]
async fn thoughts_are_added_to_a_chain_that_is_named() {
    let (_state, agent) = thinker().await;
    let first = told(&agent, "think", json!({ "thought": "It rains." })).await;
    assert_eq!((&first["question"], &first["state"]), (&json!("It rains."), &json!("thinking")));
    let id = &first["chain"];
    let thoughts = json!([{ "text": "Take a coat.", "type": "conclusion", "builds_on": [1] }, "Which one?"]);
    let second = told(&agent, "think", json!({ "thoughts": thoughts, "chain": id })).await;
    let steps: Vec<&Value> =
        second["thoughts"].as_array().unwrap().iter().map(|thought| &thought["step"]).collect();
    assert_eq!(steps, [2, 3]);
    for (arguments, reason) in [
        (json!({}), "missing_argument"),
        (json!({ "thought": "x", "chain": id, "style": "critical" }), "conflicting_arguments"),
        (json!({ "thought": { "text": "x", "confidence": 2 } }), "invalid_thought"),
        (json!({ "thought": "x", "max_steps": 0 }), "invalid_steps"),
        (json!({ "thought": "x", "scope": "session" }), "no_session"),
    ] {
        assert_eq!(agent.ask("think", arguments.clone()).await.rejected(), reason, "{arguments}");
    }
    let nowhere = serve("sequential_thinking").await;
    assert_eq!(nowhere.ask("think", json!({ "thought": "x" })).await.failed().0, "not_configured");
}

#[tokio::test]
async fn steps_are_planned_and_thoughts_analyzed_without_anything_being_kept() {
    let agent = serve("sequential_thinking").await;
    let steps = json!(["Test after T2.", "Build it."]);
    let planned = told(&agent, "plan", json!({ "goal": "ship", "steps": steps })).await;
    assert_eq!(planned["waves"], json!([["T2"], ["T1"]]));
    let cycle = json!([{ "text": "a", "depends_on": ["T2"] }, { "text": "b", "depends_on": ["T1"] }]);
    assert_eq!(agent.ask("plan", json!({ "steps": cycle })).await.rejected(), "cycle");
    let analysis =
        told(&agent, "analyze", json!({ "thoughts": ["It rains.", "It does not rain today."] })).await;
    assert_eq!(analysis["standing"], 2);
    assert_eq!(agent.ask("analyze", json!({})).await.rejected(), "missing_argument");
}

#[tokio::test]
async fn the_first_thoughts_come_while_the_others_are_being_made() {
    let (_state, agent) = thinker().await;
    let text: String =
        (0..200).map(|number| format!("- Part {number} must be painted by robot {number}.\n")).collect();
    let mut events = agent.begin("think", json!({ "wanted": text })).await;
    assert!(piece(&mut events).await.starts_with("1 observation (wanted:1): Part 0"));
}
