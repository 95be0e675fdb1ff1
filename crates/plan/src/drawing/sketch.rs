//! A plan as nodes and ways, before anybody knows how it will be drawn.

use std::collections::HashMap;

use super::lines::lines;
use super::mark::Mark;
use crate::plan::{Flow, Plan, Target, Terminal, Transition};

/// Nodes and the ways between them, which point into the nodes.
pub(super) struct Sketch<'a> {
    /// The phases in their order, then the ends.
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) ways: Vec<Way>,
}

/// A phase, or a named end of a run.
pub(super) struct Node<'a> {
    pub(super) name: String,
    pub(super) lines: Vec<String>,
    pub(super) is_end: bool,
    pub(super) mark: Option<Mark<'a>>,
}

/// From one node to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: Kind,
    /// What it is taken for; empty for a dependency.
    pub(super) label: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The second waits for the first.
    Before,
    /// A machine always goes this way after success.
    Success,
    /// It does so when something else holds too, or after both.
    Perhaps,
    /// It goes this way after failure.
    Failure,
}

impl Node<'_> {
    /// What stands below its name: how it stands, and what it does.
    pub(super) fn said(&self) -> impl Iterator<Item = &str> {
        let word = self.mark.map(|mark| mark.word).into_iter();
        word.chain(self.lines.iter().map(String::as_str))
    }

    /// Its name, behind the sign of how it stands.
    pub(super) fn title(&self, ascii: bool) -> String {
        match self.mark {
            Some(mark) => format!("{} {}", mark.tint.sign(ascii), self.name),
            None => self.name.clone(),
        }
    }
}

impl<'a> Sketch<'a> {
    /// A plan with the marks of its phases, by position; those that are missing are not marked.
    pub(super) fn new(plan: &Plan, marks: &[Mark<'a>]) -> Self {
        let phases = plan.phases().iter().enumerate();
        let nodes = phases.map(|(at, phase)| Node {
            name: phase.name.clone(),
            lines: lines(phase),
            is_end: false,
            mark: marks.get(at).copied(),
        });
        let mut sketch = Self { nodes: nodes.collect(), ways: Vec::new() };
        match plan.draft().flow {
            Flow::Graph => sketch.add_dependencies(plan),
            Flow::Machine { initial, .. } => sketch.add_transitions(plan, initial),
        }
        sketch
    }

    fn add_dependencies(&mut self, plan: &Plan) {
        for (to, phase) in plan.phases().iter().enumerate() {
            let ways = phase.depends_on.iter();
            self.ways.extend(ways.map(|from| Way {
                from: *from,
                to,
                kind: Kind::Before,
                label: String::new(),
            }));
        }
    }

    fn add_transitions(&mut self, plan: &Plan, initial: usize) {
        let mut ends = HashMap::new();
        for (from, phase) in plan.phases().iter().enumerate() {
            let first = self.ways.len();
            for transition in &phase.next {
                let to = match &transition.to {
                    Target::Phase(to) => *to,
                    Target::End(end) => {
                        *ends.entry((end.name.clone(), end.is_success)).or_insert_with(|| self.add_end(end))
                    }
                };
                self.add_way(first, from, to, transition);
            }
            if !phase.next.iter().any(|way| way.on_success) {
                self.nodes[from].lines.push("on success the run ends".to_owned());
            }
        }
        self.nodes[initial].lines.insert(0, "begins here".to_owned());
    }

    fn add_end(&mut self, end: &Terminal) -> usize {
        let state = if end.is_success { "completed" } else { "failed" };
        let state = (end.name != state).then(|| format!("the run is {state}"));
        let message = Some(end.message.clone()).filter(|message| !message.is_empty());
        let lines = state.into_iter().chain(message).collect();
        self.nodes.push(Node { name: end.name.clone(), lines, is_end: true, mark: None });
        self.nodes.len() - 1
    }

    /// Adds a way of a node, or what it is taken for to one that leads to the same place.
    fn add_way(&mut self, first: usize, from: usize, to: usize, transition: &Transition) {
        let outcome = if transition.on_success { "success" } else { "failure" };
        let (kind, label) = match (&transition.when, transition.on_success) {
            (Some(when), true) => (Kind::Perhaps, format!("{outcome} if {when}")),
            (Some(when), false) => (Kind::Failure, format!("{outcome} if {when}")),
            (None, true) => (Kind::Success, outcome.to_owned()),
            (None, false) => (Kind::Failure, outcome.to_owned()),
        };
        match self.ways[first..].iter_mut().find(|way| way.to == to) {
            Some(way) => {
                way.label = format!("{} or {label}", way.label);
                way.kind = if way.kind == kind { kind } else { Kind::Perhaps };
            }
            None => self.ways.push(Way { from, to, kind, label }),
        }
    }
}
