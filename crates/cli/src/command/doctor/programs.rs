//! Programs that agents run.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use op_plan::catalogue::TOOLS;
use op_plan::{Performer, Plan};
use rustix::fs::{Access, access};

use super::finding::Finding;
use crate::render::text::count;

/// Plans by id.
type Plans = BTreeMap<String, Arc<Plan>>;

/// How many plans are named that a program is for.
const LISTED: usize = 3;

/// A program, what it is for, and where it comes from.
const PROGRAMS: [(&str, &str, &str); 5] = [
    ("cargo", "rust_pro cannot build, test or check anything", "install Rust: https://rustup.rs"),
    ("cargo-clippy", "rust_pro.clippy cannot work", "rustup component add clippy"),
    ("cargo-fmt", "rust_pro.fmt cannot work", "rustup component add rustfmt"),
    ("git", "plans that look at the history of a repository cannot work", "install git"),
    ("ovs-vsctl", "ovs_list_bridges cannot ask Open vSwitch", "install openvswitch-switch, if you use it"),
];

/// Programs of which one is enough, and the tools that run it.
struct Client {
    check: &'static str,
    names: &'static [&'static str],
    tools: &'static [&'static str],
    mend: &'static str,
}

const CLIENTS: [Client; 2] = [
    Client {
        check: "containers",
        names: &["docker", "podman"],
        tools: &["docker_build", "docker_push"],
        mend: "install docker or podman, if you want to run them",
    },
    Client {
        check: "kubectl",
        names: &["kubectl"],
        tools: &["kubectl_apply"],
        mend: "install kubectl, if you want to run them",
    },
];

/// Looks for the programs. Of those that are for some plans alone, it is told for which ones.
pub(super) fn look(plans: &Plans) -> Vec<Finding> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = env::split_paths(&path).collect();
    let programs = PROGRAMS.iter().map(|program| find(program, &folders));
    programs.chain(CLIENTS.iter().map(|client| client.find(&folders, plans))).collect()
}

impl Client {
    fn find(&self, folders: &[PathBuf], plans: &Plans) -> Finding {
        if let Some(file) = self.names.iter().find_map(|name| file(name, folders)) {
            return Finding::good(self.check, file.display().to_string());
        }
        let programs = self.names.join(" nor ");
        let missing =
            if self.names.len() > 1 { format!("neither {programs}") } else { format!("no {programs}") };
        let message =
            format!("{missing} in PATH: {} cannot work, {}", self.tools.join(" and "), self.callers(plans));
        Finding::lacking(self.check, message, self.mend)
    }

    /// Which plans call its tools, in words.
    fn callers(&self, plans: &Plans) -> String {
        let calls = |performer: &Performer| {
            performer.agent == TOOLS && self.tools.contains(&performer.operation.as_str())
        };
        let is_caller =
            |plan: &Plan| plan.calls().filter_map(|call| call.part.default_performer()).any(calls);
        let callers: Vec<_> =
            plans.iter().filter(|(_, plan)| is_caller(plan)).map(|(id, _)| format!("`{id}`")).collect();
        let shown = callers.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
        match callers.len() {
            0 => "which no plan here calls".to_owned(),
            many if many > LISTED => format!("which {shown} and {} call", count(many - LISTED, "more plan")),
            many => format!(
                "which {} {shown} call{}",
                if many == 1 { "plan" } else { "plans" },
                if many == 1 { "s" } else { "" }
            ),
        }
    }
}

fn find((name, lack, mend): &(&'static str, &str, &str), folders: &[PathBuf]) -> Finding {
    match file(name, folders) {
        Some(file) => Finding::good(name, file.display().to_string()),
        None => Finding::lacking(name, format!("not found in PATH: {lack}"), *mend),
    }
}

/// Where a program is.
fn file(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    folders.iter().map(|folder| folder.join(name)).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    file.is_file() && access(file, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use op_plan::plan::{Action, Call, Part};
    use op_plan::{Draft, Mapping, Phase, Shape, Step};

    use super::*;
    use crate::command::doctor::finding::Health;

    #[test]
    fn a_program_is_a_file_that_can_be_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let (plain, program) = (folder.path().join("git"), folder.path().join("cargo"));
        fs::write(&plain, "").expect("writes");
        fs::write(&program, "").expect("writes");
        fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).expect("sets");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("sets");
        let folders = [folder.path().to_owned()];
        let health = |name| find(&(name, "x", "y"), &folders).health;
        assert_eq!(
            (health("cargo"), health("git"), health("docker")),
            (Health::Good, Health::Lacking, Health::Lacking)
        );
    }

    #[test]
    fn what_is_for_some_plans_alone_is_told_with_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let folders = [folder.path().to_owned()];
        let [containers, kubectl] = &CLIENTS;
        let plan = |id: &str, tool: &str| {
            let part = Part::Performer(Performer::new(TOOLS, tool));
            let call = Call { part, arguments: Mapping::empty() };
            let phase = Phase::new("a", vec![Step::new("a", Action::Call(call))]);
            Plan::seal(Draft::new(id, Shape::Workflow, vec![phase])).map(Arc::new).expect("it is valid")
        };
        let plans = |made: &[(&str, &str)]| {
            made.iter().map(|(id, tool)| ((*id).to_owned(), plan(id, tool))).collect::<Plans>()
        };
        let told = |client: &Client, made: &[(&str, &str)]| client.find(&folders, &plans(made)).message;
        let deploy = [("deploy", "docker_push"), ("local", "file_read")];
        assert_eq!(
            told(containers, &deploy),
            "neither docker nor podman in PATH: docker_build and docker_push cannot work, which plan `deploy` calls"
        );
        assert_eq!(
            told(kubectl, &deploy),
            "no kubectl in PATH: kubectl_apply cannot work, which no plan here calls"
        );
        let many =
            [("a", "kubectl_apply"), ("b", "kubectl_apply"), ("c", "kubectl_apply"), ("d", "kubectl_apply")];
        assert!(told(kubectl, &many[..2]).ends_with("which plans `a`, `b` call"));
        assert!(told(kubectl, &many).ends_with("which `a`, `b`, `c` and 1 more plan call"));
        let podman = folder.path().join("podman");
        fs::write(&podman, "").expect("writes");
        fs::set_permissions(&podman, fs::Permissions::from_mode(0o755)).expect("sets");
        assert_eq!(containers.find(&folders, &plans(&deploy)).health, Health::Good);
    }
}
