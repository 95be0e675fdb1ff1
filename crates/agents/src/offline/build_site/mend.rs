//! Mends what a review names, in the specification that the site is then built from.
//!
//! | issue | mended by |
//! | --- | --- |
//! | `broken_link` to `NAME.html` beside the page | a page of that name, called by the words of the link |
//! | `broken_link` to anything else, `broken_anchor` | the link becomes its words; an image that is not there goes |
//!
//! Whatever else is wrong with a file that is written anew, or was removed, is mended by that alone ([`by_building`]).

use schemars::JsonSchema;
use serde::Serialize;

use super::MOST_PAGES;
use crate::offline::issue::Issue;
use crate::offline::markdown::{self, Link};
use crate::offline::specification::{Page, Specification, slug};

/// An issue that was mended.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Mended {
    /// The file in which it was found.
    file: String,
    /// The rule that was broken.
    rule: String,
    /// What was done.
    how: String,
}

impl Mended {
    fn new(issue: &Issue, how: String) -> Self {
        Self { file: issue.file.clone(), rule: issue.rule.clone(), how }
    }
}

/// Rules that [`mend`] sees to; building alone does not mend them.
const LINKS: [&str; 2] = ["broken_link", "broken_anchor"];

/// Mends the issues about links.
pub(super) fn mend(specification: &mut Specification, issues: &[Issue]) -> Vec<Mended> {
    let links = issues.iter().filter(|issue| LINKS.contains(&issue.rule.as_str()));
    links.filter_map(|issue| link(specification, issue).map(|how| Mended::new(issue, how))).collect()
}

fn link(specification: &mut Specification, issue: &Issue) -> Option<String> {
    let target = issue.target()?;
    let words = words(specification, target)?;
    let name = target.strip_suffix(".html").filter(|name| slug(name) == *name && !name.is_empty());
    if let (Some(name), "broken_link", true) =
        (name, issue.rule.as_str(), specification.pages.len() < MOST_PAGES)
    {
        if !specification.pages.iter().any(|page| page.name == name) {
            let title = title(&words, name);
            specification.pages.push(Page { name: name.to_owned(), title, sections: Vec::new() });
        }
        return Some(format!("there is a page `{target}` now"));
    }
    unlink(specification, target);
    Some(format!("the link to `{target}` is plain text now"))
}

/// The words of the first link to `target`; none when there is no such link.
fn words(specification: &Specification, target: &str) -> Option<String> {
    let texts = specification.pages.iter().flat_map(|page| &page.sections).map(|section| &section.text);
    let mut links = texts.flat_map(|text| markdown::pieces(text)).filter_map(Result::ok);
    links.find(|link| link.target == target).map(|link| link.text.to_owned())
}

fn title(words: &str, name: &str) -> String {
    let words = if words.trim().is_empty() { name } else { words.trim() };
    let words = words.strip_prefix("the ").unwrap_or(words);
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn unlink(specification: &mut Specification, target: &str) {
    let bare = |link: &Link<'_>| {
        (link.target == target).then(|| if link.is_image { String::new() } else { link.text.to_owned() })
    };
    for section in specification.pages.iter_mut().flat_map(|page| &mut page.sections) {
        section.text = markdown::replace(&section.text, bare);
    }
}

/// What is mended because its file was written anew or removed.
pub(super) fn by_building<'a>(
    issues: &'a [Issue],
    written: &'a [String],
    removed: &'a [String],
) -> impl Iterator<Item = Mended> + 'a {
    issues.iter().filter(|issue| !LINKS.contains(&issue.rule.as_str())).filter_map(|issue| {
        let how = if removed.contains(&issue.file) {
            "the page of an earlier build was removed"
        } else if written.contains(&issue.file) {
            "the file was written anew"
        } else {
            return None;
        };
        Some(Mended::new(issue, how.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offline::specify::by_goal;

    fn issue(rule: &str, target: &str) -> Issue {
        let (file, rule, target) = ("index.html".to_owned(), rule.to_owned(), Some(target.to_owned()));
        Issue { file, rule, target, ..Issue::default() }
    }

    #[test]
    fn a_missing_page_is_made_and_called_by_its_link() {
        let mut site = by_goal("A site. See [the team](team.html).");
        let mended = mend(&mut site, &[issue("broken_link", "team.html"), issue("broken_link", "team.html")]);
        assert_eq!(mended.len(), 2);
        assert_eq!((site.pages.len(), site.pages[1].title.as_str()), (2, "Team"));
    }

    #[test]
    fn any_other_broken_link_becomes_its_words() {
        let mut site = by_goal("A site. [a](../a.html) [b](b.pdf) [c](#c) ![d](d.png) [e](e.html)");
        let issues = [
            issue("broken_link", "../a.html"),
            issue("broken_link", "b.pdf"),
            issue("broken_anchor", "#c"),
            issue("broken_link", "d.png"),
        ];
        assert_eq!(mend(&mut site, &issues).len(), 4);
        assert_eq!(site.pages[0].sections[0].text, "A site. a b c  [e](e.html)");
    }

    #[test]
    fn what_is_not_in_the_texts_is_not_claimed_to_be_mended() {
        let mut site = by_goal("A site.");
        assert_eq!(mend(&mut site, &[issue("broken_link", "x.html")]), []);
        let files = ["index.html".to_owned()];
        assert_eq!(by_building(&[issue("doctype", ""), issue("broken_link", "x")], &files, &[]).count(), 1);
        let elsewhere = Issue { file: "other.html".to_owned(), ..issue("doctype", "") };
        assert_eq!(by_building(&[elsewhere], &files, &[]).count(), 0);
    }

    #[test]
    fn a_target_is_also_found_in_the_words_of_a_reviewer() {
        let said = Issue {
            rule: "broken_link".to_owned(),
            message: "the link `team.html` leads nowhere".to_owned(),
            ..Issue::default()
        };
        assert_eq!(mend(&mut by_goal("See [team](team.html)."), &[said]).len(), 1);
    }
}
