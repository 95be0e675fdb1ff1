//! `specify`: a product manager by plain rules, from the words of a goal to the pages of a site.
//!
//! | in the goal | in the specification |
//! | --- | --- |
//! | the first heading of level 1, else what the first sentence asks for | the title |
//! | an item of a list | a page: its words up to a colon or dash are the title, the others its text |
//! | an item below a heading of level 2 that does not speak of pages | text of that page |
//! | "with pages A, B and C", "pages: A, B, C" | the pages A, B and C |
//! | a heading of level 2 | a page; what stands below it is its text |
//! | a deeper heading | a section of that page |
//! | any other paragraph | a section of the page `index`, which there always is |
//!
//! Links `[words](place)` are kept as they are. A page that the goal only names takes the sentences of the goal that speak of it.

use std::sync::LazyLock;

use op_agent::Failure;
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::Bench;
use super::brief::{Brief, missing};
use super::markdown::{self, Block, Kind};
use super::sentences;
use super::specification::{Page, Section, Specification, slug};

/// How it is done, in one sentence.
const METHOD: &str =
    "plain rules: list items, headings and phrases such as \"with pages A, B and C\" of the goal are pages";

/// How many words a page's title has at most.
const TITLE_WORDS: usize = 8;

/// How many pages one goal makes at most; what is beyond would be no navigation any more.
const MOST_PAGES: usize = 50;

/// What to specify: the goal, or the input, in words.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Specify {
    #[serde(flatten)]
    brief: Brief,
}

/// Where a sentence names pages: behind "with pages", behind "pages:", or between "with" and "pages".
static PAGES: LazyLock<Regex> = LazyLock::new(|| {
    let behind_with = r"(?xi)
        \b(?:with|has|have|having|including|includes?)\s+
        (?:(?:the|these|following|separate|several|\w+)\s+){0,2}
        (?:sub)?pages?(?:\s+(?:for|called|named|about|on))?\s*:?\s+([^.;!?\n]+)";
    let behind_colon = r"\bpages\s*:\s*([^.;!?\n]+)";
    let before_pages = r"\bwith\s+(?:an?\s+)?([^.;!?\n:]+?)\s+pages?\b";
    Regex::new(&format!("{behind_with}|{behind_colon}|{before_pages}")).expect("it is a regular expression")
});

/// A sentence that asks for a site: its end says for what.
static ASKED: LazyLock<Regex> = LazyLock::new(|| {
    let asked = r"(?xi)
        ^(?:please\s+)?(?:create|build|make|write|design|develop|implement|set\s+up)\s+
        (?:me\s+|us\s+)?(?:an?\s+|the\s+|my\s+|our\s+)?
        (?:
            (?:[\w-]+\s+){0,4}?(?:web\s?site|site|home\s?page|web\s?page)\s+
            (?:for|about|of|on)\s+(?:an?\s+|the\s+|my\s+|our\s+)?
        )?
        (.+)$";
    Regex::new(asked).expect("it is a regular expression")
});

static ITEM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(.{1,80}?)(?::\s+|\s+[-–—]\s+)(.+)$").expect("it is a regular expression")
});

/// Specifies a site.
pub(super) fn specify(_: &Bench, args: &Specify) -> Result<Specification, Failure> {
    let goal = args.brief.goal().ok_or_else(|| missing("goal", "say in `goal` what the site is to be"))?;
    Ok(by_goal(&goal))
}

/// The specification that a goal amounts to.
pub(super) fn by_goal(goal: &str) -> Specification {
    let blocks = markdown::blocks(goal);
    let title = title(&blocks);
    let mut reader = Reader::new();
    blocks.iter().for_each(|block| reader.read(&block.kind));
    let mut pages = reader.pages;
    let sentences = prose(&blocks);
    for page in pages.iter_mut().skip(1).filter(|page| page.sections.is_empty()) {
        page.sections = about(&page.title, &sentences);
    }
    Specification { title, pages, method: METHOD.to_owned() }
}

fn title(blocks: &[Block]) -> String {
    let heading = blocks.iter().find_map(|block| match &block.kind {
        Kind::Heading(1, text) => Some(markdown::plain(text)),
        _ => None,
    });
    let asked = || prose(blocks).first().map(|sentence| asked_for(sentence));
    heading.or_else(asked).filter(|title| !title.is_empty()).unwrap_or_else(|| "Site".to_owned())
}

