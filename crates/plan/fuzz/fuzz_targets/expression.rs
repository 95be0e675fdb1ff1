//! Any text is an expression or is refused, and ends when it is computed, in a value or in an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use op_plan::{Expression, Mapping, Reference, Scope};
use serde_json::{Value, json};

struct Everything;

impl Scope for Everything {
    fn value(&self, _: &Reference) -> Option<Value> {
        Some(json!({ "a": [1, 2.5, "x", null], "b": { "c": true }, "n": 3 }))
    }
}

fuzz_target!(|text: &str| {
    if let Ok(expression) = Expression::parse(text) {
        let again = Expression::parse(expression.source()).expect("its own text is an expression");
        assert_eq!(again.references(), expression.references());
        let _ = expression.evaluate(&Everything);
        let _ = expression.evaluate_condition(&Everything);
    }
    if let Ok(mapping) = Mapping::parse(text.into()) {
        let _ = mapping.resolve(&Everything);
        mapping.resolve_known(&Everything);
    }
});
