//! A playbook of Ansible, by its check mode and for good.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use op_agent::Failure;
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outlook::{Outlook, Site, digest};
use super::step::{Seen, TakenBack};
use crate::process::{Ended, Program, run};

/// A task that changes things also in check mode.
static UNCHECKED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?im)^\s*(?:-\s+)?check_mode\s*:\s*(?:no|false|off|0)\b"));

/// A line of the recap: `web : ok=2 changed=1 unreachable=0 failed=0 ...`.
static RECAP: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?m)^(\S+)\s+:\s+ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)")
});

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern that a test uses")
}

/// A playbook that is to have been played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ansible {
    /// The playbook; a relative path starts at the first root.
    playbook: PathBuf,
    /// The inventory, below the roots; that of Ansible's settings by default.
    inventory: Option<PathBuf>,
    /// Only hosts that this pattern names.
    limit: Option<String>,
    /// Only tasks with one of these tags.
    #[serde(default)]
    tags: Vec<String>,
    /// Variables.
    #[serde(default)]
    variables: BTreeMap<String, String>,
    /// The playbook that takes back what this one does. Without it, nothing can.
    rollback: Option<PathBuf>,
}

/// How many tasks would change something, by host.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Hosts {
    changed: BTreeMap<String, u32>,
}

/// What a playbook did on a host, or would do.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Recap {
    /// How many tasks went well.
    ok: u32,
    /// How many of them change something.
    pub(super) changed: u32,
    /// How often the host could not be reached.
    unreachable: u32,
    /// How many tasks failed.
    failed: u32,
}

impl Ansible {
    pub(super) fn target(&self) -> String {
        let limit = self.limit.as_ref().map(|limit| format!(" on {limit}")).unwrap_or_default();
        format!("ansible {}{limit}", self.playbook.display())
    }

    pub(super) async fn look(&self, site: Site<'_>) -> Result<Outlook, Failure> {
        let hosts = Hosts::of(&self.check(site).await?);
        let changes = hosts.changed.iter().filter(|(_, changed)| **changed > 0);
        let changes: Vec<String> =
            changes.map(|(host, changed)| format!("{changed} tasks would change {host}")).collect();
        let irreversible = (!changes.is_empty() && self.rollback.is_none())
            .then(|| "no playbook is named in `rollback` that takes it back".to_owned());
        let back = self.rollback.as_deref().map(|path| read(site, path)).transpose()?;
        let intent = digest(&(read(site, &self.playbook)?, back));
        Ok(Outlook { seen: Seen::Ansible(hosts), intent, changes, irreversible })
    }

    /// Plays it without changing anything.
    pub(super) async fn check(&self, site: Site<'_>) -> Result<BTreeMap<String, Recap>, Failure> {
        if UNCHECKED.is_match(&read(site, &self.playbook)?) {
            let message =
                format!("{} has tasks that change things also in check mode", self.playbook.display());
            return Err(Failure::rejected("not_checkable", message)
                .hint("leave `check_mode: false` out of it; roles that say so are not seen and run"));
        }
        self.play(site, &self.playbook, &["--check", "--diff"]).await
    }

    pub(super) async fn apply(&self, site: Site<'_>) -> Result<Hosts, Failure> {
        let recap = self.play(site, &self.playbook, &["--diff"]).await?;
        // Played again, it would change nothing.
        Ok(Hosts { changed: recap.into_keys().map(|host| (host, 0)).collect() })
    }

    pub(super) async fn take_back(&self, site: Site<'_>, before: &Hosts) -> Result<TakenBack, Failure> {
        let mut back = TakenBack::default();
        if before.changed.values().all(|changed| *changed == 0) {
            return Ok(back);
        }
        let Some(rollback) = &self.rollback else {
            back.left.push(format!("no playbook takes back {}", self.playbook.display()));
            return Ok(back);
        };
        let recap = self.play(site, rollback, &["--diff"]).await?;
        let changed = recap.iter().filter(|(_, recap)| recap.changed > 0);
        back.done = changed.map(|(host, recap)| format!("{} tasks changed {host}", recap.changed)).collect();
        Ok(back)
    }

