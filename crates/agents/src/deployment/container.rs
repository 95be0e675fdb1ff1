//! A container of docker or podman. What it replaces is set aside and not removed, so that it can come back.

use std::collections::BTreeMap;
use std::path::Path;

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::manifest::invalid;
use super::outlook::{Outlook, Site, digest};
use super::step::{Seen, TakenBack};
use crate::engine::{Engine, name};

/// The label that tells by which settings a container was made.
const LABEL: &str = "org.opdbus.settings";

/// What stands between the name of a container that was set aside and its id.
const ASIDE: &str = ".before-";

/// A container that is to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Container {
    /// Its name.
    name: String,
    /// Its image, such as `registry.example.org/app:1.2`; pulled if it is not there.
    image: String,
    /// Ports that are open to the outside, such as `8080:80` or `127.0.0.1:8080:80`.
    #[serde(default)]
    ports: Vec<String>,
    /// Variables.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// What is mounted: `VOLUME:/place`, or `PATH:/place` for a path below the roots; `:ro` after it mounts for reading.
    #[serde(default)]
    volumes: Vec<String>,
    /// The network it joins.
    network: Option<String>,
    /// When the engine starts it again: `no`, `always`, `unless-stopped`, `on-failure`.
    restart: Option<String>,
    /// What runs in it, instead of what its image says.
    #[serde(default)]
    command: Vec<String>,
}

/// The container that has the name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Found {
    container: Option<One>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct One {
    id: String,
    image: String,
    /// The settings that a deployment made it by.
    settings: Option<String>,
    running: bool,
}

impl Container {
    pub(super) fn target(&self) -> String {
        format!("container {}", self.name)
    }

    pub(super) fn check(&self) -> Result<(), Failure> {
        name(&self.image)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if !self.name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !self.name.chars().all(plain) {
            return Err(invalid(format!("`{}` is not the name of a container", self.name)));
        }
        if let Some(odd) = self.env.keys().find(|name| name.is_empty() || name.contains('=')) {
            return Err(invalid(format!("`{odd}` is not the name of a variable")));
        }
        match self.volumes.iter().find(|volume| !volume.contains(":/")) {
            Some(odd) => {
                Err(invalid(format!("`{odd}` says not where it is mounted")).hint("write `VOLUME:/place`"))
            }
            None => Ok(()),
        }
    }

    pub(super) async fn look(&self, site: Site<'_>) -> Result<Outlook, Failure> {
        self.flags(site)?;
        let engine = Engine::find(site.desk, site.call).await?;
        let image = engine.image(&self.image).await?;
        let seen = find(&engine, &self.name).await?;
        let mut changes = Vec::new();
        if image.is_none() {
            changes.push(format!("the image {} would be pulled", self.image));
        }
        match &seen {
            None => changes.push(format!("it would be made from {}", self.image)),
            Some(one) if Some(&one.image) != image.as_ref() => {
                changes.push(format!(
                    "it would be replaced: its image is another one than {} is now",
                    self.image
                ));
            }
            Some(one) if one.settings != Some(digest(self)) => {
                changes.push("it would be replaced: it was made by other settings".to_owned());
            }
            Some(one) if !one.running => changes.push("it would be started".to_owned()),
            Some(_) => {}
        }
        let seen = Seen::Container(Found { container: seen });
        Ok(Outlook { seen, intent: image.unwrap_or_default(), changes, irreversible: None })
    }

    pub(super) async fn apply(&self, site: Site<'_>, before: &Found) -> Result<Found, Failure> {
        let flags = self.flags(site)?;
        let engine = Engine::find(site.desk, site.call).await?;
        if engine.image(&self.image).await?.is_none() {
            engine.run("pull", ["pull", &self.image]).await?;
        }
        let image = engine.image(&self.image).await?;
        match &before.container {
            Some(one) if one.settings == Some(digest(self)) && Some(&one.image) == image.as_ref() => {
                engine.run("start", ["start", &one.id]).await?;
            }
            old => {
                if let Some(one) = old {
                    set_aside(&engine, &self.name, one).await?;
                }
                engine.run("run", flags).await?;
            }
        }
        let container = find(&engine, &self.name).await?;
        if container.as_ref().is_some_and(|one| one.running) {
            return Ok(Found { container });
        }
        let message = format!("{} was started and does not run", self.target());
        Err(Failure::failed("not_reached", message).hint(format!(
            "`{} logs {}` may tell why",
            engine.kind.program(),
            self.name
        )))
    }

