//! What a step of any shape can wish for: what it waits for, over which list it goes, which answers count.

use std::time::Duration;

use indexmap::IndexMap;

use super::cache::Cached;
use super::{Lowering, User};
use crate::document::{Entry, Fields, Node, Place, Value, expect_table};
use crate::mapping::Mapping;
use crate::plan::{Accept, Approval, Fan, Gate, OnTimeout, Retry, Step};

/// Names that the item of a list has in what is read for it.
pub(crate) const ITEM: &[&str] = &["item", "index"];

/// The name of what a step returned, where it is judged and where something is made of it.
pub(crate) const OUTPUT: &[&str] = &["output"];

/// The list that a step goes over, as it is written.
#[derive(Default, Clone, Copy)]
pub(crate) struct Items<'a> {
    over: Option<&'a Node>,
    max_parallel: Option<usize>,
}

/// Skills that are named for a call, as they are written.
#[derive(Clone)]
pub(crate) struct Skilled {
    names: Vec<String>,
    pub(crate) place: Place,
}

/// What a step wishes for, as it is written.
#[derive(Default)]
pub(crate) struct Wishes<'a> {
    pub(crate) items: Items<'a>,
    pub(crate) skills: Option<Skilled>,
    accept: Option<&'a Node>,
    outputs: Option<&'a Node>,
    pub(crate) store_as: Option<&'a str>,
    stored: Option<Place>,
    pub(crate) optional: bool,
    pub(crate) cache: Option<Cached>,
    pub(crate) retry: Option<Retry>,
    pub(crate) timeout: Option<Duration>,
}

impl Items<'_> {
    /// Whether there is a list at all.
    pub(crate) fn is_some(&self) -> bool {
        self.over.is_some()
    }
}

impl<'a> Wishes<'a> {
    /// Names that its arguments can use beside those of the plan.
    pub(crate) fn locals(&self) -> &'static [&'static str] {
        if self.items.is_some() { ITEM } else { &[] }
    }

    /// Names of what it stores, and where they stand.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'a str, Place)> {
        let outputs = self.outputs.and_then(|node| match &node.value {
            Value::Table(table) => Some(table),
            _ => None,
        });
        let outputs = outputs.into_iter().flatten().map(|(name, entry)| (name.as_str(), entry.key));
        self.store_as.zip(self.stored).into_iter().chain(outputs)
    }
}

