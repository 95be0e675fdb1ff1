//! `docker_build` and `docker_remove_image`: an image under a tag, and the tag taken off again.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Engine, Kind, name};
use crate::tools::Desk;
use crate::undo::Undo;

/// What to build, and what to call it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DockerBuild {
    /// The tag, such as `registry.example.org/app:1.2`.
    tag: String,
    /// The directory that the build sees; a relative path starts at the first root, which is also the default.
    #[serde(default)]
    context: PathBuf,
    /// The Dockerfile, below the roots; the one in the context by default.
    file: Option<PathBuf>,
    /// Values for the `ARG`s of the Dockerfile.
    #[serde(default)]
    build_args: BTreeMap<String, String>,
}

/// An image that was built.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct DockerBuilt {
    /// Its tag.
    image: String,
    /// Its id.
    id: String,
    /// The id of the image that had the tag before; null if there was none.
    replaced: Option<String>,
    /// The program that built it.
    program: Kind,
}

/// A tag that was taken off.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DockerRemoved {
    /// The tag.
    image: String,
    /// Whether the tag had to be taken off; if not, it was gone, had not moved, or another image has it by now.
    removed: bool,
    /// The id of the image that has the tag now; null if none has.
    id: Option<String>,
}

/// Builds an image. What it answers is what the engine has under the tag afterwards.
pub(crate) async fn docker_build(
    desk: Arc<Desk>,
    call: Call,
    args: DockerBuild,
) -> Result<DockerBuilt, Failure> {
    name(&args.tag)?;
    let flags = flags(&desk, &args)?;
    let engine = Engine::find(&desk, &call).await?.within(desk.roots.existing(&args.context)?);
    let replaced = engine.image(&args.tag).await?;
    engine.run("build", flags).await?;
    let id = engine.image(&args.tag).await?.ok_or_else(|| {
        let message = format!("the build ended well and there is no image `{}`", args.tag);
        Failure::failed("image_missing", message)
            .hint("the builder of docker must load its images into docker: `docker buildx use default`")
    })?;
    Ok(DockerBuilt { image: args.tag, id, replaced, program: engine.kind })
}

fn flags(desk: &Desk, args: &DockerBuild) -> Result<Vec<OsString>, Failure> {
    let mut flags: Vec<OsString> = vec!["build".into(), format!("--tag={}", args.tag).into()];
    if let Some(file) = &args.file {
        let mut flag = OsString::from("--file=");
        flag.push(desk.roots.existing(file)?);
        flags.push(flag);
    }
    for (name, value) in &args.build_args {
        if name.is_empty() || name.contains('=') {
            let message = format!("`{name}` is not the name of an argument of a build");
            return Err(Failure::rejected("invalid_arguments", message));
        }
        flags.push(format!("--build-arg={name}={value}").into());
    }
    flags.push(".".into());
    Ok(flags)
}

/// Undoes `docker_build`: the tag goes back to the image that had it before, or goes away. A tag that is gone, or that
/// somebody gave to another image since, is left as it is.
pub(crate) async fn docker_remove_image(
    desk: Arc<Desk>,
    call: Call,
    args: Undo<DockerBuild, DockerBuilt>,
) -> Result<DockerRemoved, Failure> {
    let DockerBuilt { image, id, replaced, program } = args.output;
    name(&image)?;
    let engine = Engine::of(program, &desk, &call)?;
    let is_ours = engine.image(&image).await?.is_some_and(|now| now == id);
    let removed = is_ours && replaced.as_ref() != Some(&id);
    match replaced {
        Some(replaced) if removed => {
            name(&replaced)?;
            engine.run("tag", ["tag", &replaced, &image]).await.map_err(|failure| {
                failure.hint(
                    "if the image that had the tag before was pruned, build it again or take the tag off",
                )
            })?;
        }
        None if removed => {
            engine.run("image rm", ["image", "rm", &image]).await?;
        }
        Some(_) | None => {}
    }
    let id = engine.image(&image).await?;
    Ok(DockerRemoved { image, removed, id })
}
