//! A project of docker compose: its services, by the digests of their settings that compose keeps on each container.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::manifest::{invalid, name};
use super::outlook::{Outlook, Site, digest};
use super::step::{Seen, TakenBack};
use crate::engine::Engine;

/// What is asked of each container of a project. Its columns are separated by spaces.
const COLUMNS: &str = "--format={{.ID}} {{.State}} {{.Label \"com.docker.compose.service\"}} \
                       {{.Label \"com.docker.compose.config-hash\"}}";

/// A project that is to be up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Compose {
    /// The compose file; a relative path starts at the first root.
    pub(super) file: PathBuf,
    /// The name of the project: small letters, digits, `-` and `_`.
    pub(super) project: String,
    /// Only these services and what they depend on; all of them by default.
    #[serde(default)]
    pub(super) services: Vec<String>,
}

/// The containers of a project, by their services.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Project {
    services: BTreeMap<String, Vec<Instance>>,
    /// The settings that they were made by, as compose understood them; none if no deployment made them.
    settings: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Instance {
    id: String,
    /// compose's digest of the settings of its service.
    hash: String,
    running: bool,
}

impl Compose {
    pub(super) fn target(&self) -> String {
        format!("compose {}", self.project)
    }

    pub(super) fn check(&self) -> Result<(), Failure> {
        name(&self.project)?;
        match self.services.iter().find(|service| service.is_empty() || service.starts_with('-')) {
            Some(odd) => Err(invalid(format!("`{odd}` is not the name of a service"))),
            None => Ok(()),
        }
    }

    pub(super) async fn look(&self, site: Site<'_>, last: Option<&Project>) -> Result<Outlook, Failure> {
        let engine = self.engine(site).await?;
        let wanted = self.wanted(&engine, site).await?;
        let mut now = self.running(&engine).await?;
        now.settings =
            last.filter(|last| last.hashes() == now.hashes()).and_then(|last| last.settings.clone());
        let (mut changes, mut lost) = (Vec::new(), Vec::new());
        for (service, hash) in &wanted {
            match now.services.get(service) {
                None => changes.push(format!("{service} would be made")),
                Some(instances) if instances.iter().any(|one| one.hash != *hash) => {
                    changes.push(format!("{service} would be made anew by other settings"));
                    lost.push(service.as_str());
                }
                Some(instances) if instances.iter().any(|one| !one.running) => {
                    changes.push(format!("{service} would be started"));
                }
                Some(_) => {}
            }
        }
        let irreversible = (!lost.is_empty() && now.settings.is_none())
            .then(|| format!("no deployment made it, so its settings are not kept: {}", lost.join(", ")));
        Ok(Outlook { seen: Seen::Compose(now), intent: digest(&wanted), changes, irreversible })
    }

    pub(super) async fn apply(&self, site: Site<'_>) -> Result<Project, Failure> {
        let engine = self.engine(site).await?;
        let file = site.desk.roots.existing(&self.file)?;
        let settings = engine.read(self.words(&file, &["config"], &[])).await?.succeeded("compose config")?;
        engine.run("compose up", self.words(&file, &["up", "--detach"], &self.services)).await?;
        let now = self.running(&engine).await?;
        Ok(Project { settings: Some(settings.stdout.text()), ..now })
    }

    /// Removes what was made, stops what was started, and makes anew by the old settings what was made anew.
    pub(super) async fn take_back(&self, site: Site<'_>, before: &Project) -> Result<TakenBack, Failure> {
        let engine = self.engine(site).await?;
        let now = self.running(&engine).await?;
        let mut back = TakenBack::default();
        if before.services.is_empty() {
            if !now.services.is_empty() {
                engine.run("compose down", ["compose", &self.flag(), "down"]).await?;
                back.done.push(format!("{} was taken down", self.target()));
            }
            return Ok(back);
        }
        for (service, instances) in &now.services {
            let Some(old) = before.services.get(service) else {
                engine.run("rm", order(&["rm", "--force"], instances)).await?;
                back.done.push(format!("{service} was removed"));
                continue;
            };
            let is_started = instances.iter().any(|one| one.running) && !old.iter().any(|one| one.running);
            if is_started && hashes(instances) == hashes(old) {
                engine.run("stop", order(&["stop"], instances)).await?;
                back.done.push(format!("{service} was stopped"));
            }
        }
        let differs = |(service, old): &(&String, &Vec<Instance>)| {
            now.services.get(*service).is_none_or(|now| hashes(now) != hashes(old))
        };
        let changed: Vec<String> =
            before.services.iter().filter(differs).map(|(service, _)| service.clone()).collect();
        if !changed.is_empty() {
            self.make_anew(site, &engine, before, changed, &mut back).await?;
        }
        Ok(back)
    }

