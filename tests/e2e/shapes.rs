//! The plans that ship, from the command line to a real outcome, with plain programs in the place of a language model.

use std::fs;
use std::path::Path;

use futures::future::join_all;
use op_proto::v1::{RunState, StartRequest};
use op_tests::support::client::{payload, state};
use op_tests::support::{Daemon, Ended, Place};
use serde_json::{Value, json};

/// Who builds sites.
const BUILDERS: [&str; 4] = [
    "product_manager=offline.specify",
    "architect=offline.specify",
    "coder=offline.build_site",
    "reviewer=offline.review_site",
];

/// A goal that links to a page which nobody asked for.
const GOAL: &str = "Create a website about bees with the pages Home, Hives and Honey. \
                    The hives stand in a meadow, see [the map](map.html).";

/// Every plan that wants a language model, with what it takes.
fn of_models() -> [(&'static str, Value); 10] {
    let question = json!({ "question": "SQLite or PostgreSQL?" });
    [
        ("build_website", json!({ "goal": GOAL })),
        ("pipeline", json!({})),
        ("code_review_workflow", json!({ "code": "fn main() {}" })),
        ("content_generation", json!({ "topic": "bees" })),
        ("data_processing", json!({ "data": "[{\"name\": \"Ada\"}]", "target": "out.json" })),
        ("data_pipeline", json!({ "text": "Bees make honey.", "topic": "bees" })),
        ("simple_debate", question.clone()),
        ("complex_debate", question.clone()),
        ("consensus_building", question.clone()),
        ("evolution_debate", question),
    ]
}

/// Runs a plan with no daemon running, each role played by whom these say.
pub(crate) async fn play(place: &Place, words: &[&str], cast: &[&str]) -> Ended {
    let roles = cast.iter().flat_map(|role| ["--role", role]);
    let words: Vec<&str> = ["run", "--json"].into_iter().chain(words.iter().copied()).chain(roles).collect();
    place.op(&words).await
}

/// What a run that completed answers.
#[track_caller]
pub(crate) fn output(ended: Ended) -> Value {
    ended.code(0).json()["output"].clone()
}

/// The pages of a site, each with the files that it links to.
fn pages(place: &Place, folder: &str) -> Vec<(String, Vec<String>)> {
    let entries = fs::read_dir(place.at(format!("work/{folder}"))).expect("the folder of the site").flatten();
    let names = entries.map(|entry| entry.file_name().into_string().expect("a name of text"));
    let mut pages: Vec<_> =
        names.filter(|name| Path::new(name).extension() == Some("html".as_ref())).collect();
    pages.sort();
    let links = |page: &String| {
        let text = place.read(&format!("work/{folder}/{page}"));
        let links = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        links.filter(|link| !link.starts_with('#')).map(str::to_owned).collect()
    };
    pages.iter().map(|page| (page.clone(), links(page))).collect()
}

#[track_caller]
fn is_whole(place: &Place, folder: &str, names: &[&str]) {
    let pages = pages(place, folder);
    assert_eq!(pages.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), names);
    for (page, links) in &pages {
        assert!(names.iter().all(|name| links.iter().any(|link| link == name)), "{page}: {links:?}");
        for link in links {
            assert!(place.at(format!("work/{folder}/{link}")).is_file(), "{page} links to {link}");
        }
    }
}

#[tokio::test]
async fn a_site_is_built_rejected_for_a_link_that_leads_nowhere_built_again_and_approved() {
    let place = Place::new();
    let goal = format!("goal={GOAL}");
    let [specifier, _, coder, reviewer] = BUILDERS;
    let cast = [specifier, coder, reviewer];
    let ended = play(&place, &["build_website", &goal], &cast).await.code(0);
    let counted = |text: &str| ended.stderr.matches(text).count();
    assert_eq!(counted("implement_code succeeded"), 2, "{ended:#?}");
    assert_eq!((counted("it was not approved"), counted("review_code succeeded")), (1, 1), "{ended:#?}");
    assert_eq!(output(ended)["mended"][0]["rule"], "broken_link");
    is_whole(&place, "site", &["hives.html", "honey.html", "index.html", "map.html"]);
    place.is_quiet().await;
}

#[tokio::test]
async fn a_pipeline_analyzes_designs_and_implements_one_after_the_other() {
    let place = Place::new();
    let ended = play(&place, &["pipeline", "folder=line"], &BUILDERS[..3]).await.code(0);
    let order = ["analyze succeeded", "design succeeded", "implement succeeded"];
    let at = order.map(|text| ended.stderr.find(text).unwrap_or_else(|| panic!("{text}: {ended:#?}")));
    assert!(at.is_sorted(), "{ended:#?}");
    is_whole(&place, "line", &["hives.html", "honey.html", "index.html"]);
}

