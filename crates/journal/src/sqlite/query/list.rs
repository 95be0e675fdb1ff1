//! Lists of runs, newest first.
//!
//! One of the things that are asked for leads: an index has its runs in the order of the list, so that nothing is sorted, and
//! reading ends with the last run that is answered. Whatever else is asked for is looked up run by run on the way. So among a
//! million runs each question by one thing takes a millisecond, and one by several things at most a pass over the runs that
//! the leading one has: a few microseconds for each.

use std::collections::BTreeMap;

use op_engine::ports::journal::{RunFilter, RunRecord};
use op_run::RunId;
use op_run::run::State;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::Answer;
use super::clauses::Clauses;
use crate::sqlite::number::{limit, signed};
use crate::sqlite::record::{self, COLUMNS};

/// Runs that match, newest first.
///
/// A text is looked for in one run after the other, since no index finds it in the middle of a word, in any case, in four places.
/// It costs a few microseconds for each run that everything else asked for leaves, until there are enough: some seconds for a
/// text that stands in none of a million. `since` is what makes it cheap. It takes no more memory than its answer, and only one
/// reader: searches take turns.
pub(in crate::sqlite) fn list(db: &Connection, filter: &RunFilter) -> Answer<Vec<RunRecord>> {
    let after = filter.after.as_ref().map(|run| place(db, run)).transpose()?.flatten();
    let Clauses { text, values } = newest(filter, after);
    let mut statement = db.prepare_cached(&text)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while found.len() < filter.limit
        && let Some(row) = rows.next()?
    {
        let record = record::read(row)?;
        if filter.text.is_none() || filter.wants(&record) {
            found.push(record);
        }
    }
    Ok(found)
}

/// Where a run stands in the list: its start, and its number among all.
type Place = (i64, i64);

