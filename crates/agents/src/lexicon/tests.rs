use proptest::prelude::*;

use super::alike::Alike;
use super::search::Found;
use super::*;

fn open() -> Connection {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(include_str!("0001.sql")).unwrap();
    db
}

fn add(db: &Connection, id: i64, heading: &str, body: &str) {
    add_in(db, id, 0, &[], None, heading, body);
}

fn add_in(
    db: &Connection,
    id: i64,
    space: i64,
    marks: &[i64],
    until: Option<i64>,
    heading: &str,
    body: &str,
) {
    let (heading, body): (Vec<String>, Vec<String>) = (words(heading).collect(), words(body).collect());
    put(db, &Text { id, space, marks, until, heading: &heading, body: &body }).unwrap();
}

fn find_in(db: &Connection, text: &str, spaces: &[i64], marks: &[i64], now: i64) -> Found {
    let words = query(text).unwrap();
    search(db, &Query { words: &words, spaces, marks, now, limit: 10, least: 0.0 }).unwrap()
}

fn find(db: &Connection, text: &str) -> (Vec<i64>, Vec<i64>) {
    let found = find_in(db, text, &[0], &[], 0);
    let ids = |hits: &[Hit]| hits.iter().map(|hit| hit.id).collect();
    (ids(&found.every), ids(&found.some))
}

fn like(db: &Connection, text: &str) -> Option<Alike> {
    like_but(db, text, None)
}

fn like_but(db: &Connection, text: &str, except: Option<i64>) -> Option<Alike> {
    let body: Vec<String> = words(text).collect();
    alike(db, &Claim { body: &body, spaces: &[0], marks: &[], except, now: 0 }, |_| Ok(true)).unwrap()
}

#[test]
fn texts_with_every_word_and_texts_with_some_are_never_mixed() {
    let db = open();
    add(&db, 1, "", "the deploy of the site");
    add(&db, 2, "", "a deploy that failed");
    add(&db, 3, "", "nothing of it");
    assert_eq!(find(&db, "deploy site"), (vec![1], vec![2]));
    assert_eq!(find(&db, "Deploy"), (vec![2, 1], vec![]));
    assert_eq!(find(&db, "absent"), (vec![], vec![]));
}

#[test]
fn scores_are_between_0_and_1_and_better_for_what_fits_better() {
    let db = open();
    add(&db, 1, "deploy", "how the site goes out");
    add(&db, 2, "site", "the deploy of the site in long and many words that say little about it");
    add(&db, 3, "other", "a deploy of it");
    let found = find_in(&db, "deploy", &[0], &[], 0);
    assert_eq!(found.every.iter().map(|hit| hit.id).collect::<Vec<_>>(), [1, 3, 2]);
    assert!(found.every.iter().all(|hit| hit.score > 0.0 && hit.score < 1.0), "{found:?}");
    assert!(found.complete);
}

#[test]
fn a_word_once_in_a_text_of_average_length_scores_as_documented() {
    let db = open();
    add(&db, 1, "", "one two three");
    add(&db, 2, "", "four five six");
    let found = find_in(&db, "two", &[0], &[], 0);
    assert!((found.every[0].score - 1.0 / 2.2).abs() < 1e-9, "{found:?}");
}

#[test]
fn what_is_below_the_least_score_is_no_hit() {
    let db = open();
    add(&db, 1, "", "one two three");
    let words = query("two").unwrap();
    let query = Query { words: &words, spaces: &[0], marks: &[], now: 0, limit: 10, least: 0.99 };
    assert_eq!(search(&db, &query).unwrap().every, []);
}

#[test]
fn no_space_sees_the_texts_of_another() {
    let db = open();
    add_in(&db, 1, 0, &[], None, "", "deploy key");
    add_in(&db, 2, 1, &[], None, "", "deploy key");
    add_in(&db, 3, 11, &[], None, "", "deploy key");
    for (spaces, ids) in [(vec![0], vec![1]), (vec![1], vec![2]), (vec![1, 0], vec![2, 1])] {
        let found = find_in(&db, "deploy key", &spaces, &[], 0);
        assert_eq!(found.every.iter().map(|hit| hit.id).collect::<Vec<_>>(), ids);
        assert_eq!(found.some, []);
    }
}

#[test]
fn marks_narrow_a_search() {
    let db = open();
    add_in(&db, 1, 0, &[7, 8], None, "", "deploy key");
    add_in(&db, 2, 0, &[7], None, "", "deploy");
    let marked = |marks: &[i64]| find_in(&db, "deploy", &[0], marks, 0).every.len();
    assert_eq!((marked(&[]), marked(&[7]), marked(&[7, 8]), marked(&[9])), (2, 2, 1, 0));
}