impl Lowering<'_, '_, '_> {
    /// Reads `for_each`, `max_parallel` (of its items), `skills`, `accept`, `output_mapping`, `store_as`, `optional`, `cache`,
    /// `retry`, `max_retries` and `timeout`.
    pub(crate) fn wishes<'a>(&mut self, fields: &mut Fields<'a>) -> Wishes<'a> {
        self.wishes_over(fields, Items::default())
    }

    /// As [`Self::wishes`], for a step that goes over this list when it names none.
    pub(crate) fn wishes_over<'a>(&mut self, fields: &mut Fields<'a>, usual: Items<'a>) -> Wishes<'a> {
        let store_as = fields.placed("store_as", self.report);
        Wishes {
            items: self.items(fields, usual),
            skills: self.skills(fields),
            accept: fields.node("accept"),
            outputs: fields.node("output_mapping"),
            store_as: store_as.map(|(name, _)| name),
            stored: store_as.map(|(_, place)| place),
            optional: fields.flag("optional", self.report).unwrap_or(false),
            cache: self.cache(fields),
            retry: self.retry(fields),
            timeout: fields.limit("timeout", self.report),
        }
    }

    /// Reads `for_each` and `max_parallel` of its items; what is not said is as usual.
    pub(crate) fn items<'a>(&mut self, fields: &mut Fields<'a>, usual: Items<'a>) -> Items<'a> {
        let over = fields.node("for_each").or(usual.over);
        let most = fields.count("max_parallel", 1, 10_000, self.report).map(|most| most as usize);
        if let (Some(entry), None) = (fields.entry("max_parallel"), over) {
            let finding =
                self.report.error(entry.key, "`max_parallel` of a step is about the items of its list");
            finding.hint("add `for_each = \"${LIST}\"`, or set `max_parallel` on the plan");
        }
        Items { over, max_parallel: most.or(usual.max_parallel) }
    }

    /// Reads `skills`: names of skills that there are, spelled with `-` or `_`.
    pub(crate) fn skills(&mut self, fields: &mut Fields<'_>) -> Option<Skilled> {
        let place = fields.entry("skills")?.key;
        let mut names: Vec<String> = Vec::new();
        for (name, place) in fields.texts("skills", self.report)? {
            match self.catalogue.skills.get(name) {
                Some(skill) if names.contains(&skill.name) => {
                    self.report.error(place, format!("the skill `{name}` stands twice"));
                }
                Some(skill) => names.push(skill.name.clone()),
                None => {
                    let finding = self.report.error(place, format!("unknown skill `{name}`"));
                    finding.meant(name, self.catalogue.skills.names());
                }
            }
        }
        Some(Skilled { names, place })
    }

    /// A step with its wishes.
    pub(crate) fn wished(&mut self, step: Step, wishes: &Wishes<'_>, by: User) -> Step {
        let (accept, outputs) = self.with_locals(OUTPUT, |ctx| {
            let accept = wishes.accept.and_then(|node| ctx.accept(node, by));
            (accept, wishes.outputs.map(|node| ctx.outputs(node, by)))
        });
        let skills = wishes.skills.as_ref();
        if let (Some(skilled), None) = (skills, step.action.call()) {
            let finding =
                self.report.error(skilled.place, "`skills` are given to a call, and the step makes none");
            finding
                .hint("name them on the steps that call somebody, those of a plan that it runs among them");
        }
        let step = Step {
            skills: skills.map(|skilled| skilled.names.clone()).unwrap_or_default(),
            for_each: wishes.items.over.and_then(|node| self.fan(node, wishes.items.max_parallel, by)),
            accept: accept.unwrap_or(step.accept),
            outputs: outputs.unwrap_or_default(),
            store_as: wishes.store_as.map(str::to_owned),
            optional: wishes.optional,
            retry: wishes.retry.clone().unwrap_or(step.retry),
            timeout: wishes.timeout.or(step.timeout),
            ..step
        };
        self.cached(step, wishes.cache)
    }

    fn fan(&mut self, node: &Node, max_parallel: Option<usize>, by: User) -> Option<Fan> {
        let over = self.mapping(node, by)?;
        if !over.is_expression() && !matches!(node.value, Value::List(_)) {
            let finding = self.report.error(node.place, "`for_each` must be a list");
            finding.hint("write the reference alone, as in `for_each = \"${files}\"`");
        }
        Some(Fan { over, max_parallel })
    }

    fn accept(&mut self, node: &Node, by: User) -> Option<Accept> {
        self.condition_of("accept", node, by).map(Accept::When)
    }

    fn outputs(&mut self, node: &Node, by: User) -> IndexMap<String, Mapping> {
        let Some(table) = expect_table(node, "`output_mapping`", self.report) else { return IndexMap::new() };
        let mut outputs = IndexMap::new();
        for (name, Entry { key, node }) in table {
            self.check_name(name, *key, "a variable");
            outputs.extend(self.mapping(node, by).map(|mapping| (name.clone(), mapping)));
        }
        outputs
    }

    /// What a step waits for, in the order of the waits: `delay`, `signal`, `approval`.
    pub(crate) fn gates(&mut self, fields: &mut Fields<'_>, by: User) -> Vec<Gate> {
        let delay = fields.duration("delay", self.report).map(Gate::Delay);
        let signal = fields.placed("signal", self.report).map(|(name, place)| {
            self.check_id(name, place);
            Gate::Signal(name.to_owned())
        });
        let approval = fields.node("approval").and_then(|node| self.approval(node, by)).map(Gate::Approval);
        [delay, signal, approval].into_iter().flatten().collect()
    }

    fn approval(&mut self, node: &Node, by: User) -> Option<Approval> {
        if let Value::Text(_) = &node.value {
            let message = self.mapping(node, by)?;
            return Some(Approval { message, timeout: None, on_timeout: OnTimeout::default() });
        }
        let mut fields = Fields::new(expect_table(node, "`approval`", self.report)?);
        let message = fields.node("message");
        if message.is_none() {
            let finding = self.report.error(node.place, "the approval does not say what is asked");
            finding.hint("add `message = \"...\"`");
        }
        let timeout = fields.limit("timeout", self.report);
        let words =
            [("reject", OnTimeout::Reject), ("approve", OnTimeout::Approve), ("park", OnTimeout::Park)];
        let on_timeout = self.word(&mut fields, "on_timeout", &words);
        if let (Some(entry), None) = (fields.entry("on_timeout"), timeout) {
            let finding =
                self.report.error(entry.key, "`on_timeout` says what happens after a time that is not given");
            finding.hint("add `timeout = \"1h\"`");
        }
        fields.close("`approval`", self.report);
        let message = self.mapping(message?, by)?;
        Some(Approval { message, timeout, on_timeout: on_timeout.unwrap_or_default() })
    }
}
