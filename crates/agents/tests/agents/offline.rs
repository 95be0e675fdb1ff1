use serde_json::{Value, json};

use crate::support::{Served, serve};

/// What every plan gives beside the arguments of an operation.
async fn ask(agent: &Served, operation: &str, mut arguments: Value) -> Value {
    arguments["role"] = json!({ "name": "somebody", "prompt": "You are somebody." });
    arguments["task"] = json!({ "name": operation, "description": "Do it." });
    arguments["unknown"] = json!(1);
    agent.ask(operation, arguments).await.value()
}

#[tokio::test]
async fn a_site_with_a_link_to_a_missing_page_is_rejected_mended_and_then_approved() {
    let agent = serve("offline").await;
    let goal = "Create a website for a bakery with pages Menu and Contact.\n\nMeet [the bakers](bakers.html) \
                and read [our story](story/index.html).";
    let specification = ask(&agent, "specify", json!({ "goal": goal })).await;
    assert_eq!(specification["title"], "Bakery");

    let arguments = json!({ "goal": goal, "input": specification, "folder": "site" });
    let built = ask(&agent, "build_site", arguments).await;
    assert_eq!(built["files"], json!(["contact.html", "index.html", "menu.html", "style.css"]));
    let review = ask(&agent, "review_site", json!({ "folder": "site", "input": built })).await;
    assert_eq!(review["approved"], false);
    let targets: Vec<&Value> =
        review["issues"].as_array().unwrap().iter().map(|one| &one["target"]).collect();
    assert_eq!(targets, ["bakers.html", "story/index.html"]);

    let arguments = json!({ "input": review, "specification": specification, "folder": "site" });
    let mended = ask(&agent, "build_site", arguments).await;
    assert_eq!(mended["mended"].as_array().unwrap().len(), 2, "{mended}");
    assert!(mended["files"].as_array().unwrap().contains(&json!("bakers.html")));
    let review = ask(&agent, "review_site", json!({ "folder": "site" })).await;
    assert_eq!((&review["approved"], &review["issues"]), (&json!(true), &json!([])));
    assert_eq!(review["checked"]["files"], 4);
}

#[tokio::test]
async fn no_operation_leaves_the_roots() {
    let agent = serve("offline").await;
    for (operation, arguments) in [
        ("build_site", json!({ "goal": "A site.", "folder": "../site" })),
        ("review_site", json!({ "folder": ".." })),
        ("analyze_code", json!({ "path": "../secret" })),
        ("research", json!({ "topic": "x", "path": "../secret" })),
        ("validate_data", json!({ "path": "../secret" })),
        ("transform_data", json!({ "path": "../secret" })),
        ("store", json!({ "data": "x", "path": "../site" })),
    ] {
        assert_eq!(agent.ask(operation, arguments).await.rejected(), "outside_roots", "{operation}");
    }
    assert!(!agent.outside().join("site").exists());
}

#[tokio::test]
async fn code_is_analyzed_and_suggestions_and_a_report_are_made_of_what_was_found() {
    let agent = serve("offline").await;
    let code = format!("def a():\n    x = [1  \n{}", "y".repeat(130));
    let analysis = ask(&agent, "analyze_code", json!({ "code": code })).await;
    let rules: Vec<&Value> =
        analysis["findings"].as_array().unwrap().iter().map(|one| &one["rule"]).collect();
    assert_eq!(rules, ["trailing_blank", "unbalanced_bracket", "long_line"]);
    let suggestions = ask(&agent, "suggest", json!({ "input": analysis })).await;
    assert_eq!(suggestions["suggestions"].as_array().unwrap().len(), 3);
    let arguments = json!({ "title": "Review", "metrics": analysis["metrics"], "input": suggestions });
    let report = ask(&agent, "report", arguments).await;
    let text = report["text"].as_str().unwrap();
    assert!(text.starts_with("# Review\n\n## Metrics\n\n"), "{text}");
    assert!(text.contains("## Suggestions") && text.contains("close each bracket"), "{text}");
}

#[tokio::test]
async fn a_topic_becomes_notes_a_draft_an_edited_text_and_a_summary() {
    let agent = serve("offline").await;
    agent.put("library/owls.md", "# Owls\n\nOwls hunt by night. Owls have  large eyes.\n");
    agent.put("library/birds.md", "Most birds sleep by night.\nAn owl does not.\n");
    let notes = ask(&agent, "research", json!({ "topic": "owls at night", "path": "library" })).await;
    assert_eq!(notes["notes"][0]["text"], "Owls hunt by night.");
    let draft = ask(&agent, "write", json!({ "topic": "Owls", "input": notes })).await;
    let edited = ask(&agent, "edit", json!({ "input": draft })).await;
    assert!(edited["text"].as_str().unwrap().contains("- owls.md: line "), "{edited}");
    let summary = ask(&agent, "summarise", json!({ "input": edited, "sentences": 1 })).await;
    assert!(draft["draft"].as_str().unwrap().contains(summary["summary"].as_str().unwrap()), "{summary}");
}

#[tokio::test]
async fn data_is_validated_transformed_and_stored() {
    let agent = serve("offline").await;
    agent.put("people.csv", "id,name\n1,Ada\n2,\n");
    let arguments = json!({ "path": "people.csv", "required": ["name"] });
    let validation = ask(&agent, "validate_data", arguments).await;
    assert_eq!((&validation["approved"], &validation["errors"][0]["record"]), (&json!(false), &json!(2)));
    let arguments =
        json!({ "path": "people.csv", "keep": ["name"], "rename": { "name": "who" }, "to": "json" });
    let made = ask(&agent, "transform_data", arguments).await;
    let stored = ask(&agent, "store", json!({ "input": made, "path": "out/people.json" })).await;
    let text = std::fs::read_to_string(agent.root.join("out/people.json")).unwrap();
    assert_eq!(stored["bytes"], text.len());
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!([{ "who": "Ada" }, { "who": "" }]));
}

#[tokio::test]
async fn a_debate_comes_to_a_decision() {
    let agent = serve("offline").await;
    let options = json!([
        { "name": "Rewrite", "pros": ["clean design"], "cons": ["high cost", "risk of delay"] },
        { "name": "Refactor", "pros": ["low cost", "small steps"], "cons": ["old design stays"] },
    ]);
    let argue = async |name: &str, criteria: Value, others: Value| {
        let arguments = json!({
            "question": "Rewrite or refactor?", "options": options, "criteria": criteria, "others": others,
        });
        let mut position = ask(&agent, "argue", arguments).await;
        position["participant"] = json!(name);
        position
    };
    let thrifty = argue("thrifty", json!({ "cost": 2.0 }), json!([])).await;
    let purist = argue("purist", json!({ "design": 1.5 }), json!([null])).await;
    assert_eq!((&thrifty["position"], &purist["position"]), (&json!("Refactor"), &json!("Rewrite")));
    let purist = argue("purist", json!({ "design": 1.5 }), json!([thrifty])).await;
    assert_eq!((&purist["position"], &purist["agrees_with"]), (&json!("Refactor"), &json!(["thrifty"])));
    let arguments = json!({ "question": "Rewrite or refactor?", "positions": [thrifty, purist, null] });
    let decision = ask(&agent, "decide", arguments).await;
    assert_eq!(decision["decision"], "Refactor");
    assert_eq!(
        (&decision["supporting"], &decision["dissenting"]),
        (&json!(["thrifty", "purist"]), &json!([]))
    );
}