    async fn play(
        &self,
        site: Site<'_>,
        playbook: &Path,
        flags: &[&str],
    ) -> Result<BTreeMap<String, Recap>, Failure> {
        let ended = run(self.program(site, playbook, flags)?, site.call).await?;
        let hint = hint(&ended);
        let ended = ended.succeeded("ansible-playbook").map_err(|failure| failure.hint(hint))?;
        Ok(recap(&String::from_utf8_lossy(&ended.stdout.bytes)))
    }

    fn program<'a>(&self, site: Site<'a>, playbook: &Path, flags: &[&str]) -> Result<Program<'a>, Failure> {
        let roots = &site.desk.roots;
        let playbook = roots.existing(playbook)?;
        let mut words: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
        if let Some(inventory) = &self.inventory {
            words.push(format!("--inventory={}", roots.existing(inventory)?.display()));
        }
        words.extend(self.limit.iter().map(|limit| format!("--limit={limit}")));
        words.extend((!self.tags.is_empty()).then(|| format!("--tags={}", self.tags.join(","))));
        if !self.variables.is_empty() {
            words.push(format!("--extra-vars={}", serde_json::json!(self.variables)));
        }
        words.push(playbook.display().to_string());
        let folder = playbook.parent().unwrap_or(Path::new("/"));
        // The recap stands at the end, and what comes before it may be long.
        let program = Program::new(&site.desk.settings, "ansible-playbook", folder).args(words).keeping(MOST);
        let program = program.with("ANSIBLE_NOCOLOR", Path::new("1"));
        // Its own choice is below the home, which the sandbox closes.
        Ok(match &site.desk.settings.state {
            Some(state) => program
                .with("ANSIBLE_HOME", &state.join("ansible"))
                .with("ANSIBLE_LOCAL_TEMP", &state.join("ansible/tmp")),
            None => program,
        })
    }
}

/// How much of what Ansible says is read.
const MOST: usize = 32 * 1024 * 1024;

impl Hosts {
    fn of(recap: &BTreeMap<String, Recap>) -> Self {
        Self { changed: recap.iter().map(|(host, recap)| (host.clone(), recap.changed)).collect() }
    }
}

fn read(site: Site<'_>, path: &Path) -> Result<String, Failure> {
    let real = site.desk.roots.existing(path)?;
    fs::read_to_string(real)
        .map_err(|error| Failure::failed("io_error", format!("reading {}: {error}", path.display())))
}

fn recap(said: &str) -> BTreeMap<String, Recap> {
    let number = |text: &str| text.parse().unwrap_or_default();
    let hosts = RECAP.captures_iter(said).map(|found| {
        let [ok, changed, unreachable, failed] = [2, 3, 4, 5].map(|at| number(&found[at]));
        (found[1].to_owned(), Recap { ok, changed, unreachable, failed })
    });
    hosts.collect()
}

fn hint(ended: &Ended) -> String {
    let recap = recap(&String::from_utf8_lossy(&ended.stdout.bytes));
    let of = |count: fn(&Recap) -> u32| {
        let hosts = recap.iter().filter(|(_, recap)| count(recap) > 0).map(|(host, _)| host.as_str());
        hosts.collect::<Vec<_>>().join(", ")
    };
    match (of(|recap| recap.unreachable), of(|recap| recap.failed)) {
        (hosts, _) if !hosts.is_empty() => format!("these hosts were not reached: {hosts}"),
        (_, hosts) if !hosts.is_empty() => format!("a task failed on {hosts}"),
        _ => "the detail has what Ansible said".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recap_is_read_for_each_host() {
        let said = "PLAY RECAP ****\nweb-1    : ok=3    changed=1    unreachable=0    failed=0    skipped=2\n\
                    db : ok=1 changed=0 unreachable=1 failed=0\n";
        let recap = recap(said);
        assert_eq!(recap["web-1"], Recap { ok: 3, changed: 1, unreachable: 0, failed: 0 });
        assert_eq!(recap["db"].unreachable, 1);
    }

    #[test]
    fn tasks_that_run_in_check_mode_are_seen() {
        assert!(UNCHECKED.is_match("- hosts: all\n  tasks:\n  - command: x\n    check_mode: no\n"));
        assert!(!UNCHECKED.is_match("    check_mode: true\n# check_mode: no\n"));
    }
}
