//! `build_site`: a coder by plain rules, from a specification to a folder of HTML.
//!
//! One file for each page, `style.css`, and a navigation on every page. What an earlier review found is mended in the
//! [specification](mend) before it is built, so that building again does not bring it back. All files are staged before the first
//! takes its name ([`put`]), `index.html` the last. Pages of an earlier build that the site no longer has are
//! removed, known by the mark this builder leaves in them; any other file in the folder is left alone.

mod mend;
mod page;
mod style;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bench::Bench;
use super::brief::{Brief, missing};
use super::issue::Issue;
use super::specification::{Specification, slug, unique};
use super::specify;
use crate::staging;
use mend::Mended;

/// How it is done, in one sentence.
const METHOD: &str = "plain rules: each page of the specification is an HTML file with a navigation; \
    what the review names is mended in the specification first";

/// Most pages of one site.
const MOST_PAGES: usize = 500;

/// What to build, and where.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct BuildSite {
    /// The folder of the site, made when it is not there; a relative path starts at the first root. That of the input where it
    /// is not given.
    folder: Option<PathBuf>,
    /// The specification, as `specify` returns it. Without it the input is one or has one; else the goal is specified.
    specification: Option<Specification>,
    /// What an earlier review found, as `review_site` returns it; those of the input where they are not given.
    #[serde(default)]
    issues: Vec<Value>,
    #[serde(flatten)]
    brief: Brief,
}

/// A site that was built.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct BuiltSite {
    /// Where it really is.
    folder: PathBuf,
    /// The files that were written, sorted.
    files: Vec<String>,
    /// How many pages it has.
    pages: usize,
    /// What of the issues was mended, and how.
    mended: Vec<Mended>,
    /// Pages of an earlier build that were removed.
    removed: Vec<String>,
    /// The specification that was built, with what was mended.
    specification: Specification,
    /// How it was done.
    method: &'static str,
}

/// Builds a site.
pub(super) fn build_site(bench: &Bench, args: &BuildSite) -> Result<BuiltSite, Failure> {
    let folder = args.folder.clone().or_else(|| args.brief.of_input("folder"));
    let folder = folder.ok_or_else(|| missing("folder", "name in `folder` where the site is to be"))?;
    let mut specification = tidied(asked(args)?)?;
    let given = if args.issues.is_empty() { args.brief.of_input("issues") } else { None };
    let issues = Issue::list(&Value::Array(given.unwrap_or_else(|| args.issues.clone())));
    let mended = mend::mend(&mut specification, &issues);
    let files = rendered(&specification);
    let (folder, removed) = write(bench, &folder, &files)?;
    let mut files: Vec<String> = files.into_iter().map(|(name, _)| name).collect();
    files.sort();
    Ok(BuiltSite {
        folder,
        pages: specification.pages.len(),
        mended: mended.into_iter().chain(mend::by_building(&issues, &files, &removed)).collect(),
        files,
        removed,
        specification,
        method: METHOD,
    })
}

fn asked(args: &BuildSite) -> Result<Specification, Failure> {
    let of_input = || args.brief.of_input("specification");
    let is_input = || Specification::deserialize(&args.brief.input).ok();
    let of_goal = || args.brief.goal().map(|goal| specify::by_goal(&goal));
    let found = args.specification.clone().or_else(of_input).or_else(is_input).or_else(of_goal);
    found.ok_or_else(|| {
        missing("specification", "give a `specification` as `specify` returns it, or a `goal` in words")
    })
}

/// A specification whose names are plain, different, and begin with `index`, whoever wrote it.
fn tidied(mut specification: Specification) -> Result<Specification, Failure> {
    if specification.pages.is_empty() || specification.pages.len() > MOST_PAGES {
        let message =
            format!("a site has 1 to {MOST_PAGES} pages, and this one {}", specification.pages.len());
        return Err(Failure::rejected("invalid_specification", message));
    }
    let mut taken: Vec<String> = Vec::new();
    for (at, page) in specification.pages.iter_mut().enumerate() {
        let name = slug(page.name.trim_end_matches(".html"));
        let name = if name.is_empty() { slug(&page.title) } else { name };
        let name = if name.is_empty() { format!("page-{}", at + 1) } else { name };
        page.name = unique(&name, |name| taken.iter().any(|one| one == name));
        taken.push(page.name.clone());
        if page.title.trim().is_empty() {
            page.title.clone_from(&page.name);
        }
    }
    let first = specification.pages.iter().position(|page| page.name == "index").unwrap_or(0);
    "index".clone_into(&mut specification.pages[first].name);
    specification.pages[..=first].rotate_right(1);
    if specification.title.trim().is_empty() {
        specification.title.clone_from(&specification.pages[0].title);
    }
    Ok(specification)
}