#[tokio::test]
async fn code_is_analyzed_suggestions_are_made_and_a_report_tells_both() {
    let place = Place::new();
    let code = format!("code=fn main() {{\n    // TODO: all of it\n    run(\"{}\"); \n}}\n", "x".repeat(150));
    let cast = [
        "Analyze Code=offline.analyze_code",
        "Suggest Improvements=offline.suggest",
        "Generate Report=offline.report",
    ];
    let report = output(play(&place, &["code_review_workflow", &code], &cast).await);
    let text = report["text"].as_str().expect("a text");
    for told in ["# Code review", "## Analysis", "## Suggestions", "line 2", "line 3"] {
        assert!(text.to_lowercase().contains(&told.to_lowercase()), "`{told}` is not in\n{text}");
    }
}

#[tokio::test]
async fn a_text_is_written_from_the_files_of_the_user_and_names_them() {
    let place = Place::new();
    place.write("work/notes/bees.txt", "Bees make honey. A hive holds fifty thousand bees.\nCats sleep.\n");
    let cast = ["Research Topic=offline.research", "Write Draft=offline.write", "Edit Content=offline.edit"];
    let words = ["content_generation", "topic=bees and honey", "path=notes"];
    let edited = output(play(&place, &words, &cast).await);
    let text = edited["text"].as_str().expect("a text");
    assert!(text.starts_with("# bees and honey") && text.contains("Bees make honey."), "{text}");
    assert!(text.contains("bees.txt") && !text.contains("Cats sleep"), "{text}");
}

/// Who keeps records.
const CLERKS: [&str; 3] =
    ["Validate Input=json_validator", "Transform Data=json_transformer", "Store Result=archivist"];

#[tokio::test]
async fn records_are_checked_transformed_and_kept() {
    let place = Place::new();
    let data = r#"data=[{"name": "Ada", "born": 1815}, {"name": "Kurt", "born": 1906}]"#;
    let words = ["data_processing", data, "target=out.csv", "to=csv", "required:=[\"name\"]"];
    let kept = output(play(&place, &words, &CLERKS).await);
    assert_eq!(place.read("work/out.csv"), "born,name\n1815,Ada\n1906,Kurt\n");
    assert_eq!(kept["bytes"], place.read("work/out.csv").len());
}

#[tokio::test]
async fn records_that_lack_a_field_are_not_kept() {
    let place = Place::new();
    let words = ["data_processing", r#"data=[{"born": 1815}]"#, "target=out.json", "required:=[\"name\"]"];
    play(&place, &words, &CLERKS).await.code(3).says(&["validate_input", "output.approved"]);
    assert!(!place.at("work/out.json").exists());
}

#[tokio::test]
async fn a_text_is_looked_at_from_two_sides_and_what_was_found_is_told() {
    let place = Place::new();
    let cast = [
        "Summarise Text=offline.summarise",
        "Find Facts=offline.research",
        "Publish Findings=offline.report",
    ];
    let words = ["data_pipeline", "text=Bees make honey. Honey is sweet. Cats sleep.", "topic=honey"];
    let report = output(play(&place, &words, &cast).await);
    assert_eq!(report["chapters"], json!(["facts", "summary"]));
    assert!(report["text"].as_str().is_some_and(|text| text.contains("Honey is sweet.")), "{report:#}");
}

#[tokio::test]
async fn every_plan_that_wants_a_model_fails_without_one_and_says_what_to_configure() {
    let place = Place::new();
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    join_all(of_models().map(|(plan, inputs)| async move {
        let run = client.start(plan, &inputs).await;
        let run = client.end(&run).await;
        assert_eq!(state(&run), RunState::Failed, "{plan}: {run:#?}");
        let mut steps = run.phases.iter().flat_map(|phase| &phase.steps);
        let failure = steps.find_map(|step| step.failure.clone()).expect("a step says why");
        assert_eq!(failure.reason, "no_model", "{plan}: {failure:#?}");
        assert!(failure.hint.contains("[models]") && failure.hint.contains("--cast offline"), "{failure:#?}");
    }))
    .await;
}

#[tokio::test]
async fn the_cast_offline_plays_every_plan_that_wants_a_model() {
    let place = Place::new();
    place.write("work/bees.txt", "Bees make honey.\n");
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let folder = place.text("work/site");
    let plans = of_models().into_iter().filter(|(plan, _)| *plan != "consensus_building");
    join_all(plans.map(|(plan, mut inputs)| {
        match plan {
            "build_website" | "pipeline" => inputs["folder"] = format!("{folder}_{plan}").into(),
            "content_generation" => inputs["path"] = place.text("work/bees.txt").into(),
            _ => {}
        }
        let (plan, inputs, casts) = (plan.to_owned(), inputs.to_string(), vec!["offline".to_owned()]);
        async move {
            let request = StartRequest { plan: plan.clone(), inputs, casts, ..StartRequest::default() };
            let run = client.runs().start(request).await.expect("the run starts").into_inner().run;
            let run = client.end(&run).await;
            assert_eq!(state(&run), RunState::Completed, "{plan}: {run:#?}");
            assert!(!payload(run.output.as_ref()).is_null(), "{plan}");
        }
    }))
    .await;
}
