//! Whatever is appended, in whatever order, reads back as it was: the file against the journal in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use op_engine::fakes::MemoryJournal;
use op_engine::ports::journal::{
    AppendError, Entry, EventFilter, Journal, RunFilter, RunRecord, ScheduleMark,
};
use op_journal::SqliteJournal;
use op_plan::Plan;
use op_run::run::State;
use op_run::{Event, RunId, Timestamp};
use proptest::prelude::*;
use serde_json::{Number, Value};

use crate::facts::facts;
use crate::samples::{PLAN, Story, again, at, key, mark, output, phase, plan};

/// An entry to be made of one of a few runs.
#[derive(Debug, Clone)]
struct Act {
    run: usize,
    /// Where its first event stands, relative to where it should.
    off: u64,
    events: Vec<Event>,
    state: State,
    key: Option<u8>,
    output: Option<(u32, u32)>,
    label: (String, String),
    other: bool,
    mark: Option<(bool, Option<u64>)>,
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
        (0..100_u64, prop::sample::select(facts())).prop_map(|(millis, fact)| at(millis, fact)),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let state = prop_oneof![
        4 => Just(State::Running),
        1 => Just(State::Stuck),
        1 => Just(State::Completed),
        1 => Just(State::Pending),
    ];
    let name = prop_oneof![Just("team".to_owned()), any::<String>()];
    let team = prop_oneof![Just("red".to_owned()), Just("Blue".to_owned()), any::<String>()];
    let mark = prop::option::weighted(0.2, (any::<bool>(), prop::option::of(0..1000_u64)));
    (
        0..4_usize,
        prop_oneof![8 => Just(0), 1 => 1..3_u64],
        prop::collection::vec(event(), 0..4),
        state,
        prop::option::weighted(0.3, 0..3_u8),
        prop::option::weighted(0.3, (1..4_u32, 1..3_u32)),
        (name, team),
        any::<bool>(),
        mark,
    )
        .prop_map(|(run, off, events, state, key, output, label, other, mark)| Act {
            run,
            off,
            events,
            state,
            key,
            output,
            label,
            other,
            mark,
        })
}

/// What a journal is given.
#[derive(Debug, Clone)]
enum Given {
    Entry(Box<Entry>),
    Mark(ScheduleMark),
}

impl Given {
    async fn to(self, journal: &dyn Journal) -> Result<(), AppendError> {
        match self {
            Self::Entry(entry) => journal.append(*entry).await,
            Self::Mark(mark) => journal.mark(mark).await,
        }
    }
}

/// The entries of a story, and marks between them; it goes on as if every one of them that follows had been taken, so some will not follow.
fn given(acts: Vec<Act>) -> Vec<Given> {
    let other = plan("other");
    let mut stories: BTreeMap<usize, Story> = BTreeMap::new();
    let mut given = Vec::new();
    for act in acts {
        let plan = if act.other { &other } else { &*PLAN };
        let story = stories.entry(act.run).or_insert_with(|| begin(act.run, plan));
        story.record.state = act.state;
        story.record.ended_at = act.state.is_over().then(|| Timestamp::from_millis(9));
        story.record.labels = BTreeMap::from([act.label]);
        let before = story.record.sequence;
        let mut entry = story.next(act.events);
        entry.first += act.off;
        entry.record.sequence += act.off;
        entry.idempotency = act.key.filter(|_| before == 0).map(|number| key(&number.to_string()));
        entry.outputs =
            act.output.map(|(visit, attempt)| again("compile", visit, attempt)).into_iter().collect();
        if act.off > 0 {
            story.record.sequence = before;
        }
        given.push(Given::Entry(Box::new(entry)));
        given.extend(act.mark.map(|(paused, last)| Given::Mark(mark(plan.id(), last, paused))));
    }
    given
}

/// The run of a number: of one of two users, some of them at the same instant.
fn begin(number: usize, plan: &Arc<Plan>) -> Story {
    let (name, user) = (format!("run/{}", number % 2 * 10 + number), ["ada", "bob"][number % 2]);
    Story::of(&name, plan, 5 + number as u64 / 2).user(user)
}

/// Questions for runs, each thing alone and many at once.
fn filters(runs: &[RunRecord]) -> Vec<RunFilter> {
    let all = RunFilter { limit: 100, ..RunFilter::default() };
    let red = BTreeMap::from([("team".to_owned(), "red".to_owned())]);
    let (user, other) = (Some("ada".to_owned()), Some("other".to_owned()));
    let states = vec![State::Stuck, State::Running];
    let (since, until) = (Some(Timestamp::from_millis(6)), Some(Timestamp::from_millis(6)));
    let mut filters = vec![
        RunFilter { states: states.clone(), plan: other.clone(), limit: 2, ..all.clone() },
        RunFilter { states, user: user.clone(), ..all.clone() },
        RunFilter { states: vec![State::Completed, State::Pending], ..all.clone() },
        RunFilter { user, since, ..all.clone() },
        RunFilter { plan: other, until, ..all.clone() },
        RunFilter { labels: red.clone(), ..all.clone() },
        RunFilter { labels: red, since, ..all.clone() },
        RunFilter { text: Some("BLUE".to_owned()), limit: 2, ..all.clone() },
        RunFilter { text: Some("e".to_owned()), until, ..all.clone() },
    ];
    for run in runs {
        let after = Some(run.id.clone());
        filters.extend([
            RunFilter { after: after.clone(), ..all.clone() },
            RunFilter { after: after.clone(), labels: run.labels.clone(), ..all.clone() },
            RunFilter {
                after: after.clone(),
                states: vec![State::Running, State::Stuck],
                limit: 1,
                ..all.clone()
            },
            RunFilter { after, until, ..all.clone() },
            RunFilter { labels: run.labels.clone(), ..all.clone() },
            RunFilter { text: run.labels.keys().next().cloned(), ..all.clone() },
        ]);
    }
    filters
}

/// Everything that can be asked, as text.
async fn everything(journal: &dyn Journal) -> Vec<String> {
    let mut all = Vec::new();
    let runs = journal.find("", 100).await.unwrap();
    for run in &runs {
        all.push(format!("{:?}", journal.events(&run.id, 1, 1000).await.unwrap()));
        all.push(format!("{:?}", journal.events(&run.id, 3, 2).await.unwrap()));
        for (visit, attempt) in [(None, None), (Some(1), None), (None, Some(1)), (Some(2), Some(2))] {
            all.push(format!("{:?}", journal.output(&run.id, "compile", visit, attempt).await.unwrap()));
        }
        all.push(format!("{:?}", journal.plan(&run.digest).await.unwrap()));
    }
    for key in ["0", "1", "2"] {
        all.push(format!("{:?}", journal.started_by(key).await.unwrap()));
    }
    all.push(format!("{runs:?} {:?}", journal.unfinished().await.unwrap()));
    all.push(format!("{:?}", journal.find("run/1", 2).await.unwrap()));
    for filter in filters(&runs) {
        all.push(format!("{:?} {filter:?}", journal.list(&filter).await.unwrap()));
    }
    all.push(format!("{:?}", journal.marks().await.unwrap()));
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
    for given in given(acts) {
        let (there, here) = (given.clone().to(&file).await, given.to(&*memory).await);
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
