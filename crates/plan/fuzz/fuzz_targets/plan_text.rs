//! Any text is a plan or is refused, and a plan survives the way to JSON and back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use op_plan::catalogue::{Brief, Operations, Role};
use op_plan::drawing::{Style, boxes, mermaid};
use op_plan::{Catalogue, Performer, Plan, Source, load};

fn catalogue() -> Catalogue {
    let agents = ["tools", "rust_pro", "debater"].map(|name| (name.to_owned(), Operations::Open));
    let role = Role { performer: Performer::parse("rust_pro.review"), brief: Brief::default() };
    Catalogue {
        agents: agents.into_iter().collect(),
        roles: std::iter::once(("reviewer".to_owned(), role)).collect(),
        ..Catalogue::default()
    }
}

fuzz_target!(|text: &str| {
    let source = Source { name: "plans.toml".to_owned(), text: text.to_owned() };
    let loaded = load(&[source], &catalogue());
    op_plan::diagnostic::render_all(&loaded.diagnostics, true);
    for plan in loaded.plans.values() {
        boxes(plan, Style { width: 60, ascii: false }, &[]);
        mermaid(plan, &[]);
        let text = serde_json::to_string(&**plan).expect("a plan is JSON");
        let again: Plan = serde_json::from_str(&text).expect("and JSON a plan");
        assert_eq!(again.digest(), plan.digest());
    }
});
