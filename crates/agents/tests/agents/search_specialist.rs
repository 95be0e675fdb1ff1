use serde_json::json;

use crate::support::{Served, piece, serve};

async fn place() -> Served {
    let agent = serve("search_specialist").await;
    agent.put("src/lib.rs", "/// load\npub fn load() {}\n#[test]\nfn works() { load(); }\n");
    agent.put(
        "app/main.py",
        "from lib import load\n\nclass App:\n    def run(self):\n        return load()\n",
    );
    agent.put("README.md", "Call load.\n");
    agent
}

#[tokio::test]
async fn text_is_found_and_told_while_the_search_goes_on() {
    let agent = place().await;
    let answer = agent.ask("search", json!({ "pattern": r"\bload\b", "types": ["rust", "py"] })).await;
    let found = answer.value();
    assert_eq!(found["matches"].as_array().unwrap().len(), 5);
    assert_eq!(found["truncated"], false);
    assert!(answer.text().contains("src/lib.rs:2:pub fn load() {}\n"), "{}", answer.text());
    let mut events = agent.begin("search", json!({ "pattern": "load", "max_results": 1 })).await;
    assert_eq!(piece(&mut events).await, "README.md:1:Call load.\n");
}

#[tokio::test]
async fn a_folder_has_the_hits_that_it_has_within_the_whole() {
    let agent = place().await;
    agent.put(".gitignore", "out/\n");
    agent.put("app/out/main.py", "load()\n");
    for (path, file) in [("", "app/main.py"), ("app", "main.py")] {
        let found =
            agent.ask("search", json!({ "pattern": r"load\(", "path": path, "types": ["py"] })).await.value();
        let hits = found["matches"].as_array().unwrap();
        assert_eq!((hits.len(), &hits[0]["file"]), (1, &json!(file)), "{found}");
    }
}

#[tokio::test]
async fn symbols_are_listed_over_languages() {
    let agent = place().await;
    let answer = agent.ask("outline", json!({})).await;
    let symbols = answer.value()["symbols"].clone();
    let names: Vec<_> =
        symbols.as_array().unwrap().iter().map(|symbol| symbol["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["App", "run", "load", "works"]);
    assert!(answer.text().contains("app/main.py:4: method run\n"), "{}", answer.text());
}

#[tokio::test]
async fn a_symbol_is_found_where_it_is_code() {
    let agent = place().await;
    let found = agent.ask("references", json!({ "symbol": "load" })).await.value();
    assert_eq!(
        (&found["definitions"][0]["file"], &found["definitions"][0]["line"]),
        (&json!("src/lib.rs"), &json!(2))
    );
    let uses: Vec<_> =
        found["uses"].as_array().unwrap().iter().map(|place| place["within"].clone()).collect();
    assert_eq!(uses, [json!(null), json!("run"), json!("works")]);
    assert_eq!(found["left_out"]["files"][0]["file"], "README.md");
}

#[tokio::test]
async fn nothing_outside_of_the_roots_is_looked_at() {
    let agent = place().await;
    std::os::unix::fs::symlink(agent.outside(), agent.root.join("out")).unwrap();
    let found = agent.ask("search", json!({ "pattern": "outside" })).await.value();
    assert_eq!(found["matches"], json!([]));
    for (operation, mut arguments) in [
        ("search", json!({ "pattern": "x" })),
        ("outline", json!({})),
        ("references", json!({ "symbol": "x" })),
    ] {
        arguments["path"] = json!("out");
        assert_eq!(agent.ask(operation, arguments).await.rejected(), "outside_roots", "{operation}");
    }
}
