use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn ask(value: Value) -> Result<Agreement, Failure> {
    weigh(serde_json::from_value(value).unwrap())
}

fn one(participant: &str, position: &str, confidence: f64) -> Value {
    json!({ "participant": participant, "position": position, "confidence": confidence })
}

fn linked(participant: &str, position: &str, confidence: f64, agrees_with: &[&str]) -> Value {
    json!({ "participant": participant, "position": position, "confidence": confidence, "agrees_with": agrees_with })
}

#[test]
fn all_who_agree_for_sure_make_a_full_score() {
    let agreement =
        ask(json!({ "positions": [one("b", "Use  SQLite", 1.0), one("a", "use sqlite", 1.0)] })).unwrap();
    assert_eq!((agreement.reached, agreement.score, agreement.level), (true, 1.0, Level::Strong));
    assert_eq!(agreement.supporting, ["a", "b"]);
    assert_eq!(agreement.text, "Consensus (score 1.00), held by a, b. Position: use sqlite");
}

#[test]
fn the_score_is_the_share_of_the_largest_group_weighted_by_confidence() {
    let positions = json!([one("a", "x", 0.9), one("b", "x", 0.7), one("c", "y", 1.0), one("d", "z", 0.2)]);
    let agreement = ask(json!({ "positions": positions })).unwrap();
    assert!((agreement.score - 0.4).abs() < 1e-9, "{}", agreement.score);
    assert_eq!((agreement.reached, agreement.position.as_deref()), (false, Some("x")));
    assert_eq!(agreement.dissenting, ["c", "d"]);
    let weighed = ask(json!({ "positions": positions, "weights": { "c": 9.0 }, "threshold": 0.7 })).unwrap();
    assert_eq!(weighed.position.as_deref(), Some("y"));
    assert!((weighed.score - 0.75).abs() < 1e-9, "{}", weighed.score);
    assert!(!weighed.reached, "one participant of several is no consensus, whatever it weighs");
}

#[test]
fn who_names_another_agrees_with_it_and_with_those_it_agrees_with() {
    let positions = json!([
        linked("a", "ship on monday", 1.0, &["b", "nobody"]),
        one("b", "release after the weekend", 1.0),
        linked("c", "the first day of the week", 1.0, &["a"]),
    ]);
    let agreement = ask(json!({ "positions": positions })).unwrap();
    assert_eq!((agreement.score, agreement.supporting.len()), (1.0, 3));
}

#[test]
fn texts_that_only_look_alike_are_not_the_same() {
    let agreement =
        ask(json!({ "positions": [one("a", "merge", 1.0), one("b", "do not merge", 1.0)] })).unwrap();
    assert_eq!((agreement.score, agreement.level), (0.5, Level::Weak));
}

#[test]
fn who_did_not_answer_is_counted_and_a_lone_voice_is_no_consensus() {
    let agreement = ask(json!({ "positions": [one("a", "x", 1.0), null, one("b", "x", 1.0)] })).unwrap();
    assert_eq!((agreement.reached, agreement.absent, agreement.participants.len()), (true, 1, 2));
    assert!(agreement.text.contains("; 1 did not answer."), "{}", agreement.text);
    let lone = ask(json!({ "positions": [one("a", "x", 1.0), null] })).unwrap();
    assert_eq!((lone.reached, lone.score), (false, 1.0));
    assert!(ask(json!({ "positions": [one("a", "x", 1.0)] })).unwrap().reached, "only one was asked");
    for silent in [json!([]), json!([null, null])] {
        let nobody = ask(json!({ "positions": silent })).unwrap();
        assert_eq!(
            (nobody.reached, nobody.score, nobody.position, nobody.level),
            (false, 0.0, None, Level::None)
        );
    }
}

#[test]
fn each_level_begins_at_its_bound() {
    assert_eq!([0.0, 0.39, 0.4, 0.59].map(level), [Level::None, Level::None, Level::Weak, Level::Weak]);
    assert_eq!(
        [0.6, 0.79, 0.8, 1.0].map(level),
        [Level::Moderate, Level::Moderate, Level::Strong, Level::Strong]
    );
}

