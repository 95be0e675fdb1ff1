//! What is known of a run that goes on: its phases, folded from what the stream tells. Pure.

use std::collections::{BTreeMap, HashMap};

use console::{Alignment, pad_str};
use jiff::Timestamp;
use op_proto::v1::{Event, Phase, PhaseState, Progress, Run, Step};
use op_run::event::SkipCause;
use serde_json::Value;

use super::invite::waits_for;
use crate::render::gate::waiting;
use crate::render::kept;
use crate::render::state::{Told as _, Tone};
use crate::render::text::{cut, one_line, settled};
use crate::render::time;
use crate::terminal::Paint;

/// Frames of the mark of what goes on.
const SPINNER: [&str; 8] = ["⣾", "⣽", "⣻", "⢿", "⡿", "⣟", "⣯", "⣷"];

/// The phases of a run.
#[derive(Debug, Default)]
pub(crate) struct Board {
    pub(crate) phases: Vec<Row>,
    /// Phase of each step.
    homes: HashMap<String, usize>,
    names: HashMap<String, usize>,
}

/// A phase.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) state: PhaseState,
    started: Option<Timestamp>,
    ended: Option<Timestamp>,
    steps: usize,
    done: usize,
    /// Which visit of it this is, counted from 1.
    visit: u32,
    /// Steps that wait at their gates, with what for.
    waits: BTreeMap<String, String>,
    /// Items of lists that are done, and all of them, by step.
    items: BTreeMap<String, (usize, usize)>,
    /// Steps for which nobody was called, with whose call it was instead.
    kept: BTreeMap<String, String>,
    /// The last thing said of it: its note or its last line of output, or why it ended as it did.
    note: String,
}

impl Board {
    /// The phases of a run before anything happened in it; the stream tells the rest.
    pub(crate) fn new(run: &Run) -> Self {
        let mut board = Self::default();
        for (at, phase) in run.phases.iter().enumerate() {
            board.names.insert(phase.id.clone(), at);
            board.homes.extend(phase.steps.iter().map(|step| (step.id.clone(), at)));
            board.phases.push(Row::new(phase));
        }
        board
    }

    /// The phases of a run as they stand; the stream tells what changes.
    pub(crate) fn resumed(run: &Run) -> Self {
        let mut board = Self::new(run);
        for (row, phase) in board.phases.iter_mut().zip(&run.phases) {
            row.state = phase.state();
            row.started = time::of(phase.started_at.as_ref());
            row.ended = time::of(phase.ended_at.as_ref());
            row.done = phase.steps.iter().filter(|step| step.ended_at.is_some()).count();
            row.note = one_line(&phase.reason);
            row.visit = phase.visit.max(1);
            row.waits = waiting(&phase.steps)
                .into_iter()
                .map(|(step, wait)| (step.id.clone(), wait.words()))
                .collect();
            let items = |step: &Step| {
                Some((step.id.clone(), (step.items?.done as usize, step.items?.total as usize)))
            };
            row.items = phase.steps.iter().filter(|step| step.ended_at.is_none()).filter_map(items).collect();
            row.kept =
                phase.steps.iter().filter_map(|step| Some((step.id.clone(), kept::of_step(step)?))).collect();
        }
        board
    }

    /// Takes a fact in; returns the phase that changed its state by it.
    pub(crate) fn event(&mut self, event: &Event) -> Option<&Row> {
        if !event.step.is_empty() {
            self.step(event);
            return None;
        }
        match event.kind.as_str() {
            "moved" | "phase_repeated" => self.visit(event),
            "run_retried" => self.reset(event),
            _ => {}
        }
        let state = state_after(&event.kind)?;
        let row = self.names.get(&event.phase).and_then(|at| self.phases.get_mut(*at))?;
        let is_new = row.state != state;
        row.enter(state, time::of(event.at.as_ref()), why(event));
        is_new.then_some(row)
    }

