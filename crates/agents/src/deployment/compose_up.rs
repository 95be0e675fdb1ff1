//! `compose_up`: a deployment of one compose project, planned and applied at once.

use std::sync::Arc;

use op_agent::{Call, Failure};

use super::apply::{Applied, perform, survey};
use super::compose::Compose;
use super::manifest::Manifest;
use super::outlook::Site;
use super::record::Store;
use super::step::Step;
use crate::tools::Desk;

/// Brings a project up, as the deployment `compose-PROJECT`.
pub(super) async fn compose_up(desk: Arc<Desk>, call: Call, args: Compose) -> Result<Applied, Failure> {
    let name = format!("compose-{}", args.project);
    let manifest = Manifest::of(name, Step::Compose(args));
    manifest.check()?;
    let site = Site { desk: &desk, call: &call };
    let store = Store::lock(&desk, &manifest.name)?;
    let survey = survey(site, &store, manifest).await?;
    perform(site, &store, survey, false).await
}
