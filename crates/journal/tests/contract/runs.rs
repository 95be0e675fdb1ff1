//! How runs are found.

use std::collections::BTreeMap;

use op_engine::ports::journal::RunFilter;
use op_run::event::Retried;
use op_run::run::State;
use op_run::{Event, Fact, RunId};

use super::{Shared, millis};
use crate::samples::{PLAN, Story, phase, plan, started};

contracts![
    records_tell_the_run_after_its_last_events,
    unfinished_runs_come_oldest_first,
    a_run_that_is_over_can_go_on,
    runs_are_listed_newest_first,
    runs_are_listed_by_everything_at_once,
    a_list_goes_on_after_a_run,
    a_text_is_found_in_any_case_wherever_it_stands,
    labels_that_change_are_found_as_they_are,
    runs_are_found_by_the_beginning_of_their_name,
];

fn all() -> RunFilter {
    RunFilter { limit: 100, ..RunFilter::default() }
}

fn labels(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
    Story::new("").labels(labels).record.labels
}

/// Names of the runs that match, in the order of the list.
async fn names(journal: &Shared, filter: &RunFilter) -> String {
    let found = journal.list(filter).await.unwrap();
    found.iter().map(|found| found.id.as_str()).collect::<Vec<_>>().join(" ")
}

async fn records_tell_the_run_after_its_last_events(journal: Shared) {
    let mut story = Story::new("run");
    let all = || async { journal.find("run", 1).await.unwrap() };
    journal.append(story.next(vec![started()])).await.unwrap();
    assert_eq!(all().await, [story.record.clone()]);
    story.record.labels.insert("more".to_owned(), String::new());
    story.record.total_phases = 7;
    journal.append(story.next(vec![phase(2)])).await.unwrap();
    assert_eq!(all().await, [story.record.clone()]);
    journal.append(story.end(State::RolledBack, 77)).await.unwrap();
    assert_eq!(all().await, [story.record.clone()]);
    assert_eq!(story.record.ended_at, Some(millis(77)));
}

async fn unfinished_runs_come_oldest_first(journal: Shared) {
    let states = [
        (State::Running, 30),
        (State::Completed, 1),
        (State::Pending, 10),
        (State::Stuck, 2),
        (State::RollingBack, 20),
        (State::Running, 10),
    ];
    for (number, (state, at)) in states.into_iter().enumerate() {
        let mut story = Story::of(&format!("run-{number}"), &PLAN, at);
        journal.append(story.next(vec![started()])).await.unwrap();
        story.record.state = state;
        journal.append(story.next(vec![phase(2)])).await.unwrap();
    }
    let names: Vec<_> =
        journal.unfinished().await.unwrap().into_iter().map(|found| found.id.to_string()).collect();
    assert_eq!(names, ["run-2", "run-5", "run-4", "run-0"]);
}

async fn a_run_that_is_over_can_go_on(journal: Shared) {
    let mut story = Story::new("run");
    journal.append(story.next(vec![started()])).await.unwrap();
    let mut left = story.clone();
    for state in [State::Failed, State::Completed, State::Stuck] {
        journal.append(story.end(state, 77)).await.unwrap();
        assert_eq!(journal.unfinished().await.unwrap(), []);
        assert_eq!(journal.find("run", 1).await.unwrap()[0].ended_at, Some(millis(77)));
        let retried = Retried {
            phases: vec![],
            steps: vec![],
            lists: vec![],
            deadline: None,
            queued: false,
            user: "ada".to_owned(),
        };
        let retried = Fact::RunRetried(retried);
        left.record.sequence = story.record.sequence;
        story.record = left.record.clone();
        journal.append(story.next(vec![Event { at: millis(78), fact: retried }])).await.unwrap();
        assert_eq!(journal.unfinished().await.unwrap(), [story.record.clone()]);
        assert_eq!(story.record.ended_at, None);
        let over = RunFilter { states: vec![state], ..all() };
        assert_eq!(journal.list(&over).await.unwrap(), []);
    }
    journal.append(story.end(State::RolledBack, 80)).await.unwrap();
    assert_eq!(journal.unfinished().await.unwrap(), []);
}