/// The files by their names. The style comes before the pages that use it, and `index.html` after those it leads to.
fn rendered(specification: &Specification) -> Vec<(String, String)> {
    let style = ("style.css".to_owned(), style::STYLE.to_owned());
    let pages = specification.pages.iter().rev();
    let pages = pages.map(|page| (format!("{}.html", page.name), page::render(specification, page)));
    std::iter::once(style).chain(pages).collect()
}

fn write(bench: &Bench, path: &Path, files: &[(String, String)]) -> Result<(PathBuf, Vec<String>), Failure> {
    bench.go_on()?;
    let (folder, real) = bench.open_folder(path)?;
    let stale = stale(bench, &real, files)?;
    let named: Vec<(&OsStr, &str)> =
        files.iter().map(|(name, text)| (OsStr::new(name), text.as_str())).collect();
    let failed = |error| Failure::failed("io_error", format!("writing into {}: {error}", path.display()));
    staging::put(&folder, &named).map_err(failed)?;
    stale.iter().try_for_each(|name| staging::remove(&folder, OsStr::new(name))).map_err(failed)?;
    Ok((real, stale))
}

/// Pages right in the folder that this builder wrote, and that are not written now.
fn stale(bench: &Bench, folder: &Path, files: &[(String, String)]) -> Result<Vec<String>, Failure> {
    let is_page = |name: &str| name.strip_suffix(".html").is_some_and(|name| !name.contains('/'));
    let is_written = |name: &str| files.iter().any(|(written, _)| written == name);
    let others = bench.files(folder)?.into_iter().filter(|(name, _)| is_page(name) && !is_written(name));
    let mut stale = Vec::new();
    for (name, path) in others {
        // What cannot be read as text was written by somebody else.
        if bench.read(&path).is_ok_and(|text| text.contains(page::MARK)) {
            stale.push(name);
        }
    }
    Ok(stale)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::super::bench::fixture::bench;
    use super::*;

    fn build(bench: &Bench, args: Value) -> Result<BuiltSite, Failure> {
        build_site(bench, &serde_json::from_value(args).unwrap())
    }

    #[test]
    fn a_goal_becomes_a_folder_of_pages() {
        let (directory, bench) = bench();
        let goal = "Create a website for a bakery with pages Menu and Contact. See [the menu](menu.html).";
        let built = build(&bench, json!({ "goal": goal, "folder": "site/www" })).unwrap();
        assert_eq!(built.files, ["contact.html", "index.html", "menu.html", "style.css"]);
        assert_eq!(built.pages, 3);
        let index = fs::read_to_string(directory.path().join("root/site/www/index.html")).unwrap();
        assert!(index.contains("<a href=\"menu.html\">the menu</a>"), "{index}");
    }

    #[test]
    fn a_specification_is_taken_from_wherever_it_is() {
        let (_directory, bench) = bench();
        let specification = json!({ "title": "T", "pages": [{ "title": "One" }, { "name": "two" }] });
        for args in [
            json!({ "folder": "a", "specification": specification }),
            json!({ "folder": "a", "input": specification }),
            json!({ "input": { "folder": "a", "specification": specification, "issues": [] } }),
        ] {
            assert_eq!(build(&bench, args).unwrap().files, ["index.html", "style.css", "two.html"]);
        }
        assert_eq!(build(&bench, json!({ "folder": "a" })).unwrap_err().reason(), "missing_argument");
        assert_eq!(build(&bench, json!({ "goal": "x" })).unwrap_err().reason(), "missing_argument");
        let none = json!({ "folder": "a", "specification": { "pages": [] } });
        assert_eq!(build(&bench, none).unwrap_err().reason(), "invalid_specification");
    }

    #[test]
    fn names_are_made_plain_and_different() {
        let (_directory, bench) = bench();
        let pages = json!([{ "name": "../x" }, { "title": "X" }, { "name": "index" }, { "title": "日本" }]);
        let built =
            build(&bench, json!({ "folder": ".", "specification": { "title": "T", "pages": pages } }))
                .unwrap();
        assert_eq!(built.files, ["index.html", "page-4.html", "style.css", "x-2.html", "x.html"]);
    }

    #[test]
    fn building_again_removes_its_own_old_pages_and_nothing_else() {
        let (directory, bench) = bench();
        let site = directory.path().join("root/site");
        build(&bench, json!({ "folder": "site", "goal": "A site with pages Old and New." })).unwrap();
        fs::write(site.join("mine.html"), "by hand").unwrap();
        let built =
            build(&bench, json!({ "folder": "site", "goal": "A site with pages New and Newer." })).unwrap();
        assert_eq!(built.removed, ["old.html"]);
        assert!(site.join("mine.html").exists() && !site.join("old.html").exists());
    }

    #[test]
    fn nothing_is_built_outside() {
        let (directory, bench) = bench();
        let failure = build(&bench, json!({ "folder": "../site", "goal": "A site." })).unwrap_err();
        assert_eq!(failure.reason(), "outside_roots");
        assert!(!directory.path().join("site").exists());
    }
}
