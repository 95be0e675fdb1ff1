//! What undoes a node that has no `rollback`: the operation that undoes its own.

use serde_json::json;

use crate::catalogue::{Catalogue, Performer};
use crate::mapping::Mapping;
use crate::plan::{Action, Call, Part, Retry, Undo};

/// What undoes the type of a node: it is told what was asked for and what came of it.
pub(super) fn usual(catalogue: &Catalogue, id: &str, action: &Action) -> Option<Undo> {
    // Somebody who plays a role may do it in another way, which its usual performer cannot undo.
    let Action::Call(Call { part: Part::Performer(performer), arguments }) = action else { return None };
    let undo = catalogue.operation(performer)?.undo.as_ref()?;
    let undo = match undo.split_once('.') {
        Some((agent, operation)) => Performer::new(agent, operation),
        None => Performer::new(&performer.agent, undo),
    };
    let told = json!({ "arguments": arguments.source(), "output": format!("${{steps['{id}'].output}}") });
    // The arguments were read before, one level higher.
    let arguments = Mapping::parse(told).ok()?;
    Some(Undo {
        call: Call { part: Part::Performer(undo), arguments },
        timeout: None,
        retry: Retry::default(),
    })
}