    fn step(&mut self, event: &Event) {
        let Some(row) = self.homes.get(&event.step).and_then(|at| self.phases.get_mut(*at)) else { return };
        let step = event.step.clone();
        row.kept.extend(kept::of(event).map(|kept| (step.clone(), kept)));
        match event.kind.as_str() {
            "step_succeeded" | "step_failed" => {
                row.done += 1;
                row.items.remove(&step);
                row.waits.remove(&step);
            }
            "step_waiting" => {
                row.waits.extend(waits_for(event).map(|wait| (step, wait.words())));
            }
            "step_passed" | "step_skipped" => {
                row.waits.remove(&step);
            }
            "step_fanned" => {
                let told = fact(event);
                let items = told.get("items").and_then(Value::as_array).map_or(0, Vec::len);
                let done = told.get("done").and_then(Value::as_u64).unwrap_or_default();
                row.items.insert(step, (usize::try_from(done).unwrap_or(items), items));
            }
            "item_succeeded" => row.items.entry(step).or_default().0 += 1,
            "retry_scheduled" => row.note = why(event),
            _ => {}
        }
    }

    /// A phase begins once more.
    fn visit(&mut self, event: &Event) {
        let Some((phase, visit)) = visited(event) else { return };
        if let Some(row) = self.names.get(&phase).and_then(|at| self.phases.get_mut(*at))
            && visit > 1
        {
            row.afresh(visit);
        }
    }

    /// Phases are as if they had not run.
    fn reset(&mut self, event: &Event) {
        let fact = fact(event);
        let phases = fact.get("phases").and_then(Value::as_array).into_iter().flatten();
        for phase in phases.filter_map(Value::as_str) {
            if let Some(row) = self.names.get(phase).and_then(|at| self.phases.get_mut(*at)) {
                let visit = row.visit + u32::from(row.state != PhaseState::Pending);
                row.afresh(visit);
            }
        }
    }

    /// Takes progress in.
    pub(crate) fn progress(&mut self, progress: &Progress) {
        // What an item of a list says is said of its step.
        let step = progress.step.split('[').next().unwrap_or_default();
        let Some(row) = self.homes.get(step).and_then(|at| self.phases.get_mut(*at)) else { return };
        let output: Vec<u8> = progress.output.iter().flat_map(|chunk| chunk.data.iter().copied()).collect();
        let output = String::from_utf8_lossy(&output);
        let last = output.lines().rev().map(settled).find(|line| !line.trim().is_empty());
        if let Some(line) = last {
            row.note = one_line(&line);
        } else if !progress.note.is_empty() {
            row.note = one_line(&progress.note);
        }
    }

    /// How many phases have come to an end.
    pub(crate) fn settled(&self) -> usize {
        self.phases.iter().filter(|row| row.ended.is_some()).count()
    }

    /// Whether a step is all that its phase does, so that what is said of the phase says it all.
    pub(crate) fn is_alone(&self, step: &str) -> bool {
        self.homes.get(step).and_then(|at| self.phases.get(*at)).is_some_and(|row| row.steps == 1)
    }

    /// At most `limit` phases, in the order of the plan: those that go on first, then those that ended last, then those to come.
    pub(crate) fn visible(&self, limit: usize) -> Vec<&Row> {
        let mut order: Vec<_> = self.phases.iter().enumerate().collect();
        order.sort_by_key(|(at, row)| match (row.state.tone(), row.ended) {
            (Tone::Busy, _) => (0, std::cmp::Reverse(None), *at),
            (_, Some(ended)) => (1, std::cmp::Reverse(Some(ended)), *at),
            (_, None) => (2, std::cmp::Reverse(None), *at),
        });
        order.truncate(limit);
        order.sort_by_key(|(at, _)| *at);
        order.into_iter().map(|(_, row)| row).collect()
    }
}

impl Row {
    fn new(phase: &Phase) -> Self {
        Self { id: one_line(&phase.id), steps: phase.steps.len(), ..Self::blank() }
    }

    fn blank() -> Self {
        Self {
            id: String::new(),
            state: PhaseState::Pending,
            started: None,
            ended: None,
            steps: 0,
            done: 0,
            visit: 1,
            waits: BTreeMap::new(),
            items: BTreeMap::new(),
            kept: BTreeMap::new(),
            note: String::new(),
        }
    }