    async fn make_anew(
        &self,
        site: Site<'_>,
        engine: &Engine<'_>,
        before: &Project,
        services: Vec<String>,
        back: &mut TakenBack,
    ) -> Result<(), Failure> {
        let (Some(settings), Some(state)) = (&before.settings, &site.desk.settings.state) else {
            back.left.push(format!("settings from before are not kept: {}", services.join(", ")));
            return Ok(());
        };
        let file = state.join(format!("compose-{}.yaml", self.project));
        fs::write(&file, settings)
            .map_err(|error| Failure::failed("io_error", format!("writing {}: {error}", file.display())))?;
        let words = self.words(&file, &["up", "--detach", "--no-build", "--no-deps"], &services);
        let made = engine.run("compose up", words).await;
        // It holds settings, and is of no use any more.
        let _ = fs::remove_file(&file);
        made?;
        back.done.extend(services.iter().map(|service| format!("{service} is as it was")));
        self.stop_again(engine, before, &services).await
    }

    /// Making a service anew starts it; one that did not run before is stopped.
    async fn stop_again(
        &self,
        engine: &Engine<'_>,
        before: &Project,
        services: &[String],
    ) -> Result<(), Failure> {
        let now = self.running(engine).await?;
        for service in services {
            let is_down = before.services.get(service).is_some_and(|old| !old.iter().any(|one| one.running));
            if let Some(instances) = now.services.get(service).filter(|_| is_down) {
                engine.run("stop", order(&["stop"], instances)).await?;
            }
        }
        Ok(())
    }

    /// The engine, if it has compose.
    async fn engine<'a>(&self, site: Site<'a>) -> Result<Engine<'a>, Failure> {
        let engine = Engine::find(site.desk, site.call).await?;
        let program = engine.kind.program();
        if engine.read(["compose", "version"]).await?.status.success() {
            return Ok(engine);
        }
        Err(Failure::failed("program_missing", format!("`{program}` has no `compose`"))
            .hint("install the plugin `docker-compose-plugin`, or `podman-compose`"))
    }

    /// compose's digest of the settings of each service that is to be up.
    async fn wanted(&self, engine: &Engine<'_>, site: Site<'_>) -> Result<BTreeMap<String, String>, Failure> {
        let file = site.desk.roots.existing(&self.file)?;
        let said = engine.read(self.words(&file, &["config", "--hash=*"], &[])).await?;
        let said = said.succeeded("compose config")?.stdout.text();
        let all = said.lines().filter_map(|line| line.split_once(' '));
        let mut all: BTreeMap<String, String> =
            all.map(|(service, hash)| (service.to_owned(), hash.trim().to_owned())).collect();
        if let Some(odd) = self.services.iter().find(|service| !all.contains_key(*service)) {
            return Err(invalid(format!("{} has no service `{odd}`", self.file.display())));
        }
        all.retain(|service, _| self.services.is_empty() || self.services.contains(service));
        Ok(all)
    }

    async fn running(&self, engine: &Engine<'_>) -> Result<Project, Failure> {
        let project = format!("--filter=label=com.docker.compose.project={}", self.project);
        let lasting = "--filter=label=com.docker.compose.oneoff=False";
        let said =
            engine.read(["container", "ls", "--all", "--no-trunc", &project, lasting, COLUMNS]).await?;
        let mut services: BTreeMap<String, Vec<Instance>> = BTreeMap::new();
        for line in said.succeeded("container ls")?.stdout.text().lines() {
            if let [id, state, service, hash] = line.split(' ').collect::<Vec<_>>()[..] {
                let one = Instance { id: id.to_owned(), hash: hash.to_owned(), running: state == "running" };
                services.entry(service.to_owned()).or_default().push(one);
            }
        }
        Ok(Project { services, settings: None })
    }

    fn flag(&self) -> String {
        format!("--project-name={}", self.project)
    }

    fn words(&self, file: &Path, order: &[&str], services: &[String]) -> Vec<String> {
        let file = format!("--file={}", file.display());
        let words = ["compose".to_owned(), file, self.flag()].into_iter();
        words.chain(order.iter().map(|&word| word.to_owned())).chain(services.iter().cloned()).collect()
    }
}

impl Project {
    /// Whether the same services run with the same settings; which containers they are is compose's business.
    pub(super) fn is_like(&self, then: &Self) -> bool {
        let told = |project: &Self| -> Vec<(String, Vec<(String, bool)>)> {
            let services = project.services.iter();
            let told = services.map(|(service, instances)| {
                let mut told: Vec<_> = instances.iter().map(|one| (one.hash.clone(), one.running)).collect();
                told.sort();
                (service.clone(), told)
            });
            told.collect()
        };
        told(self) == told(then)
    }

    fn hashes(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        self.services.iter().map(|(service, instances)| (service.as_str(), hashes(instances))).collect()
    }
}

fn hashes(instances: &[Instance]) -> BTreeSet<&str> {
    instances.iter().map(|one| one.hash.as_str()).collect()
}

/// An order for containers.
fn order(words: &[&str], instances: &[Instance]) -> Vec<String> {
    let ids = instances.iter().map(|one| one.id.as_str());
    words.iter().copied().chain(ids).map(str::to_owned).collect()
}