    pub(super) async fn take_back(
        &self,
        site: Site<'_>,
        before: &Found,
        after: Option<&Found>,
    ) -> Result<TakenBack, Failure> {
        let engine = Engine::find(site.desk, site.call).await?;
        let now = find(&engine, &self.name).await?;
        let is = |one: &Option<One>, other: &One| one.as_ref().is_some_and(|one| one.id == other.id);
        let mut back = TakenBack::default();
        // One of ours is the one that the step made, or, where nobody knows whether it did, one with the same settings.
        let is_ours = |one: &One| match after {
            Some(after) => is(&after.container, one),
            None => one.settings == Some(digest(self)),
        };
        if let Some(one) = now.as_ref().filter(|one| !is(&before.container, one)) {
            if !is_ours(one) {
                back.left.push(format!("{} is another one since", self.target()));
                return Ok(back);
            }
            engine.run("rm", ["rm", "--force", &one.id]).await?;
            back.done.push(format!("{} was removed", self.target()));
        }
        let Some(old) = &before.container else { return Ok(back) };
        let Some(kept) = find(&engine, &old.id).await? else {
            back.left.push(format!("what {} was before is gone: somebody removed {}", self.target(), old.id));
            return Ok(back);
        };
        if !is(&now, old) {
            engine.run("rename", ["rename", &old.id, &self.name]).await?;
            back.done.push(format!("{} is the one from before again", self.target()));
        }
        if kept.running != old.running {
            let order = if old.running { "start" } else { "stop" };
            engine.run(order, [order, &old.id]).await?;
            back.done.push(format!(
                "{} was {}",
                self.target(),
                if old.running { "started" } else { "stopped" }
            ));
        }
        Ok(back)
    }

    /// Removes what was set aside, if it still is.
    pub(super) async fn forget(&self, site: Site<'_>, before: &Found) -> Result<(), Failure> {
        let Some(one) = &before.container else { return Ok(()) };
        let engine = Engine::find(site.desk, site.call).await?;
        let aside = aside(&self.name, one);
        if find(&engine, &aside).await?.is_some_and(|found| found.id == one.id) {
            engine.run("rm", ["rm", &one.id]).await?;
        }
        Ok(())
    }

    /// What the engine is told. Each value stands in one word with its flag, so that it cannot be taken for another.
    fn flags(&self, site: Site<'_>) -> Result<Vec<String>, Failure> {
        let mut flags: Vec<String> = ["run", "--detach"].map(str::to_owned).into();
        flags.push(format!("--name={}", self.name));
        flags.push(format!("--label={LABEL}={}", digest(self)));
        flags.extend(self.ports.iter().map(|port| format!("--publish={port}")));
        flags.extend(self.env.iter().map(|(name, value)| format!("--env={name}={value}")));
        for volume in &self.volumes {
            flags.push(format!("--volume={}", mounted(site, volume)?));
        }
        flags.extend(self.network.iter().map(|network| format!("--network={network}")));
        flags.extend(self.restart.iter().map(|restart| format!("--restart={restart}")));
        flags.push(self.image.clone());
        flags.extend(self.command.iter().cloned());
        Ok(flags)
    }
}

/// A mount whose path, if it is one, lies below the roots.
fn mounted(site: Site<'_>, volume: &str) -> Result<String, Failure> {
    let (source, place) =
        volume.split_once(":/").ok_or_else(|| invalid(format!("`{volume}` is no mount")))?;
    if !source.contains('/') && !source.starts_with('.') {
        return Ok(volume.to_owned());
    }
    let real = site.desk.roots.existing(Path::new(source))?;
    Ok(format!("{}:/{place}", real.display()))
}

/// Stops a container and frees its name.
async fn set_aside(engine: &Engine<'_>, name: &str, one: &One) -> Result<(), Failure> {
    if one.running {
        engine.run("stop", ["stop", &one.id]).await?;
    }
    engine.run("rename", ["rename", &one.id, &aside(name, one)]).await.map(drop)
}

fn aside(name: &str, one: &One) -> String {
    format!("{name}{ASIDE}{}", one.id.get(..12).unwrap_or(&one.id))
}

/// The container with a name or id. One that cannot be looked at is missing if the engine can list containers at all.
async fn find(engine: &Engine<'_>, name: &str) -> Result<Option<One>, Failure> {
    let looked = engine.read(["container", "inspect", "--format={{json .}}", name]).await?;
    if !looked.status.success() {
        engine.read(["container", "ls", "--quiet"]).await?.succeeded("container ls")?;
        return Ok(None);
    }
    let value: Value = serde_json::from_slice(&looked.stdout.bytes).map_err(|error| {
        Failure::failed("engine_failed", format!("what it says of {name} is no JSON: {error}"))
    })?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Ok(Some(One {
        id: text(&value["Id"]).unwrap_or_default(),
        image: text(&value["Image"]).unwrap_or_default(),
        settings: text(&value["Config"]["Labels"][LABEL]),
        running: value["State"]["Running"].as_bool().unwrap_or_default(),
    }))
}
