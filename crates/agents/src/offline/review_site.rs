//! `review_site`: a reviewer by plain rules, who reads every file of a site and follows every link in it.
//!
//! [`document`] judges one file, [`links`] what is between them. A site that is not approved is an answer, not a failure.

mod document;
mod links;
mod tokens;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::brief::{Brief, missing};
use super::issue::Issue;
use document::Document;

/// How it is done, in one sentence.
const METHOD: &str = "plain rules: every HTML file is parsed and checked for structure and accessibility, \
    every link and anchor within the site is followed";

/// Which site.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ReviewSite {
    /// The folder of the site; a relative path starts at the first root. That of the input where it is not given.
    folder: Option<PathBuf>,
    #[serde(flatten)]
    brief: Brief,
}

/// A site that was reviewed.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SiteReview {
    /// Whether nothing is wrong with it.
    approved: bool,
    /// What is wrong, by file and line.
    issues: Vec<Issue>,
    /// How much was looked at.
    checked: Checked,
    /// Where the site is.
    folder: PathBuf,
    /// How it was done.
    method: &'static str,
}

/// How much was looked at.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Checked {
    /// HTML files that were read.
    files: usize,
    /// Links that were followed.
    links: usize,
    /// Links that lead beyond the site and were not followed.
    external: usize,
}

/// Reviews a site.
pub(super) fn review_site(bench: &Bench, args: &ReviewSite) -> Result<SiteReview, Failure> {
    let folder = args.folder.clone().or_else(|| args.brief.of_input("folder"));
    let folder = folder.ok_or_else(|| missing("folder", "name in `folder` where the site is"))?;
    let real = bench.folder(&folder)?;
    let files = bench.files(&real)?;
    let mut documents = Vec::new();
    let mut styles = Vec::new();
    for (name, path) in &files {
        match extension(name) {
            "html" | "htm" => documents.push(Document::read(name, &bench.read(path)?)),
            "css" => styles.push((name.clone(), bench.read(path)?)),
            _ => {}
        }
    }
    let names: BTreeSet<String> = files.into_iter().map(|(name, _)| name).collect();
    let links = links::check(&names, &documents, &styles);
    let mut issues: Vec<Issue> =
        documents.iter_mut().flat_map(|document| document.issues.drain(..)).collect();
    issues.extend(links.issues);
    issues.extend(no_index(&names));
    issues.sort();
    issues.dedup();
    let checked = Checked { files: documents.len(), links: links.followed, external: links.external };
    Ok(SiteReview { approved: issues.is_empty(), issues, checked, folder: real, method: METHOD })
}

fn extension(name: &str) -> &str {
    Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

fn no_index(names: &BTreeSet<String>) -> Option<Issue> {
    let message = "the site has no `index.html`, with which it would begin".to_owned();
    let (file, rule) = ("index.html".to_owned(), "no_index".to_owned());
    (!names.contains("index.html")).then_some(Issue { file, line: 0, rule, message, target: None })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::super::bench::fixture::bench;
    use super::super::build_site::build_site;
    use super::*;

    fn review(bench: &Bench, folder: &str) -> SiteReview {
        review_site(bench, &serde_json::from_value(json!({ "folder": folder })).unwrap()).unwrap()
    }

    #[test]
    fn what_the_builder_builds_is_approved() {
        let (_directory, bench) = bench();
        for goal in [
            "x",
            "- a\n- a\n- A!\n- B: see [a](a.html), [x](https://example.org) and ![](javascript:x)",
            "# T & <b>\n## One\n### Sub\ntext\n### Sub\n- x\n- y\n## Two\nsee [sub](one.html#sub)",
        ] {
            let args = json!({ "folder": "site", "goal": goal });
            let built = build_site(&bench, &serde_json::from_value(args).unwrap()).unwrap();
            let review = review_site(
                &bench,
                &serde_json::from_value(json!({ "input": serde_json::to_value(built).unwrap() })).unwrap(),
            );
            assert_eq!(review.unwrap().issues, [], "{goal}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let (directory, bench) = bench();
        let site = directory.path().join("root/site");
        fs::create_dir_all(&site).unwrap();
        fs::write(site.join("home.html"), "<html>\n<h1>x</h1>\n<a href='no.html'>y</a>\n").unwrap();
        let review = review(&bench, "site");
        let found: Vec<_> = review.issues.iter().map(|issue| (issue.line, issue.rule.as_str())).collect();
        assert!(!review.approved);
        assert_eq!(
            found,
            [
                (0, "unlinked_file"),
                (1, "doctype"),
                (1, "lang"),
                (1, "title"),
                (3, "broken_link"),
                (0, "no_index")
            ]
        );
        assert_eq!(review.checked, Checked { files: 1, links: 1, external: 0 });
    }

    #[test]
    fn a_folder_that_is_not_there_is_a_failure_and_an_empty_one_is_not_approved() {
        let (directory, bench) = bench();
        let args = serde_json::from_value(json!({ "folder": "no" })).unwrap();
        assert_eq!(review_site(&bench, &args).unwrap_err().reason(), "not_found");
        fs::create_dir(directory.path().join("root/empty")).unwrap();
        assert_eq!(review(&bench, "empty").issues[0].rule, "no_index");
    }
}
