//! Who performs a step: `agent` or `role`, with an `operation`, and who takes over.

use super::Lowering;
use crate::document::{Fields, Place};
use crate::plan::Part;

/// Who is called.
pub(crate) struct Called {
    /// What it is called in ids.
    pub(crate) name: String,
    /// Where it is named.
    pub(crate) place: Place,
    pub(crate) part: Part,
    /// Whether it leaves its operation to the default.
    pub(crate) takes_operation: bool,
}

/// Who takes over, and where that is written.
pub(crate) type Understudy = (Part, Place);

impl Lowering<'_, '_, '_> {
    /// Reads `agent` or `role`, with the operation of its own or the default one.
    pub(crate) fn called(
        &mut self,
        fields: &mut Fields<'_>,
        place: Place,
        default: Option<(&str, Place)>,
    ) -> Option<Called> {
        let operation = fields.placed("operation", self.report);
        match (fields.placed("agent", self.report), fields.placed("role", self.report)) {
            (Some(agent), None) => Some(self.called_agent(agent, operation, default)),
            (None, Some((role, place))) => {
                let part = self.role(role, place, operation.or(default));
                Some(Called { name: role.to_owned(), place, part, takes_operation: operation.is_none() })
            }
            (Some(_), Some((_, place))) => {
                self.report
                    .error(place, "a call is either of an agent or of a role")
                    .hint("take one of the two out");
                None
            }
            (None, None) => {
                if fields.node("agent").is_none() && fields.node("role").is_none() {
                    self.report.error(place, "the entry names neither `agent` nor `role`");
                }
                None
            }
        }
    }

    /// An agent with the operation that stands behind its name, beside it, or is the default: the nearest one.
    pub(crate) fn called_agent(
        &mut self,
        (text, place): (&str, Place),
        operation: Option<(&str, Place)>,
        default: Option<(&str, Place)>,
    ) -> Called {
        let (name, own) = match text.split_once('.') {
            Some((agent, own)) => (agent, Some((own, place))),
            None => (text, None),
        };
        if let (Some((own, _)), Some((other, at))) = (own, operation) {
            let finding =
                self.report.error(at, format!("the entry names two operations, `{own}` and `{other}`"));
            finding.hint("take one of them out");
        }
        let part = Part::Performer(self.agent(name, place, own.or(operation).or(default)));
        let takes_operation = own.is_none() && operation.is_none();
        Called { name: name.to_owned(), place, part, takes_operation }
    }

    fn has_agent(&self, name: &str) -> bool {
        self.catalogue.agents.contains_key(name.split('.').next().unwrap_or(name))
    }

    /// Reads `fallback`: roles, agents with their operation, or agents that do what was to be done.
    pub(crate) fn fallback(&mut self, fields: &mut Fields<'_>, first: &Part) -> Vec<Understudy> {
        let operation = first.default_performer().map(|performer| performer.operation.clone());
        let operation = operation.filter(|operation| !operation.is_empty());
        let names = fields.texts("fallback", self.report).unwrap_or_default();
        if let (Some(entry), true) = (fields.entry("fallback"), names.is_empty()) {
            self.report.error(entry.key, "`fallback` names nobody").hint("leave it out");
        }
        let mut understudies: Vec<Understudy> = Vec::new();
        for (name, place) in names {
            let part = if self.catalogue.role(name).is_some() {
                self.role(name, place, None)
            } else if !self.has_agent(name) {
                let finding = self.report.error(place, format!("`{name}` is no role and no agent"));
                let roles = self.catalogue.roles.keys().map(String::as_str);
                finding.meant(name, roles.chain(self.catalogue.agents.keys().map(String::as_str)));
                continue;
            } else {
                let operation = operation.as_deref().map(|operation| (operation, place));
                self.called_agent((name, place), None, operation).part
            };
            if part == *first || understudies.iter().any(|(other, _)| *other == part) {
                let finding = self.report.error(place, format!("`{name}` would take over from itself"));
                finding.hint("name each performer once");
            }
            understudies.push((part, place));
        }
        understudies
    }
}