#[test]
fn what_is_out_or_over_is_not_found() {
    let db = open();
    add_in(&db, 1, 0, &[], Some(1000), "", "deploy");
    add(&db, 2, "", "deploy");
    remove(&db, 2).unwrap();
    remove(&db, 2).unwrap();
    assert_eq!(find_in(&db, "deploy", &[0], &[], 999).every.len(), 1);
    assert_eq!(find_in(&db, "deploy", &[0], &[], 1000).every.len(), 0);
    remove(&db, 1).unwrap();
    let left: i64 = db.query_row("SELECT count(*) FROM lexicon_totals", (), |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn words_beyond_what_is_kept_of_a_long_text_are_found() {
    let db = open();
    let long: Vec<String> = (0..2000).map(|number| format!("word{number}")).collect();
    add(&db, 1, "", &format!("first {} last", long.join(" ")));
    add(&db, 2, "", "first");
    assert_eq!(find(&db, "first last word1999"), (vec![1], vec![2]));
}

#[test]
fn of_a_word_that_everybody_has_the_newest_are_weighed_and_it_is_said() {
    let db = open();
    let many = i64::try_from(WEIGHED).unwrap() * 2;
    for id in 1..=many {
        add(&db, id, "", if id % 100 == 1 { "common usual rare" } else { "common usual" });
    }
    let found = find_in(&db, "common", &[0], &[], 0);
    assert!(!found.complete && found.every.len() == 10);
    assert!(found.every.iter().all(|hit| hit.id > many / 2));
    let found = find_in(&db, "rare usual common", &[0], &[], 0);
    assert!(found.complete && found.every.len() == 10, "{found:?}");
    assert_eq!(find_in(&db, "rare common", &[0], &[], 0).every.len(), 10);
}

#[test]
fn a_query_has_words_and_not_too_many() {
    assert_eq!(query("A b, a").unwrap(), ["a", "b"]);
    assert_eq!(query("?!").unwrap_err().reason(), "no_words");
    let many: Vec<String> = (0..17).map(|number| number.to_string()).collect();
    assert_eq!(query(&many.join(" ")).unwrap_err().reason(), "too_many_words");
}

#[test]
fn what_says_the_same_in_another_order_or_with_one_word_changed_in_many_is_alike() {
    let db = open();
    let text = "the site goes out on fridays when all of its tests have passed and somebody who knows it well is there to look after it until monday morning";
    add(&db, 1, "", text);
    let backwards: Vec<&str> = text.split(' ').rev().collect();
    assert_eq!(like(&db, &backwards.join(" ")), Some(Alike { id: 1, share: 1.0 }));
    let changed = like(&db, &text.replace("fridays", "thursdays")).unwrap();
    assert!(changed.id == 1 && changed.share >= 0.9 && changed.share < 1.0, "{changed:?}");
    assert_eq!(like(&db, "the site goes out on mondays when it is ready and not before"), None);
    assert_eq!(like_but(&db, text, Some(1)), None);
}

#[test]
fn long_texts_that_only_begin_alike_are_not_alike() {
    let db = open();
    let header: Vec<String> = (0..900).map(|number| format!("word{number}")).collect();
    let header = header.join(" ");
    let tail = |of: &str| (0..900).map(|number| format!("{of}{number}")).collect::<Vec<_>>().join(" ");
    add(&db, 1, "", &format!("{header} {}", tail("one")));
    assert_eq!(like(&db, &format!("{header} {}", tail("two"))), None);
    assert_eq!(like(&db, &header), None, "the beginning of another one is not all of it");
    let same = like(&db, &format!("{} {header}", tail("one")));
    assert_eq!(same, Some(Alike { id: 1, share: 1.0 }));
}

#[test]
fn what_is_short_may_be_said_twice() {
    let db = open();
    add(&db, 1, "", "port 8080");
    assert_eq!(like(&db, "port 8080"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn texts_are_found_by_exactly_their_words(bodies in prop::collection::vec("[a-f]( [a-f]){0,3}", 1..20), asked in "[a-f]( [a-f]){0,2}") {
        let db = open();
        for (id, body) in (1_i64..).zip(&bodies) {
            add(&db, id, "", body);
        }
        let asked = query(&asked).unwrap();
        let found = search(&db, &Query { words: &asked, spaces: &[0], marks: &[], now: 0, limit: 100, least: 0.0 }).unwrap();
        let having = |body: &String| asked.iter().filter(|word| body.contains(word.as_str())).count();
        let expect = |range: std::ops::RangeInclusive<usize>| {
            (1_i64..).zip(&bodies).filter(|(_, body)| range.contains(&having(body))).map(|(id, _)| id).collect::<Vec<_>>()
        };
        let mut every: Vec<i64> = found.every.iter().map(|hit| hit.id).collect();
        let mut some: Vec<i64> = found.some.iter().map(|hit| hit.id).collect();
        every.sort_unstable();
        some.sort_unstable();
        prop_assert_eq!(every, expect(asked.len()..=asked.len()));
        prop_assert_eq!(some, if asked.len() == 1 { Vec::new() } else { expect(1..=asked.len() - 1) });
    }
}
