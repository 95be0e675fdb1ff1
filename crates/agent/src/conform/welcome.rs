//! How a session opens.

use super::hub::{Hub, VERSION};
use super::report::{Checked, short};
use super::subject::Subject;

/// A hub that will ever be.
const NEWEST: u32 = u32::MAX;

/// Welcome comes first and names the version that both sides speak.
pub(super) async fn version(subject: &Subject<'_>) -> Checked {
    let spoken = Hub::open(subject).await?.welcome.version;
    if spoken != VERSION {
        return Err(short(format!("version {VERSION}, the smaller of both"), format!("version {spoken}")));
    }
    let newest = Hub::open_as(subject, NEWEST).await?.welcome.version;
    if newest == 0 || newest == NEWEST {
        return Err(short("the newest version of the agent for a hub of any", format!("version {newest}")));
    }
    Ok(format!("version {spoken}; {newest} is its newest"))
}

/// The welcome says of the agent what Describe says.
pub(super) async fn description(subject: &Subject<'_>) -> Checked {
    let hub = Hub::open(subject).await?;
    let expected = "what Describe says of the agent";
    match &hub.welcome.agent {
        Some(agent) if *agent == subject.described => Ok(String::new()),
        Some(agent) if agent.name != subject.described.name => {
            Err(short(expected, format!("the agent `{}`", agent.name)))
        }
        Some(agent) => {
            Err(short(expected, format!("another description, with {} operations", agent.operations.len())))
        }
        None => Err(short(expected, "no description")),
    }
}
