//! The agents as the pool takes them: where each listens, how it is started, and what it is told.

use std::path::Path;
use std::sync::Arc;

use op_plan::Catalogue;
use op_plan::catalogue::Operations;
use op_pool::{AgentSettings, ChildLaunch, Launch};
use op_proto::Address;

use crate::app::{BuildError, make_folder};
use crate::settings::{AgentEntry, AgentsAs, Settings};
use crate::units;

/// Variables of its own environment that an agent is started with: those its programs may have, and those that lead to a bus.
const BUS_VARIABLES: [&str; 3] = ["DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS", "XDG_RUNTIME_DIR"];

/// Every agent of these settings, with what the catalogue knows of it.
pub(crate) fn agents(settings: &Settings, catalogue: &Catalogue) -> Result<Vec<AgentSettings>, BuildError> {
    if settings.agents_as == AgentsAs::Children {
        make_folder(&settings.agent_sockets())?;
    }
    let program = std::env::current_exe().map_err(BuildError::Program)?;
    let agent = |entry: &AgentEntry| {
        let known = match catalogue.agents.get(&entry.name) {
            Some(Operations::Known(known)) => Some(Arc::clone(known)),
            Some(Operations::Open) | None => None,
        };
        Ok(AgentSettings { known, ..agent(entry, settings, &program)? })
    };
    settings.agents.iter().map(agent).collect()
}

fn agent(entry: &AgentEntry, settings: &Settings, program: &Path) -> Result<AgentSettings, BuildError> {
    let address = match (&entry.address, settings.agents_as) {
        (Some(_), AgentsAs::Units) if entry.launch => return Err(BuildError::Placed(entry.name.clone())),
        (Some(address), _) => address.clone(),
        (None, AgentsAs::Units) => units::address(&entry.name),
        (None, AgentsAs::Children) => {
            Address::Unix(settings.agent_sockets().join(format!("{}.sock", entry.name)))
        }
    };
    let launch = if entry.launch { Some(launch(entry, settings, &address, program)?) } else { None };
    Ok(AgentSettings {
        run_on_connection: entry.run_on_connection,
        launch,
        max_concurrent: entry.table.max_concurrent,
        ..AgentSettings::new(&entry.name, address)
    })
}

fn launch(
    entry: &AgentEntry,
    settings: &Settings,
    address: &Address,
    program: &Path,
) -> Result<Launch, BuildError> {
    let told = told(entry, settings);
    match settings.agents_as {
        AgentsAs::Children => {
            told.state.as_deref().map_or(Ok(()), make_folder)?;
            Ok(Launch::Child(child(entry, address, &told, program)))
        }
        AgentsAs::Units => Ok(Launch::Unit(units::launch(&entry.name, told))),
    }
}

fn child(entry: &AgentEntry, address: &Address, told: &op_agents::Settings, program: &Path) -> ChildLaunch {
    let told_text = serde_json::to_string(told).expect("settings are plain data");
    let arguments =
        ["agent", &entry.name, "--listen", &address.to_string(), "--settings", &told_text, "--lifeline"];
    let names = told.environment.iter().map(String::as_str).chain(BUS_VARIABLES);
    let environment = names.filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?))).collect();
    ChildLaunch { program: program.to_owned(), arguments: arguments.map(str::to_owned).to_vec(), environment }
}

/// What a bundled agent is told when it starts.
fn told(entry: &AgentEntry, settings: &Settings) -> op_agents::Settings {
    let default = op_agents::Settings::default();
    let mut environment = default.environment.clone();
    environment.extend(entry.table.environment.iter().flatten().cloned());
    op_agents::Settings {
        roots: settings.roots.clone(),
        environment,
        output_limit: entry.table.output_bytes.unwrap_or(default.output_limit),
        time_limit: entry.table.time_limit.map_or(default.time_limit, |span| span.0),
        advisories: entry.table.advisories.clone(),
        state: Some(settings.state.join("agents").join(&entry.name)),
        sandbox: settings.sandbox,
        models: settings.models.clone().filter(|_| entry.name == "models"),
    }
}