/// What a sentence such as "Create a small website for a bakery with pages A and B." asks for: `Bakery`.
fn asked_for(sentence: &str) -> String {
    let sentence = PAGES.replace(sentence, "");
    let sentence = sentence.trim().trim_end_matches(['.', '!', ':', ',', ' ']);
    let asked =
        ASKED.captures(sentence).map_or(sentence, |found| found.get(1).map_or("", |rest| rest.as_str()));
    capital(first_words(asked).trim_end_matches([',', ':', ';']))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The sentences of the paragraphs, without the marks of markdown.
fn prose(blocks: &[Block]) -> Vec<String> {
    let paragraphs = blocks.iter().filter_map(|block| match &block.kind {
        Kind::Paragraph(text) => Some(markdown::plain(text)),
        Kind::Heading(..) | Kind::Item(_) => None,
    });
    paragraphs.flat_map(|text| sentences::texts(&text)).collect()
}

/// The sentences that speak of something, as the one section of its page.
fn about(title: &str, sentences: &[String]) -> Vec<Section> {
    let wanted = title.to_lowercase();
    let speaks = |sentence: &&String| sentence.to_lowercase().contains(&wanted) && !PAGES.is_match(sentence);
    let text: Vec<&str> = sentences.iter().filter(speaks).map(String::as_str).collect();
    if text.is_empty() { Vec::new() } else { vec![Section { heading: String::new(), text: text.join(" ") }] }
}

/// Where the blocks of a goal are put.
struct Reader {
    pages: Vec<Page>,
    /// The page that text belongs to.
    at: usize,
    /// Whether items of a list are pages here.
    lists_pages: bool,
    /// The heading that the next text stands below.
    heading: String,
}

impl Reader {
    fn new() -> Self {
        let index = Page { name: "index".to_owned(), title: "Home".to_owned(), sections: Vec::new() };
        Self { pages: vec![index], at: 0, lists_pages: true, heading: String::new() }
    }

    fn read(&mut self, kind: &Kind) {
        match kind {
            Kind::Heading(1, _) => {}
            Kind::Heading(2, text) => self.part(&markdown::plain(text)),
            Kind::Heading(_, text) => self.heading = markdown::plain(text),
            Kind::Item(text) if self.lists_pages => self.item(text),
            Kind::Item(text) => self.text(text),
            Kind::Paragraph(text) => self.paragraph(text),
        }
    }

    /// A heading of level 2: a list of pages, or a page.
    fn part(&mut self, title: &str) {
        self.lists_pages = title.to_lowercase().split_whitespace().any(|word| word == "pages");
        self.heading.clear();
        self.at = if self.lists_pages { 0 } else { self.page(title, None) };
    }

    fn item(&mut self, text: &str) {
        let (title, rest) = ITEM.captures(text).map_or((text, ""), |found| {
            let part = |index| found.get(index).map_or("", |part: regex::Match<'_>| part.as_str());
            (part(1), part(2))
        });
        let name = markdown::first_link(title).and_then(|link| link.target.strip_suffix(".html"));
        let shown = markdown::plain(title);
        let short = first_words(&shown);
        // What is too long for a title is a text, too.
        let text = if rest.is_empty() && short != shown { text } else { rest };
        let at = self.page(&short, name);
        if !text.is_empty() {
            self.pages[at].sections.push(Section { heading: String::new(), text: text.to_owned() });
        }
    }

    fn paragraph(&mut self, text: &str) {
        for found in PAGES.captures_iter(&markdown::plain(text)) {
            let names = (1..4).find_map(|group| found.get(group)).map_or("", |names| names.as_str());
            for name in listed(names) {
                self.page(&name, None);
            }
        }
        self.text(text);
    }

    fn text(&mut self, text: &str) {
        let heading = std::mem::take(&mut self.heading);
        self.pages[self.at].sections.push(Section { heading, text: text.to_owned() });
    }

    /// The page of this title, made unless it is there. A title without letters for a name, or one page too many,
    /// belongs to `index`.
    fn page(&mut self, title: &str, name: Option<&str>) -> usize {
        let title = capital(title.trim());
        let name = slug(name.unwrap_or(&title));
        if INDEX.contains(&name.as_str()) || name.is_empty() {
            return 0;
        }
        if let Some(at) = self.pages.iter().position(|page| page.name == name) {
            return at;
        }
        if self.pages.len() >= MOST_PAGES {
            return 0;
        }
        self.pages.push(Page { name, title, sections: Vec::new() });
        self.pages.len() - 1
    }
}

/// What people call the first page.
const INDEX: [&str; 6] = ["index", "home", "homepage", "home-page", "start", "startseite"];

/// The names in "A, B and C"; what is a phrase rather than a name is left out.
fn listed(names: &str) -> Vec<String> {
    let parts = SEPARATOR.split(names).map(|name| {
        let name = name.trim().trim_matches(['"', '\'', '“', '”', '`', ' ', ':']);
        ARTICLE.replace(name, "").trim().to_owned()
    });
    parts.filter(|name| !name.is_empty() && is_name(name)).collect()
}

fn is_name(name: &str) -> bool {
    let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
    let is_phrase = words.first().is_some_and(|word| CONNECTIVES.contains(&word.as_str()));
    !is_phrase
        && words.len() <= NAME_WORDS
        && !words.iter().all(|word| QUANTITIES.contains(&word.as_str()) || word.parse::<u32>().is_ok())
}

/// How many words the name of a page in a phrase has at most.
const NAME_WORDS: usize = 4;

/// Words that go on with the sentence rather than name a page.
const CONNECTIVES: [&str; 14] =
    ["and", "or", "that", "which", "where", "who", "in", "to", "of", "with", "so", "but", "links", "it"];

/// Words that say how many pages, and which ones not.
const QUANTITIES: [&str; 14] = [
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "several",
    "some",
    "few",
    "many",
    "the",
    "following",
    "links",
    "multiple",
];

static SEPARATOR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\s*(?:,\s*(?:and|und|or)\s+|,|&|\s(?:and|und|or|as well as)\s)\s*")
        .expect("it is a regular expression")
});

static ARTICLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^(?:an?|the|one|for|about)\s+|\s+page$").expect("it is a regular expression")
});

fn first_words(text: &str) -> String {
    text.split_whitespace().take(TITLE_WORDS).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(goal: &str) -> Vec<String> {
        by_goal(goal).pages.into_iter().map(|page| page.name).collect()
    }

    #[test]
    fn pages_are_read_from_phrases() {
        for goal in [
            "Create a website for a bakery with pages Home, Menu and Contact.",
            "Create a website for a bakery with 3 pages: Home, Menu, and Contact.",
            "A site. Pages: Home, Menu, Contact",
            "Build a site with menu and contact pages!",
            "A site including the pages \"Menu\" & Contact",
        ] {
            assert_eq!(names(goal), ["index", "menu", "contact"], "{goal}");
        }
        assert_eq!(names("Build a site with several pages and a search."), ["index"]);
    }

    #[test]
    fn items_of_a_list_are_pages_with_their_text() {
        let made = by_goal(
            "# Bakery\n\n- Home\n- Menu: bread and [cake](cake.html)\n- [Find us](where.html) - by the river\n",
        );
        assert_eq!(made.title, "Bakery");
        let shown: Vec<_> = made.pages.iter().map(|page| (page.name.as_str(), page.title.as_str())).collect();
        assert_eq!(shown, [("index", "Home"), ("menu", "Menu"), ("where", "Find us")]);
        assert_eq!(made.pages[1].sections[0].text, "bread and [cake](cake.html)");
        assert_eq!(made.pages[2].sections[0].text, "by the river");
    }

    #[test]
    fn headings_are_pages_and_sections() {
        let made = by_goal(
            "# Club\nWe play.\n\n## Teams\nThere are two.\n\n### Juniors\nYoung ones.\n- on Monday\n",
        );
        assert_eq!(made.pages.len(), 2);
        assert_eq!(made.pages[0].sections[0].text, "We play.");
        let teams = &made.pages[1];
        assert_eq!((teams.name.as_str(), teams.sections.len()), ("teams", 3));
        assert_eq!(
            (teams.sections[1].heading.as_str(), teams.sections[1].text.as_str()),
            ("Juniors", "Young ones.")
        );
    }

    #[test]
    fn the_title_is_what_is_asked_for() {
        for (goal, title) in [
            ("Create a small website for a bakery with pages Menu and Contact.", "Bakery"),
            ("Please build a functional web site about our chess club.", "Chess club"),
            ("Create a functional website", "Functional website"),
            ("# My garden\nCreate a website.", "My garden"),
            ("- a\n- b", "Site"),
        ] {
            assert_eq!(by_goal(goal).title, title, "{goal}");
        }
    }

    #[test]
    fn a_page_that_is_only_named_takes_the_sentences_about_it() {
        let made = by_goal("A site with pages Menu and Contact. The menu has bread. Call us.");
        assert_eq!(made.pages[1].sections[0].text, "The menu has bread.");
        assert_eq!(made.pages[2].sections, []);
    }

    #[test]
    fn links_of_the_goal_are_kept() {
        let made = by_goal("A site. See [the team](team.html).");
        assert!(made.pages[0].sections[0].text.contains("[the team](team.html)"));
        assert_eq!(made.pages.len(), 1);
    }

    #[test]
    fn without_a_goal_it_says_what_is_missing() {
        let (_directory, bench) = super::super::bench::fixture::bench();
        let args = serde_json::from_value(serde_json::json!({})).unwrap();
        assert_eq!(specify(&bench, &args).unwrap_err().reason(), "missing_argument");
    }
}