async fn runs_are_listed_newest_first(journal: Shared) {
    let other = plan("other");
    for (run, plan, at, state) in [
        ("a", &*PLAN, 10, State::Running),
        ("b", &other, 30, State::Failed),
        ("c", &*PLAN, 20, State::Completed),
        ("d", &*PLAN, 20, State::Failed),
    ] {
        let mut story = Story::of(run, plan, at);
        story.record.state = state;
        journal.append(story.next(vec![started()])).await.unwrap();
    }
    for (states, plan, limit, wanted) in [
        (vec![], None, 10, "b d c a"),
        (vec![], None, 2, "b d"),
        (vec![State::Failed], None, 10, "b d"),
        (vec![State::Failed, State::Running], None, 10, "b d a"),
        (vec![State::Failed, State::Failed], None, 10, "b d"),
        (State::ALL.to_vec(), None, 3, "b d c"),
        (vec![], Some("release"), 10, "d c a"),
        (vec![State::Failed], Some("release"), 10, "d"),
        (vec![State::Cancelled], None, 10, ""),
    ] {
        let filter = RunFilter { states, plan: plan.map(str::to_owned), limit, ..RunFilter::default() };
        assert_eq!(names(&journal, &filter).await, wanted, "{filter:?}");
    }
}

/// Runs of three users, with labels, at four instants; `d` and `e` began at the same one.
async fn crowd(journal: &Shared) {
    let (red, hot): ((&str, &str), (&str, &str)) = (("colour", "red"), ("temper", "hot"));
    for (run, user, at, labels, state) in [
        ("a", "ada", 10, vec![red], State::Completed),
        ("b", "bob", 20, vec![red, hot], State::Failed),
        ("c", "ada", 30, vec![], State::Running),
        ("d", "ada", 40, vec![hot, red], State::Completed),
        ("e", "eve", 40, vec![("colour", "blue")], State::Completed),
        ("f", "bob", 15, vec![("red", "colour")], State::Stuck),
    ] {
        let mut story = Story::of(run, &PLAN, at).user(user).labels(&labels);
        story.record.state = state;
        story.record.reason = format!("Grün und {run}");
        journal.append(story.next(vec![started()])).await.unwrap();
    }
}

async fn runs_are_listed_by_everything_at_once(journal: Shared) {
    crowd(&journal).await;
    let user = |user: &str| Some(user.to_owned());
    let (red, hot) = (&[("colour", "red")][..], &[("colour", "red"), ("temper", "hot")][..]);
    for (filter, wanted) in [
        (all(), "e d c b f a"),
        (RunFilter { user: user("ada"), ..all() }, "d c a"),
        (RunFilter { user: user("ad"), ..all() }, ""),
        (RunFilter { labels: labels(red), ..all() }, "d b a"),
        (RunFilter { labels: labels(hot), ..all() }, "d b"),
        (RunFilter { labels: labels(&[("colour", "")]), ..all() }, ""),
        (RunFilter { since: Some(millis(20)), ..all() }, "e d c b"),
        (RunFilter { until: Some(millis(20)), ..all() }, "f a"),
        (RunFilter { since: Some(millis(15)), until: Some(millis(40)), ..all() }, "c b f"),
        (RunFilter { since: Some(millis(41)), until: Some(millis(u64::MAX)), ..all() }, ""),
        (RunFilter { states: vec![State::Completed], user: user("ada"), ..all() }, "d a"),
        (RunFilter { states: vec![State::Stuck, State::Failed], user: user("bob"), ..all() }, "b f"),
        (RunFilter { labels: labels(red), states: vec![State::Completed, State::Running], ..all() }, "d a"),
        (RunFilter { labels: labels(red), user: user("ada"), since: Some(millis(11)), ..all() }, "d"),
        (
            RunFilter {
                states: vec![State::Failed],
                plan: Some("release".to_owned()),
                user: user("bob"),
                labels: labels(hot),
                since: Some(millis(20)),
                until: Some(millis(21)),
                text: Some("GRÜN".to_owned()),
                after: Some(RunId::new("c")),
                limit: 1,
            },
            "b",
        ),
    ] {
        assert_eq!(names(&journal, &filter).await, wanted, "{filter:?}");
    }
}

