//! `suggest`: one suggestion for each rule that a linter or a reviewer found broken.
//!
//! What is suggested stands in [`ADVICE`]. Of a rule that is not in it, what the finding itself says is passed on.

use std::collections::BTreeMap;

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::brief::{Brief, missing};

/// How it is done, in one sentence.
const METHOD: &str = "plain rules: one suggestion for each rule among the findings, the most frequent first";

/// How many places of a rule are named.
const PLACES: usize = 20;

/// What to do about which rule.
const ADVICE: [(&str, &str); 23] = [
    ("long_line", "break the line where a comma, an operator or a bracket lets you"),
    ("trailing_blank", "remove the blanks at the ends of lines; most editors do so on saving"),
    ("mixed_indent", "indent the whole file the same way, with spaces or with tabs"),
    ("open_mark", "do what the mark says, or put it where work is planned and remove the mark"),
    ("unbalanced_bracket", "close each bracket with its partner; a formatter shows where one is missing"),
    (
        "deep_nesting",
        "leave the function early instead of nesting, or move the inner part into a function of its own",
    ),
    ("long_function", "split the function where its steps are; each step gets a name"),
    ("duplicated_lines", "move the lines into one function and call it from both places"),
    ("doctype", "begin the file with `<!DOCTYPE html>`"),
    ("title", "give the page a `title` that says what it is"),
    ("lang", "say the language of the page: `<html lang=\"en\">`"),
    ("one_h1", "give the page one `h1`, and make the others `h2`"),
    ("heading_order", "go down one level of heading at a time"),
    ("img_alt", "say in `alt` what the image shows; leave it empty when it only decorates"),
    ("duplicate_id", "give each element an `id` of its own"),
    ("unclosed_tag", "close the element where it ends"),
    ("stray_end_tag", "remove the end tag, or open the element that it should end"),
    ("unfinished", "end what is begun: a comment with `-->`, a tag with `>`"),
    ("broken_link", "make the file that the link leads to, or correct or remove the link"),
    ("broken_anchor", "give the place that the link leads to its `id`, or correct the link"),
    ("unlinked_file", "link to the file from a page, or remove it"),
    ("no_index", "add an `index.html`, with which the site begins"),
    ("missing_field", "fill in the field, or do not require it"),
];

/// What was found.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Suggest {
    /// The findings, as `analyze_code` returns them, or issues of a review; those of the input where they are not given.
    findings: Option<Vec<Found>>,
    #[serde(flatten)]
    brief: Brief,
}

/// A finding, whoever made it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
struct Found {
    /// The rule that is broken.
    #[serde(default)]
    rule: String,
    /// What is wrong.
    #[serde(default)]
    message: String,
    /// The file.
    file: Option<String>,
    /// The line, counted from 1.
    line: Option<u64>,
}

/// What to do.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Suggestions {
    /// The suggestions, those first that settle the most findings.
    suggestions: Vec<Step>,
    /// How it was done.
    method: &'static str,
}

/// What to do about a rule.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Step {
    /// The rule.
    rule: String,
    /// How many findings it settles.
    count: usize,
    /// What to do.
    suggestion: String,
    /// The first 20 places, as `file:line`.
    places: Vec<String>,
}

/// Suggests what to do about findings.
pub(super) fn suggest(_: &Bench, args: &Suggest) -> Result<Suggestions, Failure> {
    let input = &args.brief;
    let is_list = || Vec::<Found>::deserialize(&input.input).ok();
    let of_input = || {
        input.of_input("findings").or_else(|| input.of_input("issues")).or_else(|| input.of_input("errors"))
    };
    let found = args.findings.clone().or_else(of_input).or_else(is_list);
    let found =
        found.ok_or_else(|| missing("findings", "give `findings`, as `analyze_code` returns them"))?;
    let mut rules: BTreeMap<&str, Vec<&Found>> = BTreeMap::new();
    found.iter().for_each(|one| rules.entry(&one.rule).or_default().push(one));
    let mut suggestions: Vec<Step> =
        rules.into_iter().map(|(rule, found)| suggestion(rule, &found)).collect();
    suggestions.sort_by_key(|suggestion| std::cmp::Reverse(suggestion.count));
    Ok(Suggestions { suggestions, method: METHOD })
}

fn suggestion(rule: &str, found: &[&Found]) -> Step {
    let advice = ADVICE.iter().find(|(known, _)| *known == rule).map(|(_, advice)| (*advice).to_owned());
    let said = || found.first().map_or_else(String::new, |first| format!("see to this: {}", first.message));
    let places = found.iter().take(PLACES).filter_map(|found| place(found)).collect();
    Step { rule: rule.to_owned(), count: found.len(), suggestion: advice.unwrap_or_else(said), places }
}

fn place(found: &Found) -> Option<String> {
    let line = found.line.map(|line| line.to_string());
    let parts: Vec<String> = [found.file.clone(), line].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(":"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::bench::fixture::bench;
    use super::*;

    fn suggested(args: Value) -> Vec<(String, usize, Vec<String>)> {
        let suggestions = suggest(&bench().1, &serde_json::from_value(args).unwrap()).unwrap().suggestions;
        suggestions.into_iter().map(|one| (one.rule, one.count, one.places)).collect()
    }

    #[test]
    fn each_rule_has_one_suggestion_and_the_most_frequent_is_first() {
        let findings = json!([
            { "rule": "doctype", "file": "a.html", "line": 1 },
            { "rule": "long_line", "line": 3 },
            { "rule": "long_line", "line": 5 },
        ]);
        let expected = [
            ("long_line".to_owned(), 2, vec!["3".to_owned(), "5".to_owned()]),
            ("doctype".to_owned(), 1, vec!["a.html:1".to_owned()]),
        ];
        for args in [
            json!({ "findings": findings }),
            json!({ "input": { "issues": findings } }),
            json!({ "input": findings }),
        ] {
            assert_eq!(suggested(args), expected);
        }
        assert_eq!(suggested(json!({ "findings": [] })), []);
    }

    #[test]
    fn of_an_unknown_rule_the_finding_is_passed_on() {
        let args = json!({ "findings": [{ "rule": "mine", "message": "do that" }] });
        let told = suggest(&bench().1, &serde_json::from_value(args).unwrap()).unwrap();
        assert_eq!(told.suggestions[0].suggestion, "see to this: do that");
    }
}
