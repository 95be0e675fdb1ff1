//! What nobody was called for: whose call it was instead, and how long ago.

use jiff::Timestamp;
use op_proto::v1::{Event, Kept, Step};
use serde_json::Value;

use super::text::one_line;
use super::time;

/// `kept from run k3x9, 12 min 3 s ago`.
pub(crate) fn told(kept: &Kept, now: Timestamp) -> String {
    let ago = time::of(kept.at.as_ref()).map(|at| format!(", {} ago", time::span(time::between(at, now))));
    format!("kept from run {}{}", one_line(&kept.run), ago.unwrap_or_default())
}

/// The same of a step as it stands, at the time at which it ended.
pub(crate) fn of_step(step: &Step) -> Option<String> {
    let kept = step.evidence.as_ref()?.kept.as_ref()?;
    Some(told(kept, time::of(step.ended_at.as_ref())?))
}

/// The same of a step or an item that succeeded without a call, as it was then; nothing for all else.
pub(crate) fn of(event: &Event) -> Option<String> {
    if !matches!(event.kind.as_str(), "step_succeeded" | "item_succeeded") {
        return None;
    }
    let fact: Value = serde_json::from_str(&event.json).ok()?;
    let kept = fact.pointer("/evidence/kept")?;
    let at = Timestamp::from_millisecond(kept.get("at")?.as_i64()?).ok()?;
    let kept = Kept { run: kept.get("run")?.as_str()?.to_owned(), at: Some(time::stamp(at)) };
    Some(told(&kept, time::of(event.at.as_ref()).unwrap_or(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, json: &str) -> Event {
        let at = Some(prost_types::Timestamp { seconds: 1000, nanos: 0 });
        Event { kind: kind.to_owned(), json: json.to_owned(), at, ..Event::default() }
    }

    #[test]
    fn a_step_that_was_not_called_tells_whose_call_it_was_and_how_long_ago() {
        let kept = r#"{"evidence":{"kept":{"run":"k3x9","at":277000}}}"#;
        assert_eq!(of(&event("step_succeeded", kept)).as_deref(), Some("kept from run k3x9, 12 min 3 s ago"));
        assert_eq!(of(&event("step_succeeded", r#"{"evidence":{}}"#)), None);
        assert_eq!(of(&event("step_started", kept)), None);
    }
}
