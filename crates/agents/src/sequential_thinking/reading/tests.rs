use serde_json::{Value, json};

use super::super::style::Style;
use super::*;

struct Told {
    chain: Chain,
    read: Read,
    lines: Vec<u32>,
}

fn read_as(style: Style, max_steps: u32, arguments: &Value) -> Told {
    let mut chain = Chain::new("what", style, max_steps).unwrap();
    let mut lines = Vec::new();
    let mut tell = |thought: &Thought| {
        lines.push(thought.step);
        true
    };
    let given = Given::of(arguments.as_object().unwrap());
    let read = Reader::new(&mut chain, &mut tell, &|| true).read(&given).expect("nobody stops it");
    Told { chain, read, lines }
}

fn read(text: &str) -> Told {
    read_as(Style::Default, 500, &json!({ "wanted": text }))
}

fn of_kind(told: &Told, kind: Kind) -> Vec<(usize, &str)> {
    let thoughts = told.chain.thoughts.iter().filter(|thought| thought.kind == kind);
    thoughts.map(|thought| (thought.source.as_ref().unwrap().line, thought.text.as_str())).collect()
}

const WANTED: &str = "# Login\n\
    1. FR-1: Users must log in with a password.\n\
    2. Sessions must end after 30 minutes.\n\
    \n\
    # Search\n\
    - Search must be fast.\n\
    - Results may be ranked by age.\n";

#[test]
fn a_text_becomes_observations_questions_a_breakdown_and_a_conclusion_each_with_its_line() {
    let told = read(WANTED);
    assert_eq!(
        of_kind(&told, Kind::Observation),
        [
            (2, "Users must log in with a password."),
            (3, "Sessions must end after 30 minutes."),
            (6, "Search must be fast."),
            (7, "Results may be ranked by age."),
        ]
    );
    assert_eq!(
        of_kind(&told, Kind::Question),
        [(6, "How is \"fast\" measured, and from which number on is it met?")]
    );
    assert_eq!(
        of_kind(&told, Kind::Analysis),
        [(1, "\"Login\" is the work T1, T2 after T1."), (5, "\"Search\" is the work T3, T4.")]
    );
    assert_eq!(
        of_kind(&told, Kind::Conclusion),
        [(2, "4 requirements can be met in 2 waves; 1 question and 0 contradictions are open.")]
    );
    assert_eq!(told.read.waves, [vec!["T1", "T3", "T4"], vec!["T2"]]);
    let work = &told.read.work[1];
    assert_eq!(
        (work.depends_on.as_slice(), work.part.as_str(), work.step),
        (&["T1".to_owned()][..], "Login", Some(2))
    );
    assert_eq!(told.lines, (1..=8).collect::<Vec<_>>(), "each is told once, as it is made");
}

#[test]
fn the_same_text_gives_the_same_thoughts() {
    assert_eq!(read(WANTED).chain, read(WANTED).chain);
}

#[test]
fn requirements_that_exclude_each_other_are_asked_about() {
    let told = read("- The session timeout must be 30 minutes.\n- The session timeout must be 1 hour.\n");
    assert_eq!(
        of_kind(&told, Kind::Analysis)[0],
        (2, "Contradiction: step 1 says `30 minutes` and step 2 says `1 hour` of the same.")
    );
    assert_eq!(of_kind(&told, Kind::Question), [(2, "Which of the two holds?")]);
    assert!(told.chain.conclusion().unwrap().text.ends_with("1 question and 1 contradiction are open."));
}

#[test]
fn requirements_that_wait_for_each_other_are_asked_about() {
    let told = read("- R1: Build after R2.\n- R2: Test after R1.");
    assert_eq!(of_kind(&told, Kind::Question), [(1, "Which comes first, as T1 needs T2 needs T1?")]);
    assert!(told.read.waves.is_empty());
}

