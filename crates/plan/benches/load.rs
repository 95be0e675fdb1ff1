//! Time to read and check plans: it should grow with their number and no faster.
//!
//! `cargo bench -p op-plan --bench load`

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use op_plan::catalogue::{Brief, Operations};
use op_plan::{Catalogue, Effects, Operation, Performer, Risk, Role, Source, load};
use serde_json::json;

/// Steps of each plan.
const STEPS: usize = 20;

/// How often each size is read; the fastest time counts.
const TIMES: usize = 3;

fn main() {
    let catalogue = catalogue();
    println!("{:>8} {:>10} {:>12} {:>10}", "plans", "bytes", "us/plan", "us/step");
    for plans in [10, 100, 1_000] {
        let text = (0..plans).map(plan).collect::<String>();
        let bytes = text.len();
        let source = [Source { name: "plans.toml".to_owned(), text }];
        let times = (0..TIMES).map(|_| {
            let began = Instant::now();
            let loaded = black_box(load(black_box(&source), &catalogue));
            let elapsed = began.elapsed();
            assert_eq!(
                (loaded.plans.len(), loaded.diagnostics.len()),
                (plans, 0),
                "{:?}",
                loaded.diagnostics.first()
            );
            elapsed
        });
        let fastest = times.min().expect("it was read").as_secs_f64() * 1e6;
        #[expect(clippy::cast_precision_loss, reason = "a time needs no more digits")]
        let each = fastest / plans as f64;
        #[expect(clippy::cast_precision_loss, reason = "a time needs no more digits")]
        let step = each / STEPS as f64;
        println!("{plans:>8} {bytes:>10} {each:>12.1} {step:>10.2}");
    }
}

/// A plan of phases that each look at the one before, with arguments, a condition and a repeat.
fn plan(number: usize) -> String {
    let mut text = format!(
        "[workstacks.plan_{number}]\ndescription = \"Plan {number}\"\n\
         [workstacks.plan_{number}.inputs]\npath = {{ type = \"path\", default = \".\" }}\n"
    );
    for at in 0..STEPS {
        let _ = writeln!(text, "[[workstacks.plan_{number}.phases]]\nid = \"s{at}\"");
        let args = match at.checked_sub(1) {
            None => "path = \"${path}\"".to_owned(),
            Some(before) => {
                let _ = writeln!(text, "when = \"phases.s{before}.success && path != ''\"");
                format!("path = \"${{path}}/${{steps.s{before}.output}}\"")
            }
        };
        let retry = "retry = { max = 2, delay = \"1s\" }";
        let _ = writeln!(
            text,
            "agents = [{{ role = \"coder\", args = {{ {args} }}, {retry}, timeout = \"5m\" }}]"
        );
    }
    text
}

fn catalogue() -> Catalogue {
    let input =
        json!({ "type": "object", "properties": { "path": { "type": "string" } }, "required": ["path"] });
    let build = Operation {
        description: String::new(),
        input,
        output: json!({ "type": "string" }),
        effects: Effects::Read,
        risk: Risk::Low,
        idempotent: true,
        streaming: false,
        undo: None,
        unavailable: None,
    };
    let operations = Operations::from(BTreeMap::from([("build".to_owned(), build)]));
    let coder = Role { performer: Performer::parse("rust_pro.build"), brief: Brief::default() };
    Catalogue {
        agents: std::iter::once(("rust_pro".to_owned(), operations)).collect(),
        roles: std::iter::once(("coder".to_owned(), coder)).collect(),
        ..Catalogue::default()
    }
}
