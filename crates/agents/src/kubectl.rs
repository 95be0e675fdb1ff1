//! `kubectl` at work for a call, and the objects that it tells of.

mod object;
mod whole;

use std::path::{Path, PathBuf};

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::process::{self, Ended, Program};
use crate::tools::Desk;
pub(crate) use object::{Object, Reference};
pub(crate) use whole::KubectlApplied;

/// How much of what kubectl tells about objects is read. Clusters keep objects of up to 1.5 MiB.
const MOST: usize = 32 * 1024 * 1024;

/// What to look at when the cluster cannot be asked.
const UNREACHABLE: &str =
    "kubectl finds its clusters by KUBECONFIG, which reaches it if `environment` of the agent names it";

/// An object that was applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Applied {
    /// Which one.
    #[serde(flatten)]
    pub(crate) object: Reference,
    /// What became of it.
    pub(crate) change: Change,
}

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Change {
    /// It was not there before.
    Created,
    /// It was there and is another one now.
    Configured,
    /// It was there as it is.
    Unchanged,
}

/// What was brought back.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Restored {
    /// The objects that were applied as they had been, in the words of kubectl.
    pub(crate) restored: Vec<String>,
    /// The objects that were there and were deleted, in the words of kubectl.
    pub(crate) deleted: Vec<String>,
}

/// kubectl, for a call and a cluster.
pub(crate) struct Kubectl<'a> {
    desk: &'a Desk,
    call: &'a Call,
    directory: PathBuf,
    flags: Vec<String>,
}

impl<'a> Kubectl<'a> {
    /// kubectl for the cluster that a context of its settings names, and a namespace of it.
    pub(crate) fn new(
        desk: &'a Desk,
        call: &'a Call,
        context: Option<&str>,
        namespace: Option<&str>,
    ) -> Result<Self, Failure> {
        let directory = desk.roots.existing(Path::new("."))?;
        // A value stands in one word with its flag, so that it cannot be taken for another.
        let context = context.map(|context| format!("--context={context}"));
        let namespace = namespace.map(|namespace| format!("--namespace={namespace}"));
        Ok(Self { desk, call, directory, flags: context.into_iter().chain(namespace).collect() })
    }

    /// The objects of a manifest that are there, in its order.
    pub(crate) async fn get(&self, manifest: &str) -> Result<Vec<Object>, Failure> {
        let program = self.program(&["get", manifest, "--ignore-not-found", "--output=json"]).keeping(MOST);
        let ended = process::read(program, self.call).await?.succeeded("kubectl get");
        let ended = ended.map_err(|failure| failure.hint(UNREACHABLE))?;
        object::read(&ended.stdout).map_err(|message| Failure::failed("kubectl_failed", message))
    }

    /// The objects of a manifest as they would be if it were applied.
    pub(crate) async fn dry_run(&self, manifest: &str) -> Result<Vec<Object>, Failure> {
        let program = self.program(&["apply", manifest, "--dry-run=server", "--output=json"]).keeping(MOST);
        let ended = process::read(program, self.call).await?.succeeded("kubectl apply --dry-run=server")?;
        object::read(&ended.stdout).map_err(|message| Failure::failed("kubectl_failed", message))
    }

    /// Those of some objects that are there.
    pub(crate) async fn find(&self, objects: &[Value]) -> Result<Vec<Object>, Failure> {
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let program = self.program(&["get", "--filename=-", "--ignore-not-found", "--output=json"]);
        let program = program.keeping(MOST).input(Some(lines(objects)));
        let ended = process::read(program, self.call).await?.succeeded("kubectl get")?;
        object::read(&ended.stdout).map_err(|message| Failure::failed("kubectl_failed", message))
    }

    /// Applies a manifest, well or not, and passes on what kubectl says about it.
    pub(crate) async fn apply(&self, manifest: &str) -> Result<Ended, Failure> {
        process::run(self.program(&["apply", manifest]), self.call).await
    }

    /// Takes back what was applied: what was changed is applied as it was, what was made is deleted. Done twice it is done.
    ///
    /// The values of secrets are never kept, so a secret that was changed cannot be brought back; the rest is, and then it
    /// fails.
    pub(crate) async fn restore(
        &self,
        applied: &[Applied],
        previous: &[Object],
    ) -> Result<Restored, Failure> {
        let of = |change| applied.iter().filter(move |applied| applied.change == change);
        let mut done = Restored::default();
        let changed: Vec<Value> = previous.iter().map(|object| object.as_value().clone()).collect();
        if !changed.is_empty() {
            done.restored = self.tell(&["apply"], &changed).await?;
        }
        // What was made last goes first.
        let made: Vec<Value> = of(Change::Created).rev().map(|made| made.object.as_value()).collect();
        if !made.is_empty() {
            done.deleted = self.tell(&["delete", "--ignore-not-found"], &made).await?;
        }
        let is_kept = |lost: &&Applied| previous.iter().any(|object| object.reference() == lost.object);
        let lost: Vec<String> = of(Change::Configured)
            .filter(|lost| !is_kept(lost))
            .map(|lost| lost.object.to_string())
            .collect();
        if lost.is_empty() {
            return Ok(done);
        }
        let message =
            format!("what is in secrets is not kept, so these were not brought back: {}", lost.join(", "));
        Err(Failure::failed("secret_not_kept", message)
            .hint("apply the secrets as they were; everything else is as it was")
            .detail(json!(done)))
    }

    /// Hands objects to a command of kubectl, and gives back the names that it says.
    async fn tell(&self, command: &[&str], objects: &[Value]) -> Result<Vec<String>, Failure> {
        let program =
            self.program(command).args(["--filename=-", "--output=name"]).input(Some(lines(objects)));
        let ended = process::run(program, self.call).await?.succeeded(&format!("kubectl {}", command[0]))?;
        Ok(ended.stdout.text().lines().map(str::to_owned).collect())
    }

    fn program(&self, args: &[&str]) -> Program<'a> {
        Program::new(&self.desk.settings, "kubectl", &self.directory).args(args).args(&self.flags)
    }
}

/// Objects as kubectl reads them: one after the other and not as a list, whose kind is none that a cluster could check.
fn lines(objects: &[Value]) -> String {
    objects.iter().map(|object| format!("{object}\n")).collect()
}