#[test]
fn what_a_review_found_and_names_that_are_there_are_observations() {
    let told = read_as(
        Style::Default,
        500,
        &json!({
            "wanted": "The crate op-run must say why.",
            "analysis": { "crates": [{ "name": "op-run" }, { "name": "op-ru" }] },
            "review": { "findings": [{ "severity": "high", "rule": "r", "message": "It leaks." , "file": "a.rs", "line": 3,
                                       "column": null, "evidence": null, "suggestion": null }] },
        }),
    );
    let texts: Vec<&str> = of_kind(&told, Kind::Observation).into_iter().map(|(_, text)| text).collect();
    assert_eq!(
        texts,
        ["The crate op-run must say why.", "`op-run` is there already: analysis.crates[0].", "It leaks."]
    );
}

#[test]
fn a_text_that_asks_for_nothing_is_asked_what_is_wanted() {
    let told = read("# Wanted\nThe sun shines today.");
    assert_eq!(
        of_kind(&told, Kind::Question),
        [(1, "What is wanted? No sentence of `wanted` asks for anything.")]
    );
    assert_eq!((told.read.other_sentences, told.chain.conclusion()), (1, None));
}

#[test]
fn each_style_looks_for_what_it_says() {
    let text = "# Login\n- Sessions must end after 30 minutes.\n- Old sessions must end soon.\n- Users may log in twice.\n# Later\nNothing yet.";
    let as_style = |style| read_as(style, 500, &json!({ "wanted": text }));
    let texts = |told: &Told, kind| {
        of_kind(told, kind).into_iter().map(|(_, text)| text.to_owned()).collect::<Vec<_>>()
    };
    let analytical = texts(&as_style(Style::Analytical), Kind::Observation);
    assert!(analytical.contains(&"The number to keep is 30 minutes.".to_owned()), "{analytical:?}");
    let creative = as_style(Style::Creative);
    assert_eq!(texts(&creative, Kind::Hypothesis), ["Users may log in twice."]);
    assert!(
        texts(&creative, Kind::Question).contains(&"Could one thing meet both step 1 and step 2?".to_owned())
    );
    let critical = texts(&as_style(Style::Critical), Kind::Question);
    assert!(critical.contains(&"How does one see that it is met?".to_owned()), "{critical:?}");
    let systematic = texts(&as_style(Style::Systematic), Kind::Question);
    assert!(systematic.iter().any(|text| text.starts_with("What does \"Later\" ask for?")), "{systematic:?}");
    assert_eq!(texts(&as_style(Style::Default), Kind::Question).len(), 1);
}

#[test]
fn a_chain_that_is_full_says_how_much_it_left_out() {
    let told = read_as(Style::Default, 3, &json!({ "wanted": WANTED }));
    assert_eq!(
        (told.chain.last(), told.chain.state, told.read.left_out),
        (3, super::super::chain::State::Stuck, 5)
    );
    assert_eq!(told.read.work.len(), 4, "the work is told all the same");
    assert_eq!(told.read.work[3].step, None);
}

#[test]
fn a_reading_that_is_stopped_ends_at_the_next_thought() {
    let mut chain = Chain::new("what", Style::Default, 500).unwrap();
    let mut told = 0;
    let mut tell = |_: &Thought| {
        told += 1;
        told < 2
    };
    let given = Given::of(json!({ "wanted": WANTED }).as_object().unwrap());
    assert_eq!(Reader::new(&mut chain, &mut tell, &|| true).read(&given), None);
    assert_eq!(chain.last(), 2);
}

#[test]
fn a_text_that_asks_for_too_much_is_read_as_far_as_one_can_follow() {
    let text: String =
        (0..1200).map(|number| format!("- Robot {number} must wait for robot {}.\n", number + 1)).collect();
    let told = read(&text);
    assert_eq!((told.read.work.len(), told.chain.last()), (1000, 500));
    assert!(told.read.left_out >= 700, "{}", told.read.left_out);
}
