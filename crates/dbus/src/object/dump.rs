//! The state of the daemon, written out for whoever looks into it.

use std::fs::File;
use std::io::Write as _;
use std::sync::atomic::Ordering;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use serde_json::{Value, json};
use zbus::OwnedFd;

use crate::fault::Fault;
use crate::house::Lobby;
use crate::view::{agent, lock};

/// The state as JSON, in a file in memory that nobody can change any more.
pub(super) fn dump(lobby: &Lobby) -> Result<OwnedFd, Fault> {
    let text = serde_json::to_vec_pretty(&state(lobby)).unwrap_or_default();
    sealed(&text).map_err(|error| Fault::internal(format!("no file in memory can be made: {error}")))
}

fn sealed(text: &[u8]) -> std::io::Result<OwnedFd> {
    let descriptor = memfd_create("op-dbus-state", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut file = File::from(descriptor);
    file.write_all(text)?;
    std::io::Seek::rewind(&mut file)?;
    fcntl_add_seals(&file, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)?;
    Ok(std::os::fd::OwnedFd::from(file).into())
}

fn state(lobby: &Lobby) -> Value {
    let house = &lobby.house;
    let runs: Vec<_> = lock(&house.board.runs)
        .values()
        .map(|view| {
            let facts = view.facts();
            json!({
                "id": view.id.as_str(),
                "plan": view.plan.id(),
                "user": view.user,
                "state": facts.state.word(),
                "reason": facts.reason,
                "sequence": facts.sequence,
            })
        })
        .collect();
    let agents: Vec<_> = lock(&house.board.agents)
        .values()
        .map(|view| {
            let status = lock(view);
            json!({
                "name": status.name,
                "state": status.state.word(),
                "reason": status.reason,
                "active": status.active,
                "queued": status.queued,
                "restarts": status.restarts,
                "latency-usec": agent::latency(&status),
            })
        })
        .collect();
    let daemon = lock(&house.board.daemon).clone();
    json!({
        "state": daemon.state,
        "draining": daemon.draining,
        "generation": daemon.generation,
        "config-errors": daemon.errors,
        "live-runs": house.engine.live_runs(),
        "signals-suppressed": house.suppressed.load(Ordering::Relaxed),
        "callers": lobby.guests.len(),
        "plans": lock(&house.board.plans).keys().cloned().collect::<Vec<_>>(),
        "agents": agents,
        "runs": runs,
    })
}