async fn a_list_goes_on_after_a_run(journal: Shared) {
    crowd(&journal).await;
    let after = |run: &str| Some(RunId::new(run));
    let states = vec![State::Completed, State::Stuck];
    for (filter, wanted) in [
        (RunFilter { after: after("e"), ..all() }, "d c b f a"),
        (RunFilter { after: after("d"), limit: 2, ..all() }, "c b"),
        (RunFilter { after: after("a"), ..all() }, ""),
        (RunFilter { after: after("nobody"), ..all() }, "e d c b f a"),
        (RunFilter { after: after("e"), states, ..all() }, "d f a"),
        (RunFilter { after: after("c"), user: Some("ada".to_owned()), ..all() }, "a"),
        (RunFilter { after: after("c"), plan: Some("release".to_owned()), limit: 1, ..all() }, "b"),
        (RunFilter { after: after("e"), labels: labels(&[("colour", "red")]), ..all() }, "d b a"),
        (RunFilter { after: after("d"), labels: labels(&[("colour", "red")]), limit: 1, ..all() }, "b"),
        (RunFilter { after: after("d"), until: Some(millis(20)), ..all() }, "f a"),
        (RunFilter { after: after("f"), until: Some(millis(40)), ..all() }, "a"),
        (RunFilter { after: after("e"), since: Some(millis(40)), ..all() }, "d"),
    ] {
        assert_eq!(names(&journal, &filter).await, wanted, "{filter:?}");
    }
    let (mut pages, mut last) = (Vec::new(), None);
    loop {
        let page = journal.list(&RunFilter { after: last.clone(), limit: 2, ..all() }).await.unwrap();
        let Some(end) = page.last() else { break };
        last = Some(end.id.clone());
        pages.extend(page.iter().map(|run| run.id.to_string()));
    }
    assert_eq!(pages.join(" "), "e d c b f a");
}

async fn a_text_is_found_in_any_case_wherever_it_stands(journal: Shared) {
    crowd(&journal).await;
    let mut odd =
        Story::of("Odd-100%", &PLAN, 5).labels(&[("say", "\"hi\"\n"), ("\u{0}", "\u{212a}\u{2028}")]);
    journal.append(odd.next(vec![started()])).await.unwrap();
    for (text, limit, wanted) in [
        ("rel", 2, "e d"),
        ("GRÜN UND E", 9, "e"),
        ("colour", 9, "e d b f a"),
        ("ReD", 9, "d b f a"),
        ("red", 1, "d"),
        ("ada", 9, ""),
        ("odd-", 9, "Odd-100%"),
        ("100%", 9, "Odd-100%"),
        ("%", 9, "Odd-100%"),
        ("_", 9, ""),
        ("\"hi\"\n", 9, "Odd-100%"),
        ("\u{0}", 9, "Odd-100%"),
        ("k\u{2028}", 9, "Odd-100%"),
        ("", 9, "e d c b f a Odd-100%"),
    ] {
        let filter = RunFilter { text: Some(text.to_owned()), limit, ..all() };
        assert_eq!(names(&journal, &filter).await, wanted, "{filter:?}");
    }
    let last = RunFilter { text: Some("red".to_owned()), after: Some(RunId::new("b")), ..all() };
    assert_eq!(names(&journal, &last).await, "f a");
}

async fn labels_that_change_are_found_as_they_are(journal: Shared) {
    let mut story = Story::new("run").labels(&[("a", "1"), ("b", "2")]);
    journal.append(story.next(vec![started()])).await.unwrap();
    story = story.labels(&[("a", "2"), ("c", "")]);
    journal.append(story.next(vec![phase(2)])).await.unwrap();
    for (wanted, found) in [
        (&[("a", "1")][..], ""),
        (&[("b", "2")], ""),
        (&[("a", "2")], "run"),
        (&[("a", "2"), ("c", "")], "run"),
        (&[("a", "2"), ("b", "2")], ""),
    ] {
        let filter = RunFilter { labels: labels(wanted), ..all() };
        assert_eq!(names(&journal, &filter).await, found, "{filter:?}");
    }
}

async fn runs_are_found_by_the_beginning_of_their_name(journal: Shared) {
    for run in ["abc", "ab", "abd", "b", "a%c", "a\u{10ffff}z"] {
        journal.append(Story::new(run).next(vec![started()])).await.unwrap();
    }
    for (prefix, limit, wanted) in [
        ("ab", 10, vec!["ab", "abc", "abd"]),
        ("ab", 2, vec!["ab", "abc"]),
        ("abc", 10, vec!["abc"]),
        ("abcd", 10, vec![]),
        ("a%", 10, vec!["a%c"]),
        ("a\u{10ffff}", 10, vec!["a\u{10ffff}z"]),
        ("AB", 10, vec![]),
    ] {
        let found = journal.find(prefix, limit).await.unwrap();
        assert_eq!(found.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), wanted, "{prefix}");
    }
    assert_eq!(journal.find("", 10).await.unwrap().len(), 6);
}
