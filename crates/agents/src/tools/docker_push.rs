//! `docker_push`: an image sent to a registry.

use std::sync::{Arc, LazyLock};

use op_agent::{Call, Failure};
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Desk;
use crate::engine::{Engine, Kind, name};

/// docker's last word about a push: `1.2: digest: sha256:.. size: 528`. It names digests of other things too.
static DOCKER: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)\bdigest: (sha256:[0-9a-f]{64})\b"));

/// podman's digest file.
static PODMAN: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^(sha256:[0-9a-f]{64})$"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern that a test uses")
}

/// What to push, where.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DockerPush {
    /// The image, such as `app:1.2`.
    image: String,
    /// The registry, such as `registry.example.org/team`; the image is tagged for it first. By default, the one that the
    /// name of the image says.
    registry: Option<String>,
}

/// An image that a registry has.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct DockerPushed {
    /// The name under which it was pushed.
    reference: String,
    /// The digest of its manifest, which never stands for another image.
    digest: String,
}

/// Pushes an image.
pub(super) async fn docker_push(
    desk: Arc<Desk>,
    call: Call,
    args: DockerPush,
) -> Result<DockerPushed, Failure> {
    let reference = reference(&args.image, args.registry.as_deref())?;
    let engine = Engine::find(&desk, &call).await?;
    if reference != args.image {
        engine.run("tag", ["tag", &args.image, &reference]).await?;
    }
    let mut push = vec!["push"];
    if engine.kind == Kind::Podman {
        // It says the digest nowhere else.
        push.push("--digestfile=/dev/stdout");
    }
    push.push(&reference);
    let pushed = engine.run("push", push).await.map_err(|failure| {
        failure.hint("credentials are found by DOCKER_CONFIG or REGISTRY_AUTH_FILE if `environment` of the agent tools names it")
    })?;
    let digest = digest(engine.kind, &pushed.stdout.text()).ok_or_else(|| {
        let message = format!("`{}` pushed {reference} and did not say its digest", engine.kind.program());
        Failure::failed("digest_unknown", message).detail(pushed.detail())
    })?;
    Ok(DockerPushed { reference, digest })
}

fn reference(image: &str, registry: Option<&str>) -> Result<String, Failure> {
    name(image)?;
    let Some(registry) = registry.map(|registry| registry.trim_end_matches('/')) else {
        return Ok(image.to_owned());
    };
    name(registry)?;
    let prefix = format!("{registry}/");
    Ok(if image.starts_with(&prefix) { image.to_owned() } else { prefix + image })
}

fn digest(kind: Kind, said: &str) -> Option<String> {
    let pattern = match kind {
        Kind::Docker => &DOCKER,
        Kind::Podman => &PODMAN,
    };
    pattern.captures_iter(said).last().map(|found| found[1].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_named_for_its_registry_once() {
        let named = |registry| reference("app:1", registry).unwrap();
        assert_eq!(named(None), "app:1");
        assert_eq!(named(Some("localhost:5000/team/")), "localhost:5000/team/app:1");
        assert_eq!(reference("r.org/app:1", Some("r.org")).unwrap(), "r.org/app:1");
        assert_eq!(reference("app", Some("--all")).unwrap_err().reason(), "invalid_arguments");
    }

    #[test]
    fn the_digest_is_the_one_of_what_was_pushed() {
        let (layer, manifest) = (format!("sha256:{}", "a".repeat(64)), format!("sha256:{}", "b".repeat(64)));
        let said = format!(
            "0123: Pushed\n1: digest: {manifest} size: 528\nonly one platform: {layer} -> {manifest}\n"
        );
        assert_eq!(digest(Kind::Docker, &said), Some(manifest.clone()));
        assert_eq!(digest(Kind::Docker, &layer), None);
        assert_eq!(digest(Kind::Podman, &manifest), Some(manifest));
        assert_eq!(digest(Kind::Podman, "Writing manifest"), None);
    }
}