#[test]
fn a_score_at_its_bound_has_reached_it() {
    let positions: Vec<Value> = (0..7).map(|index| one(&format!("p{index}"), "x", 0.8)).collect();
    let agreement = ask(json!({ "positions": positions })).unwrap();
    assert_eq!((agreement.reached, agreement.level), (true, Level::Strong));
}

#[test]
fn what_makes_no_sense_is_rejected() {
    for (args, word) in [
        (json!({ "positions": [one("a", "x", 1.1)] }), "confidence"),
        (json!({ "positions": [one("a", "x", 1.0), one("a", "y", 1.0)] }), "two positions"),
        (json!({ "positions": [], "threshold": 0.0 }), "threshold"),
        (json!({ "positions": [], "weights": { "a": -1.0 } }), "weight"),
        (json!({ "positions": [one("a", "x", 1.0)], "weights": { "a": 0.0 } }), "nothing"),
    ] {
        let failure = ask(args).unwrap_err();
        assert_eq!(failure.reason(), "invalid_arguments");
        assert!(failure.message().contains(word), "{}", failure.message());
    }
}

prop_compose! {
    fn position(names: usize)(
        text in 0..4_u8,
        confidence in 0.0..=1.0_f64,
        others in vec(0..names, 0..3),
        answers in option::weighted(0.8, Just(())),
    ) -> (String, f64, Vec<usize>, bool) {
        (format!("position {text}"), confidence, others, answers.is_some())
    }
}

/// Up to seven participants, some of them silent, who hold up to four positions and name up to two others.
fn stories() -> impl Strategy<Value = Consensus> {
    (1..8_usize)
        .prop_flat_map(|count| (vec(position(count), count), vec(0.1..3.0_f64, count), 0.01..=1.0_f64))
        .prop_map(|(said, weights, threshold)| {
            let name = |index: usize| format!("p{index}");
            let entry = |(index, (position, confidence, others, answers)): (
                usize,
                (String, f64, Vec<usize>, bool),
            )| {
                let agrees_with = others.into_iter().map(name).collect();
                answers.then(|| Stance { participant: name(index), position, confidence, agrees_with })
            };
            let weights =
                weights.into_iter().enumerate().map(|(index, weight)| (name(index), weight)).collect();
            Consensus { positions: said.into_iter().enumerate().map(entry).collect(), threshold, weights }
        })
}

proptest! {
    #[test]
    fn the_order_of_positions_does_not_matter(
        (story, shuffled) in stories().prop_flat_map(|story| {
            let shuffled = Just(story.positions.clone()).prop_shuffle();
            (Just(story), shuffled)
        })
    ) {
        let other = Consensus { positions: shuffled, ..story.clone() };
        prop_assert_eq!(weigh(story).unwrap(), weigh(other).unwrap());
    }

    #[test]
    fn a_score_is_from_0_to_1_and_everybody_is_somewhere(story in stories()) {
        let asked = story.positions.len();
        let threshold = story.threshold;
        let agreement = weigh(story).unwrap();
        prop_assert!((0.0..=1.0).contains(&agreement.score));
        prop_assert!(!agreement.reached || agreement.score >= threshold);
        let mut all = [agreement.supporting, agreement.dissenting].concat();
        all.sort();
        prop_assert_eq!(all.len() + agreement.absent, asked);
        prop_assert_eq!(all, agreement.participants);
    }

    #[test]
    fn all_who_agree_for_sure_score_1_whatever_they_weigh(mut story in stories()) {
        for said in story.positions.iter_mut().flatten() {
            said.position = "the same".to_owned();
            said.confidence = 1.0;
        }
        let answered = story.positions.iter().flatten().count();
        let agreement = weigh(story).unwrap();
        let expected: f64 = if answered == 0 { 0.0 } else { 1.0 };
        prop_assert!(agreement.score.total_cmp(&expected).is_eq(), "{}", agreement.score);
    }
}
