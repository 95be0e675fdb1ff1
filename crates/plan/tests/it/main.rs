//! Plans as users write them, read through the front door of the room.

mod cache;
mod casts;
mod catalogue;
mod corpus;
mod debate;
mod diagnostics;
mod draft;
mod drawings;
mod garbage;
mod gates;
mod inputs;
mod keys;
mod large;
mod machine;
mod order;
mod risk;
mod schema;
mod shipped;
mod skills;
mod template;
mod workflow;
mod write;

use std::sync::Arc;

use op_plan::{Loaded, Plan, Source, load};

/// Reads one text as the only layer.
fn read(text: &str) -> Loaded {
    layers(&[text])
}

fn layers(texts: &[&str]) -> Loaded {
    let source = |(at, text): (usize, &&str)| {
        let name = if at == 0 { "plans.toml".to_owned() } else { format!("plans.d/{at}.toml") };
        Source { name, text: (*text).to_owned() }
    };
    let sources: Vec<_> = texts.iter().enumerate().map(source).collect();
    load(&sources, &catalogue::catalogue())
}

/// The plan `p` of a text without mistakes.
fn plan(text: &str) -> Arc<Plan> {
    let loaded = read(text);
    assert_eq!(op_plan::diagnostic::render_all(&loaded.diagnostics, false), "", "{text}");
    Arc::clone(&loaded.plans["p"])
}

/// What is wrong with a text, as people read it.
fn complaints(text: &str) -> String {
    op_plan::diagnostic::render_all(&read(text).diagnostics, false)
}
