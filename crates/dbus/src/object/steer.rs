//! Steering a run that stands on the bus.

use std::collections::HashMap;

use op_engine::handle::control::Control;
use serde_json::Value;
use zbus::Variant;

use super::hold_until_replied;
use crate::fault::Fault;
use crate::guests::Guest;
use crate::house::{Lobby, News, Subject};
use crate::options::{Options, Table};
use crate::value;
use crate::view::RunView;

/// Steers a run. When this returns, the decision is on disk and its state was told in `PropertiesChanged`; every other signal of it
/// comes after the reply.
pub(super) async fn steer(
    lobby: &Lobby,
    guest: &Guest,
    view: &RunView,
    control: Control,
) -> Result<(), Fault> {
    admit(lobby, guest, view, verb(&control)).await?;
    carry_out(lobby, guest, view, control).await
}

async fn carry_out(lobby: &Lobby, guest: &Guest, view: &RunView, control: Control) -> Result<(), Fault> {
    let house = &lobby.house;
    hold_until_replied(house.hold(Subject::Run(view.id.clone())));
    let steered = house.engine.control(view.id.as_str(), control, &guest.caller.name()).await;
    steered.map_err(|error| Fault::of(&error))?;
    let run = house.engine.get(view.id.as_str()).await.map_err(|error| Fault::of(&error))?;
    house.settle(News::Run(run)).await;
    Ok(())
}

async fn admit(lobby: &Lobby, guest: &Guest, view: &RunView, verb: &str) -> Result<(), Fault> {
    let plan = view.plan.id();
    let about = [("definition", plan), ("run", view.id.as_str()), ("verb", verb)];
    let warden = &lobby.house.warden;
    let admitted = warden.admit_control(&guest.caller, &view.user, &about, guest.interactive).await;
    admitted.map_err(|denied| Fault::of(&denied))
}

fn verb(of: &Control) -> &'static str {
    match of {
        Control::Cancel { .. } => "cancel",
        Control::Pause { .. } => "pause",
        Control::Resume => "resume",
        Control::Signal { .. } => "signal",
        Control::Approve { .. } => "approve",
        Control::Recast(_) => "recast",
        Control::Rollback { .. } => "rollback",
        Control::Retry { .. } => "retry",
        Control::Resolve { .. } => "resolve",
    }
}

pub(super) fn cancel(options: Table, guest: &Guest) -> Result<Control, Fault> {
    let mut options = Options::new(options, &["reason", "rollback"])?;
    let reason = options.word("reason")?;
    let reason = reason.unwrap_or_else(|| format!("cancelled by {}", guest.caller.name()));
    Ok(Control::Cancel { rollback: options.flag("rollback")?, reason })
}

pub(super) fn pause(options: Table) -> Result<Control, Fault> {
    let mut options = Options::new(options, &["reason"])?;
    Ok(Control::Pause { reason: options.text("reason")?.unwrap_or_default() })
}

pub(super) fn approve(step: String, approved: bool, options: Table) -> Result<Control, Fault> {
    let mut options = Options::new(options, &["comment", "digest"])?;
    let digest = options.text("digest")?.unwrap_or_default();
    let comment = options.text("comment")?.unwrap_or_default();
    Ok(Control::Approve { step, digest, approved, comment })
}

pub(super) fn signal(name: String, data: Value) -> Result<Control, Fault> {
    if name.is_empty() {
        return Err(Fault::invalid("`name` of the signal is missing"));
    }
    Ok(Control::Signal { signal: name, data })
}

pub(super) fn retry(from: String) -> Control {
    Control::Retry { from: Some(from).filter(|from| !from.is_empty()) }
}

pub(super) fn recast(cast: HashMap<String, String>) -> Result<Control, Fault> {
    if cast.is_empty() {
        return Err(Fault::invalid("`cast` is empty: say who plays which step or role"));
    }
    Ok(Control::Recast(cast.into_iter().collect()))
}

/// Undoes a run, or with `dry-run` only says what that would undo.
pub(super) async fn roll_back(
    lobby: &Lobby,
    guest: &Guest,
    view: &RunView,
    options: Table,
) -> Result<HashMap<String, Variant<'static>>, Fault> {
    let mut options = Options::new(options, &["dry-run", "to"])?;
    let (to, is_dry) = (options.word("to")?, options.flag("dry-run")?);
    admit(lobby, guest, view, "rollback").await?;
    let undone = lobby.house.engine.preview_rollback(view.id.as_str(), to.as_deref()).await;
    let undone = undone.map_err(|error| Fault::of(&error))?;
    if !is_dry {
        carry_out(lobby, guest, view, Control::Rollback { to }).await?;
    }
    let phases: Vec<Value> = undone
        .into_iter()
        .map(|undo| {
            let calls: Vec<_> = undo.calls.iter().map(ToString::to_string).collect();
            serde_json::json!({ "phase": undo.phase, "visit": undo.visit, "calls": calls })
        })
        .collect();
    Ok(HashMap::from([("phases".to_owned(), value::variant(&Value::Array(phases)))]))
}
