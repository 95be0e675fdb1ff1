//! What each crate makes public, and how much of it is documented.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::survey::Survey;
use crate::review::{Finding, Severity};
use crate::source::{Repository, ratio};

/// With fewer public items a crate explains itself by its size.
const FEW_ITEMS: usize = 10;

/// Less documentation than this leaves a user of the crate to read its source.
const DOCUMENTED_SHARE: f64 = 0.5;

/// What one crate makes public.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CrateSurface {
    /// The crate.
    name: String,
    /// Items and methods that are `pub`.
    public: usize,
    /// Those of them with a doc comment.
    documented: usize,
    #[serde(skip)]
    bare: Option<(String, u32)>,
    #[serde(skip)]
    library: bool,
}

/// The public surface of every crate.
pub(super) fn crates(repository: &Repository, survey: &Survey) -> Vec<CrateSurface> {
    let mut surfaces = BTreeMap::new();
    for facts in survey.shipped() {
        let Some(krate) = facts.krate.and_then(|index| repository.manifests.crates.get(index)) else {
            continue;
        };
        let entry = surfaces.entry(&krate.dir).or_insert_with(|| CrateSurface {
            name: krate.name.clone(),
            public: 0,
            documented: 0,
            bare: None,
            library: false,
        });
        entry.public += facts.surface.public;
        entry.documented += facts.surface.documented;
        entry.library |= facts.path.ends_with("src/lib.rs");
        if let (None, Some(line)) = (&entry.bare, facts.surface.bare) {
            entry.bare = Some((facts.path.clone(), line));
        }
    }
    surfaces.into_values().collect()
}

/// Libraries that leave most of what they offer without a word.
pub(super) fn findings(surfaces: &[CrateSurface]) -> Vec<Finding> {
    surfaces.iter().filter_map(undocumented).collect()
}

fn undocumented(surface: &CrateSurface) -> Option<Finding> {
    let share = ratio(surface.documented, surface.public);
    if !surface.library || surface.public < FEW_ITEMS || share >= DOCUMENTED_SHARE {
        return None;
    }
    let message = format!(
        "{} of {} public items of {} are documented",
        surface.documented, surface.public, surface.name
    );
    let (file, line) = surface.bare.as_ref()?;
    Some(
        Finding::new(Severity::Low, "undocumented_surface", message)
            .at(file, *line)
            .evidence("the first undocumented item stands here")
            .suggest("document what users call, and make the rest pub(crate)"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::survey::fixture::survey;
    use super::*;
    use crate::source::fixture::package;

    fn library(documented: usize, bare: usize) -> String {
        "/// Doc.\npub fn a() {}\n".repeat(documented) + &"pub fn b() {}\n".repeat(bare)
    }

    #[test]
    fn a_library_without_documentation_is_found_at_its_first_bare_item() {
        let (manifest, text) = (package("lib"), library(4, 6));
        let (_dir, repository, survey) = survey(&[("Cargo.toml", &manifest), ("src/lib.rs", &text)]);
        let findings = findings(&crates(&repository, &survey));
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].file.as_deref(), findings[0].line), (Some("src/lib.rs"), Some(9)));
        assert_eq!(findings[0].message, "4 of 10 public items of lib are documented");
    }

    #[test]
    fn half_documented_small_and_binary_crates_are_left_alone() {
        for (file, text) in
            [("src/lib.rs", library(5, 5)), ("src/lib.rs", library(0, 9)), ("src/main.rs", library(0, 20))]
        {
            let manifest = package("x");
            let (_dir, repository, survey) = survey(&[("Cargo.toml", &manifest), (file, &text)]);
            assert_eq!(findings(&crates(&repository, &survey)), [], "{file}");
        }
    }
}