    fn afresh(&mut self, visit: u32) {
        let (id, steps) = (std::mem::take(&mut self.id), self.steps);
        *self = Self { id, steps, visit, ..Self::blank() };
    }

    fn enter(&mut self, state: PhaseState, at: Option<Timestamp>, why: String) {
        self.state = state;
        match state.tone() {
            Tone::Busy => {
                self.started = self.started.or(at);
                self.ended = None;
            }
            Tone::Quiet | Tone::Good | Tone::Odd | Tone::Bad => self.ended = at,
        }
        self.note = why;
    }

    /// How long it took, or takes so far; empty for one that did not start.
    pub(crate) fn taken(&self, now: Timestamp) -> String {
        self.started
            .map(|from| time::span(time::between(from, self.ended.unwrap_or(now))))
            .unwrap_or_default()
    }

    /// Why it ended as it did, or the last thing said of it.
    pub(crate) fn note(&self) -> &str {
        &self.note
    }

    /// What stands at the end of its line: its visit, its items, and what is waited for or was said last.
    fn aside(&self) -> String {
        let mut parts = Vec::new();
        if self.visit > 1 {
            parts.push(format!("visit {}", self.visit));
        }
        parts.extend(self.items.values().map(|(done, total)| format!("{done}/{total} items")));
        match (self.kept.values().next(), self.kept.len()) {
            (None, _) => {}
            (Some(kept), 1) => parts.push(kept.clone()),
            (Some(_), many) => parts.push(format!("{many} steps kept from earlier runs")),
        }
        match self.waits.values().next() {
            Some(wait) => parts.push(format!("for {wait}")),
            None if self.note.is_empty() => {}
            None => parts.push(self.note.clone()),
        }
        parts.join("  ")
    }

    /// The phase on one line of at most `columns`, its name padded to `width`.
    pub(crate) fn line(
        &self,
        now: Timestamp,
        frame: usize,
        (width, columns): (usize, usize),
        paint: Paint,
    ) -> String {
        let mark = match self.state.tone() {
            Tone::Busy => paint.cyan(SPINNER[frame % SPINNER.len()]),
            Tone::Quiet | Tone::Good | Tone::Odd | Tone::Bad => self.state.tone().mark(paint),
        };
        let steps = if self.steps > 1 && self.started.is_some() {
            format!("{}/{}", self.done, self.steps)
        } else {
            String::new()
        };
        let word = match self.state {
            PhaseState::Running if !self.waits.is_empty() => format!("{} ", paint.yellow("waits")),
            PhaseState::Pending | PhaseState::Running | PhaseState::Succeeded => String::new(),
            state => format!("{} ", state.tone().paint(paint, state.word())),
        };
        let id = pad_str(&self.id, width, Alignment::Left, Some("…"));
        let note = self.aside();
        let note = if note.is_empty() { note } else { paint.dim(note) };
        let line = format!("{mark} {id} {:>9} {steps:>5}  {word}{note}", self.taken(now));
        cut(line.trim_end(), columns)
    }
}

/// The state of a phase after a fact of this kind; none when the fact is not about that.
fn state_after(kind: &str) -> Option<PhaseState> {
    Some(match kind {
        "phase_started" | "phase_repeated" => PhaseState::Running,
        "phase_succeeded" => PhaseState::Succeeded,
        "phase_failed" => PhaseState::Failed,
        "phase_tolerated" => PhaseState::Tolerated,
        "phase_skipped" => PhaseState::Skipped,
        "undo_started" => PhaseState::Undoing,
        "undo_failed" => PhaseState::UndoFailed,
        "phase_undone" => PhaseState::Undone,
        _ => return None,
    })
}

fn fact(event: &Event) -> Value {
    serde_json::from_str(&event.json).unwrap_or_default()
}

/// The phase that a fact leads to again or for the first time, and which visit of it that is.
pub(crate) fn visited(event: &Event) -> Option<(String, u32)> {
    let fact = fact(event);
    let place = fact.pointer("/to/phase").unwrap_or(&fact);
    let visit = u32::try_from(place.get("visit")?.as_u64()?).ok()?;
    Some((place.get("phase")?.as_str()?.to_owned(), visit))
}

