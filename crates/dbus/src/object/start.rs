//! Starting runs, and calls of operations.

use std::sync::Arc;

use op_engine::handle::call::Calling;
use op_engine::names::Target;
use op_engine::ports::Right;
use op_engine::start::StartRequest;
use op_plan::Plan;
use op_plan::plan::Shape;
use op_run::RunId;
use zbus::OwnedObjectPath;

use super::hold_until_replied;
use crate::calls::{self, CallView};
use crate::fault::Fault;
use crate::guests::Guest;
use crate::house::{Lobby, News, Subject};
use crate::options::{Options, Table};
use crate::{path, value};

/// What starting a run takes beside what the plan asks for.
const OPTIONS: [&str; 6] = ["cast", "casts", "dry-run", "idempotency-key", "labels", "timeout-usec"];

/// The plan that a kind and a name mean.
pub(super) fn plan(lobby: &Lobby, kind: &str, name: &str) -> Result<Arc<Plan>, Fault> {
    let shapes = || Shape::ALL.map(Shape::word).join(", ");
    let found = lobby.house.engine.find_plan(name).map_err(|error| Fault::of(&error));
    match kind {
        "" | "plan" => found,
        "agent" | "tool" => Err(Fault::invalid(format!("a {kind} is not run: call `{name}` with Call"))),
        _ if !Shape::ALL.iter().any(|shape| shape.word() == kind) => {
            let message = format!("kind `{kind}` is not known; there is plan, {}", shapes());
            Err(Fault::invalid(message))
        }
        _ => {
            let plan = found?;
            let shape = plan.draft().shape.word();
            if shape == kind {
                return Ok(plan);
            }
            let message = format!("`{name}` is a {shape}, not a {kind}: start it as `{shape}`");
            Err(Fault::unmet("NoSuchDefinition", message))
        }
    }
}

/// Starts a run, and tells its path once the run is on disk and stands on the bus; every signal of it comes after the reply.
pub(super) async fn start(
    lobby: &Lobby,
    guest: &Guest,
    plan: &Plan,
    params: Table,
    options: Table,
) -> Result<OwnedObjectPath, Fault> {
    let mut options = Options::new(options, &OPTIONS)?;
    let request = StartRequest {
        plan: plan.id().to_owned(),
        inputs: value::object("parameter", params)?,
        cast: options.map("cast")?,
        casts: options.words("casts")?,
        user: guest.caller.name(),
        idempotency_key: options.word("idempotency-key")?,
        labels: options.map("labels")?,
        timeout: options.span("timeout-usec")?,
        session: None,
    };
    let is_dry = options.flag("dry-run")?;
    let about = [("kind", plan.draft().shape.word()), ("definition", plan.id())];
    lobby.admit(guest, Right::Run, &about).await?;
    let house = &lobby.house;
    if is_dry {
        house.engine.dry_run(&request).map_err(|error| Fault::of(&error))?;
        return Ok(path::nothing());
    }
    // Until the run is claimed, the herald cannot know that a caller must have its answer first.
    let starting = house.starting();
    let started = house.engine.start(request).await.map_err(|error| Fault::of(&error))?;
    let path = claim(lobby, &started.run).await;
    drop(starting);
    path
}

async fn claim(lobby: &Lobby, id: &RunId) -> Result<OwnedObjectPath, Fault> {
    let house = &lobby.house;
    hold_until_replied(house.hold(Subject::Run(id.clone())));
    show(lobby, id.as_str()).await
}

/// Puts a run on the bus if it does not stand there, and tells its path.
pub(super) async fn show(lobby: &Lobby, id: &str) -> Result<OwnedObjectPath, Fault> {
    let run = lobby.house.engine.get(id).await.map_err(|error| Fault::of(&error))?;
    let path = path::of(path::RUN, run.id().as_str());
    lobby.house.settle(News::Run(run)).await;
    Ok(path)
}

/// Begins a call of an operation, and tells its path.
pub(super) async fn call(
    lobby: &Lobby,
    guest: &Guest,
    target: &str,
    arguments: Table,
    options: Table,
) -> Result<OwnedObjectPath, Fault> {
    let mut options = Options::new(options, &["timeout-usec", "approved"])?;
    let house = &lobby.house;
    let performer = match house.engine.resolve(target).map_err(|error| Fault::of(&error))? {
        Target::Operation(performer) => performer,
        Target::Plan(plan) => {
            let message = format!("`{}` is a plan: start a run of it with StartRun", plan.id());
            return Err(Fault::invalid(message));
        }
        Target::Skill(_) => {
            let message =
                format!("`{target}` is about skills, which are told over gRPC: `op-dbus skills` shows them");
            return Err(Fault::invalid(message));
        }
    };
    let asked = Calling {
        performer: performer.clone(),
        arguments: value::object("argument", arguments)?,
        timeout: options.span("timeout-usec")?,
        user: guest.caller.name(),
        session: String::new(),
        approved: options.flag("approved")?,
    };
    let name = performer.to_string();
    lobby.admit(guest, Right::Run, &[("kind", "operation"), ("definition", &name)]).await?;
    let view = Arc::new(CallView::new(house, guest, performer, guest.operation()?));
    hold_until_replied(house.hold(Subject::Call(view.number)));
    house.settle(News::Call(Arc::clone(&view))).await;
    calls::perform(house, &view, asked, guest.gone());
    Ok(path::of(path::CALL, &view.number.to_string()))
}
