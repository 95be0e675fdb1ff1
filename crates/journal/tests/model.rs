//! Whatever is appended, in whatever order, reads back as it was: the file against the journal in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use op_engine::fakes::MemoryJournal;
use op_engine::ports::journal::{Entry, EventFilter, Journal, RunFilter};
use op_journal::SqliteJournal;
use op_run::run::State;
use op_run::{Event, RunId};
use proptest::prelude::*;
use serde_json::{Number, Value};

use crate::samples::{PLAN, Story, kept, key, output, phase, plan};

/// An entry to be made of one of a few runs.
#[derive(Debug, Clone)]
struct Act {
    run: usize,
    /// Where its first event stands, relative to where it should.
    off: u64,
    events: Vec<Event>,
    state: State,
    key: Option<u8>,
    attempt: Option<u32>,
    label: String,
    other: bool,
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|float| Number::from_f64(float).map_or(Value::Null, Value::Number)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..100_u64).prop_map(phase),
        (0..100_u64, value()).prop_map(|(at, value)| output(at, value)),
        Just(output(u64::MAX, Value::Null)),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let state = prop_oneof![4 => Just(State::Running), 1 => Just(State::Stuck), 1 => Just(State::Pending)];
    (
        0..4_usize,
        prop_oneof![8 => Just(0), 1 => 1..3_u64],
        prop::collection::vec(event(), 0..4),
        state,
        prop::option::weighted(0.3, 0..3_u8),
        prop::option::weighted(0.3, 1..3_u32),
        any::<String>(),
        any::<bool>(),
    )
        .prop_map(|(run, off, events, state, key, attempt, label, other)| Act {
            run,
            off,
            events,
            state,
            key,
            attempt,
            label,
            other,
        })
}

/// The entries of a story; it goes on as if every one of them that follows had been taken, so some will not follow.
fn entries(acts: Vec<Act>) -> Vec<Entry> {
    let other = plan("other");
    let mut stories: BTreeMap<usize, Story> = BTreeMap::new();
    let mut entries = Vec::new();
    for act in acts {
        let plan = if act.other { &other } else { &*PLAN };
        let story = stories
            .entry(act.run)
            .or_insert_with(|| Story::of(&format!("run/{}", act.run % 2 * 10 + act.run), plan, 5));
        story.record.state = act.state;
        story.record.labels = BTreeMap::from([(act.label, String::new())]);
        let before = story.record.sequence;
        let mut entry = story.next(act.events);
        entry.first += act.off;
        entry.record.sequence += act.off;
        entry.idempotency = act.key.filter(|_| before == 0).map(|number| key(&number.to_string()));
        entry.outputs = act.attempt.map(|attempt| kept("compile", attempt)).into_iter().collect();
        if act.off > 0 {
            story.record.sequence = before;
        }
        entries.push(entry);
    }
    entries
}

/// Everything that can be asked, as text.
async fn everything(journal: &dyn Journal) -> Vec<String> {
    let mut all = Vec::new();
    let runs = journal.find("", 100).await.unwrap();
    for run in &runs {
        all.push(format!("{:?}", journal.events(&run.id, 1, 1000).await.unwrap()));
        all.push(format!("{:?}", journal.events(&run.id, 3, 2).await.unwrap()));
        all.push(format!("{:?}", journal.output(&run.id, "compile", None).await.unwrap()));
        all.push(format!("{:?}", journal.output(&run.id, "compile", Some(1)).await.unwrap()));
        all.push(format!("{:?}", journal.plan(&run.digest).await.unwrap()));
    }
    for key in ["0", "1", "2"] {
        all.push(format!("{:?}", journal.started_by(key).await.unwrap()));
    }
    all.push(format!("{runs:?} {:?}", journal.unfinished().await.unwrap()));
    all.push(format!("{:?}", journal.find("run/1", 2).await.unwrap()));
    let filter =
        RunFilter { states: vec![State::Stuck, State::Running], plan: Some("other".to_owned()), limit: 2 };
    all.push(format!("{:?} {:?}", journal.list(&filter).await.unwrap(), filter));
    let filter = EventFilter { kinds: vec!["phase_started".to_owned()], limit: 5, ..EventFilter::default() };
    all.push(format!("{:?}", journal.audit(&filter).await.unwrap()));
    let filter = EventFilter { run: Some(RunId::new("run/0")), limit: 1000, ..EventFilter::default() };
    all.push(format!("{:?}", journal.audit(&filter).await.unwrap()));
    all.push(format!(
        "{:?}",
        journal.audit(&EventFilter { limit: 1000, ..EventFilter::default() }).await.unwrap()
    ));
    all
}

/// What kind of verdict; the words may differ.
fn verdict<E: std::fmt::Debug>(outcome: &Result<(), E>) -> String {
    format!("{outcome:?}").split('(').take(2).collect()
}

async fn compare(acts: Vec<Act>) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("journal.db");
    let (file, memory) = (SqliteJournal::open(&path).unwrap(), Arc::new(MemoryJournal::new()));
    for entry in entries(acts) {
        let (there, here) = (file.append(entry.clone()).await, memory.append(entry).await);
        assert_eq!(verdict(&there), verdict(&here));
    }
    let wanted = everything(&*memory).await;
    assert_eq!(everything(&file).await, wanted);
    file.close().await;
    assert_eq!(everything(&SqliteJournal::open(&path).unwrap()).await, wanted, "after opening it again");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_appends_reads_back_equal(acts in prop::collection::vec(act(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(compare(acts));
    }
}