/// Why something became true, as far as the fact has a reason.
pub(crate) fn why(event: &Event) -> String {
    let fact = fact(event);
    let cause = fact.get("cause").and_then(|cause| serde_json::from_value::<SkipCause>(cause.clone()).ok());
    let told = fact.get("reason").or_else(|| fact.pointer("/failure/message")).and_then(Value::as_str);
    cause.map(|cause| cause.to_string()).or_else(|| told.map(one_line)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use op_proto::v1::OutputChunk;
    use serde_json::json;

    use super::*;

    fn board(ids: &[&str]) -> Board {
        let step = |id: &str| Step { id: format!("{id}/1"), ..Step::default() };
        let phase = |id: &&str| Phase { id: (*id).to_owned(), steps: vec![step(id)], ..Phase::default() };
        Board::new(&Run { phases: ids.iter().map(phase).collect(), ..Run::default() })
    }

    fn fact(kind: &str, phase: &str, second: i64, json: &Value) -> Event {
        Event {
            kind: kind.to_owned(),
            phase: phase.to_owned(),
            at: Some(prost_types::Timestamp { seconds: second, nanos: 0 }),
            json: json.to_string(),
            ..Event::default()
        }
    }

    fn now(second: i64) -> Timestamp {
        Timestamp::new(second, 0).expect("a time")
    }

    #[test]
    fn a_phase_says_whose_call_it_was_where_a_step_of_it_called_nobody() {
        let mut board = board(&["look"]);
        let told = json!({ "evidence": { "kept": { "run": "k3x9", "at": 1000 } } });
        let event = Event { step: "look/1".to_owned(), ..fact("step_succeeded", "", 4, &told) };
        board.event(&event);
        board.event(&fact("phase_succeeded", "look", 4, &json!({})));
        assert_eq!(board.phases[0].aside(), "kept from run k3x9, 3.0 s ago");
    }

    #[test]
    fn a_phase_takes_from_its_start_to_its_end() {
        let mut board = board(&["build"]);
        board.event(&fact("phase_started", "build", 10, &json!({})));
        assert_eq!(board.phases[0].taken(now(12)), "2.0 s");
        board.event(&fact("phase_failed", "build", 15, &json!({ "reason": "it broke" })));
        assert_eq!((board.phases[0].taken(now(99)).as_str(), board.phases[0].note()), ("5.0 s", "it broke"));
        assert_eq!(board.settled(), 1);
    }

    #[test]
    fn a_phase_that_is_skipped_says_why_and_took_no_time() {
        let mut board = board(&["build"]);
        let row =
            board.event(&fact("phase_skipped", "build", 10, &json!({ "cause": { "dependency": "test" } })));
        assert_eq!(
            row.map(|row| (row.note().to_owned(), row.taken(now(20)))),
            Some(("`test` did not succeed".into(), String::new()))
        );
    }

    #[test]
    fn the_note_is_the_last_line_that_says_something() {
        let mut board = board(&["build"]);
        let chunk =
            OutputChunk { channel: 1, data: "Compiling a\r\n\u{1b}[1mCompiling b\u{1b}[0m\n\n".into() };
        board.progress(&Progress { step: "build/1".into(), output: vec![chunk], ..Progress::default() });
        assert_eq!(board.phases[0].note(), "Compiling b");
        board.progress(&Progress { step: "nobody/1".into(), note: "x".into(), ..Progress::default() });
        assert_eq!(board.phases[0].note(), "Compiling b");
    }

    #[test]
    fn a_board_that_is_resumed_knows_what_was_before() {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let build = Phase {
            id: "build".to_owned(),
            state: PhaseState::Succeeded.into(),
            started_at: at(1),
            ended_at: at(4),
            ..Phase::default()
        };
        let board = Board::resumed(&Run { phases: vec![build], ..Run::default() });
        assert_eq!((board.settled(), board.phases[0].taken(now(9)).as_str()), (1, "3.0 s"));
    }

    #[test]
    fn a_state_that_is_told_twice_changed_once() {
        let mut board = board(&["build"]);
        assert!(board.event(&fact("undo_started", "build", 1, &json!({}))).is_some());
        assert!(board.event(&fact("undo_started", "build", 2, &json!({}))).is_none());
    }

    fn about(kind: &str, step: &str, json: &Value) -> Event {
        Event { step: step.to_owned(), phase: String::new(), ..fact(kind, "", 10, json) }
    }

    #[test]
    fn a_step_that_waits_says_for_what_until_it_passed() {
        let mut board = board(&["build"]);
        board.event(&fact("phase_started", "build", 10, &json!({})));
        board.event(&about("step_waiting", "build/1", &json!({ "waits_for": { "signal": "go" } })));
        let line = |board: &Board| board.phases[0].line(now(11), 0, (8, 80), Paint::plain());
        assert!(line(&board).ends_with("waits for the signal `go`"), "{}", line(&board));
        board.event(&about("step_passed", "build/1", &json!({})));
        assert!(!line(&board).contains("waits"), "{}", line(&board));
    }

    #[test]
    fn items_of_a_list_are_counted_and_what_one_says_is_said_of_its_phase() {
        let mut board = board(&["build"]);
        board.event(&about("step_fanned", "build/1", &json!({ "items": [1, 2, 3] })));
        board.event(&about("item_succeeded", "build/1", &json!({ "item": 1 })));
        board.progress(&Progress {
            step: "build/1[2]".into(),
            note: "halfway".into(),
            ..Progress::default()
        });
        assert_eq!(board.phases[0].aside(), "1/3 items  halfway");
        board.event(&about("step_succeeded", "build/1", &json!({})));
        assert_eq!(board.phases[0].aside(), "halfway");
    }

    #[test]
    fn a_machine_that_comes_back_to_a_phase_begins_its_visit_anew() {
        let mut board = board(&["build", "test"]);
        board.event(&fact("phase_started", "build", 1, &json!({})));
        board.event(&fact("phase_failed", "build", 5, &json!({ "reason": "it broke" })));
        let to = json!({ "from": "test", "to": { "phase": { "phase": "build", "visit": 2 } } });
        board.event(&fact("moved", "test", 6, &to));
        board.event(&fact("phase_started", "build", 10, &json!({})));
        let row = &board.phases[0];
        assert_eq!((row.aside().as_str(), row.taken(now(12)).as_str()), ("visit 2", "2.0 s"));
    }

    #[test]
    fn what_is_retried_is_as_if_it_had_not_run() {
        let mut board = board(&["build", "test"]);
        for phase in ["build", "test"] {
            board.event(&fact("phase_started", phase, 1, &json!({})));
            board.event(&fact("phase_failed", phase, 2, &json!({})));
        }
        board.event(&fact("run_retried", "", 3, &json!({ "phases": ["test"], "steps": [] })));
        let states: Vec<_> = board.phases.iter().map(|row| (row.state, row.visit)).collect();
        assert_eq!(states, [(PhaseState::Failed, 1), (PhaseState::Pending, 2)]);
    }

    #[test]
    fn when_there_is_little_room_what_goes_on_is_seen() {
        let mut board = board(&["a", "b", "c", "d"]);
        for (kind, phase, second) in
            [("phase_succeeded", "a", 1), ("phase_succeeded", "b", 2), ("phase_started", "d", 3)]
        {
            board.event(&fact(kind, phase, second, &json!({})));
        }
        let ids: Vec<_> = board.visible(2).iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["b", "d"]);
    }

    #[test]
    fn a_line_never_is_longer_than_the_terminal_is_wide() {
        let mut board = board(&["build"]);
        board.event(&fact("phase_started", "build", 10, &json!({})));
        board.progress(&Progress {
            step: "build/1".into(), note: "漢字".repeat(100), ..Progress::default()
        });
        let line = board.phases[0].line(now(11), 3, (8, 40), Paint::plain());
        assert!(console::measure_text_width(&line) <= 40 && line.starts_with("⢿ build"), "{line}");
    }
}