/// The place of a run; nothing when it is not here, and the list is that from its beginning.
fn place(db: &Connection, run: &RunId) -> Answer<Option<Place>> {
    let mut statement = db.prepare_cached("SELECT started_at, number FROM runs WHERE id = ?1")?;
    Ok(statement.query_row([run.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// What finds the runs that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    Label,
    State,
    Plan,
    User,
    Start,
}

impl Lead {
    /// What most probably has the fewest runs. `SQLite` does not know, and would take an index of all that completed and sort it.
    fn of(filter: &RunFilter) -> Self {
        // Nearly all of many runs completed; of the other states there are few.
        let rare = !filter.states.is_empty() && !filter.states.contains(&State::Completed);
        match filter {
            RunFilter { labels, .. } if !labels.is_empty() => Self::Label,
            _ if rare => Self::State,
            RunFilter { plan: Some(_), .. } => Self::Plan,
            RunFilter { user: Some(_), .. } => Self::User,
            RunFilter { states, .. } if !states.is_empty() => Self::State,
            _ => Self::Start,
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::Label => "labels INDEXED BY labels_by_value CROSS JOIN runs ON runs.number = labels.run",
            Self::State => "runs INDEXED BY runs_by_state",
            Self::Plan => "runs INDEXED BY runs_by_plan",
            Self::User => "runs INDEXED BY runs_by_user",
            Self::Start => "runs INDEXED BY runs_by_start",
        }
    }

    /// The columns that hold the place of a run in the list.
    fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::Label => ("at", "run"),
            Self::State | Self::Plan | Self::User | Self::Start => ("started_at", "number"),
        }
    }
}

/// The query for runs after a place. Where states lead, each has an arm of its own that is in order, and they are merged as
/// they are read.
fn newest(filter: &RunFilter, after: Option<Place>) -> Clauses {
    let lead = Lead::of(filter);
    let states: Vec<_> = State::ALL.into_iter().filter(|state| filter.states.contains(state)).collect();
    let arms: Vec<&[State]> = match lead {
        Lead::State => states.chunks(1).collect(),
        Lead::Label | Lead::Plan | Lead::User | Lead::Start => vec![&states],
    };
    let arms = arms.into_iter().map(|states| arm(lead, states, filter, after));
    let arms: (Vec<String>, Vec<Vec<Value>>) = arms.map(|Clauses { text, values }| (text, values)).unzip();
    // A text is looked for in what is found, so nobody knows here how much that must be.
    let most = filter.text.as_ref().map_or(limit(filter.limit), |_| i64::MAX);
    let (at, number) = lead.place();
    let text = format!("{} ORDER BY {at} DESC, {number} DESC LIMIT {most}", arms.0.join(" UNION ALL "));
    Clauses { text, values: arms.1.concat() }
}

fn arm(lead: Lead, states: &[State], filter: &RunFilter, after: Option<Place>) -> Clauses {
    let mut clauses = Clauses::default();
    label(&mut clauses, &filter.labels);
    clauses.any("state", states.iter().map(|state| state.word()));
    clauses.one("plan =", filter.plan.clone());
    clauses.one("user =", filter.user.clone());
    let (at, number) = lead.place();
    clauses.one(&format!("{at} >="), filter.since.map(|since| signed(since.as_millis())));
    // Of two bounds `SQLite` might take the wider one: only the narrower one is said.
    let until = filter.until.map(|until| signed(until.as_millis()));
    match after {
        Some((start, run)) if until.is_none_or(|until| start < until) => {
            clauses.all(&format!("({at}, {number}) < (?, ?)"), [start, run]);
        }
        Some(_) | None => clauses.one(&format!("{at} <"), until),
    }
    let Clauses { text, values } = clauses;
    Clauses { text: format!("SELECT {COLUMNS}, number FROM {} {text}", lead.source()), values }
}

/// The first label leads; the others are looked up.
fn label(clauses: &mut Clauses, labels: &BTreeMap<String, String>) {
    const OTHER: &str = "EXISTS (SELECT 1 FROM labels AS other WHERE other.run = labels.run AND other.name = ? AND other.value = ?)";
    for (place, (name, value)) in labels.iter().enumerate() {
        let condition = if place == 0 { "name = ? AND value = ?" } else { OTHER };
        clauses.all(condition, [name.clone(), value.clone()]);
    }
}

#[cfg(test)]
mod tests {
    use op_run::Timestamp;

    use super::*;
    use crate::sqlite::schema::migrate;

    /// How `SQLite` would look for runs that match.
    fn way(filter: &RunFilter, after: Option<Place>) -> String {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db).unwrap();
        let Clauses { text, values } = newest(filter, after);
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
        let steps = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
        steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    fn labels(names: &[&str]) -> BTreeMap<String, String> {
        names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect()
    }

    fn filter() -> RunFilter {
        RunFilter { limit: 10, ..RunFilter::default() }
    }

    #[test]
    fn each_thing_that_is_asked_for_leads_through_an_index_in_the_order_of_the_list() {
        let (plan, user) = (Some("p".to_owned()), Some("u".to_owned()));
        for (filter, index) in [
            (RunFilter { labels: labels(&["a"]), ..filter() }, "labels_by_value (name=? AND value=?"),
            (RunFilter { states: vec![State::Stuck], ..filter() }, "runs_by_state (state=?"),
            (RunFilter { plan, ..filter() }, "runs_by_plan (plan=?"),
            (RunFilter { user, ..filter() }, "runs_by_user (user=?"),
            (filter(), "runs_by_start"),
        ] {
            let way = way(&filter, None);
            assert!(way.contains(index) && !way.contains("TEMP"), "{filter:?}: {way}");
        }
    }

    #[test]
    fn a_list_that_goes_on_begins_at_its_place_whatever_leads() {
        let (plan, user) = (Some("p".to_owned()), Some("u".to_owned()));
        for (filter, search) in [
            (RunFilter { labels: labels(&["a"]), ..filter() }, "value=? AND (at,run)<(?,?))"),
            (RunFilter { states: vec![State::Completed], ..filter() }, "(state=? AND started_at<?)"),
            (RunFilter { plan, ..filter() }, "(plan=? AND started_at<?)"),
            (RunFilter { user, ..filter() }, "(user=? AND started_at<?)"),
            (filter(), "runs_by_start (started_at<?)"),
        ] {
            let way = way(&filter, Some((5, 5)));
            assert!(way.contains(search) && !way.contains("TEMP"), "{filter:?}: {way}");
        }
    }

    #[test]
    fn a_span_of_time_is_read_alone_whatever_leads() {
        let span = |filter| RunFilter {
            since: Some(Timestamp::from_millis(1)),
            until: Some(Timestamp::from_millis(9)),
            ..filter
        };
        for (filter, search) in [
            (RunFilter { labels: labels(&["a"]), ..filter() }, "value=? AND at>? AND at<?)"),
            (
                RunFilter { user: Some("u".to_owned()), ..filter() },
                "(user=? AND started_at>? AND started_at<?)",
            ),
            (filter(), "runs_by_start (started_at>? AND started_at<?)"),
        ] {
            let way = way(&span(filter), None);
            assert!(way.contains(search) && !way.contains("TEMP"), "{way}");
        }
    }

    #[test]
    fn many_states_are_merged_and_never_sorted() {
        let states = vec![State::Failed, State::Completed, State::Failed];
        let way = way(&RunFilter { states, ..filter() }, Some((5, 5)));
        assert!(way.starts_with("MERGE (UNION ALL)") && !way.contains("TEMP"), "{way}");
        assert_eq!(way.matches("runs_by_state (state=? AND started_at<?)").count(), 2, "{way}");
    }

    #[test]
    fn a_state_that_is_rare_leads_before_a_plan_and_one_that_is_not_does_not() {
        let ask = |states| RunFilter { states, plan: Some("p".to_owned()), ..filter() };
        assert_eq!(Lead::of(&ask(vec![State::Failed, State::Stuck])), Lead::State);
        assert_eq!(Lead::of(&ask(vec![State::Failed, State::Completed])), Lead::Plan);
        assert_eq!(Lead::of(&ask(vec![])), Lead::Plan);
    }

    #[test]
    fn other_labels_are_looked_up_before_the_run_is_read() {
        let way = way(&RunFilter { labels: labels(&["a", "b", "c"]), ..filter() }, None);
        assert!(way.starts_with("SEARCH labels USING COVERING INDEX labels_by_value"), "{way}");
        assert_eq!(
            way.matches("SEARCH other EXISTS USING INDEX sqlite_autoindex_labels_1").count(),
            2,
            "{way}"
        );
        assert!(!way.contains("TEMP"), "{way}");
    }
}
