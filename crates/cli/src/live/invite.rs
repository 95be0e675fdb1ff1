//! What a person can do about a run that waits, while it is being watched.

use op_proto::v1::{Event, RunState};
use op_run::event::Waiting;
use serde_json::Value;

use crate::render::gate::{Wait, way_out};
use crate::render::text::one_line;

/// How another process steers the run.
#[derive(Debug, Clone)]
pub(crate) struct Invite {
    /// The beginning of its command.
    pub(crate) program: String,
    /// The run.
    pub(crate) run: String,
}

impl Invite {
    /// Which command lets go on what a fact holds up; none when nothing is held up, or it goes on by itself.
    pub(crate) fn to(&self, event: &Event) -> Option<String> {
        match event.kind.as_str() {
            "step_waiting" => waits_for(event)?.key(&self.program, &self.run, &event.step),
            "run_paused" => way_out(&self.program, &self.run, RunState::Paused),
            _ => None,
        }
    }
}

/// What a step waits for from now on.
pub(crate) fn waits_for(event: &Event) -> Option<Wait> {
    let fact: Value = serde_json::from_str(&event.json).ok()?;
    let waiting: Waiting = serde_json::from_value(fact.get("waits_for")?.clone()).ok()?;
    Some(match waiting {
        Waiting::Delay => Wait::Delay,
        Waiting::Signal(name) => Wait::Signal(one_line(&name)),
        Waiting::Approval { message, .. } => Wait::Approval(one_line(&message)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_watches_learns_which_command_lets_a_step_go_on() {
        let event = |waits_for: &str| Event {
            kind: "step_waiting".to_owned(),
            step: "deploy/1".to_owned(),
            json: format!("{{\"kind\":\"step_waiting\",\"waits_for\":{waits_for}}}"),
            ..Event::default()
        };
        let invite = Invite { program: "op-dbus".to_owned(), run: "k3".to_owned() };
        let approval = event(r#"{"approval":{"message":"go?","call":null,"digest":"ab"}}"#);
        assert!(invite.to(&approval).is_some_and(|text| text.contains("op-dbus approve k3 deploy/1")));
        let signal = event(r#"{"signal":"shipped"}"#);
        assert_eq!(invite.to(&signal).as_deref(), Some("`op-dbus signal k3 shipped` sends it"));
        assert_eq!(invite.to(&event("\"delay\"")), None);
    }
}
