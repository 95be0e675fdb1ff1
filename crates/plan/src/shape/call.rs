//! Who is called, and with which arguments.

use super::{Lowering, User};
use crate::catalogue::{Operations, Performer, Risk, TOOLS};
use crate::check::arguments;
use crate::document::{Node, Place, Table, Value};
use crate::mapping::Mapping;
use crate::plan::{Call, Part};

impl Lowering<'_, '_, '_> {
    /// A tool by its bare name.
    pub(crate) fn tool(&mut self, name: &str, place: Place) -> Performer {
        let performer = Performer::new(TOOLS, name);
        if self.catalogue.has(&performer) {
            self.note(&performer, place);
        } else {
            let is_agent = self.catalogue.agents.contains_key(name.split('.').next().unwrap_or(name));
            let tools = operations(self.catalogue.agents.get(TOOLS));
            let finding = self.report.error(place, format!("unknown tool `{name}`"));
            if is_agent {
                finding.hint(format!("`{name}` is an agent: name it under `agents`"));
            } else {
                finding.meant(name, tools);
            }
        }
        performer
    }

    /// An operation of an agent. `None` for the operation means that the plan names none.
    pub(crate) fn agent(&mut self, agent: &str, place: Place, operation: Option<(&str, Place)>) -> Performer {
        let performer = Performer::new(agent, operation.map_or("", |(operation, _)| operation));
        let Some(known) = self.catalogue.agents.get(agent) else {
            self.refuse_agent(agent, place);
            return performer;
        };
        match operation {
            None => {
                let names = operations(Some(known));
                let hint = match names.first() {
                    Some(first) => format!("write `{agent}.{first}`; it has {}", names.join(", ")),
                    None => format!("write `{agent}.OPERATION`, or add `operation = \"...\"`"),
                };
                self.report
                    .error(place, format!("the plan does not say which operation of `{agent}` to call"))
                    .hint(hint);
            }
            Some((operation, place)) if !self.catalogue.has(&performer) => {
                let finding =
                    self.report.error(place, format!("agent `{agent}` has no operation `{operation}`"));
                finding.meant(operation, operations(Some(known)));
            }
            Some((_, place)) => self.note(&performer, place),
        }
        performer
    }

    /// A role, played by its usual performer, with another operation if one is named.
    pub(crate) fn role(&mut self, role: &str, place: Place, operation: Option<(&str, Place)>) -> Part {
        let default = if let Some((_, usual)) = self.catalogue.role(role) {
            let usual = &usual.performer;
            let usual_operation = Some(usual.operation.as_str()).filter(|operation| !operation.is_empty());
            self.agent(&usual.agent, place, operation.or(usual_operation.map(|operation| (operation, place))))
        } else {
            let finding = self.report.error(place, format!("unknown role `{role}`"));
            finding.meant(role, self.catalogue.roles.keys().map(String::as_str));
            Performer::new(role, "")
        };
        let name = role.strip_prefix("role_").unwrap_or(role).to_owned();
        Part::Role { name, plays: None, default: Some(default) }
    }

    /// A call with its arguments, checked against what the operation takes.
    pub(crate) fn call(&mut self, part: Part, args: Table, place: Place, by: User) -> Call {
        if let Some(performer) = part.default_performer()
            && let Some(operation) = self.catalogue.operation(performer)
        {
            arguments::check(self.report, &args, &operation.input, performer, place);
        }
        let arguments = if args.is_empty() {
            Some(Mapping::empty())
        } else {
            self.mapping(&Node { place, value: Value::Table(args) }, by)
        };
        Call { part, arguments: arguments.unwrap_or_else(Mapping::empty) }
    }

    fn refuse_agent(&mut self, agent: &str, place: Place) {
        let is_tool = self.catalogue.has(&Performer::new(TOOLS, agent));
        let is_role = self.catalogue.roles.contains_key(agent);
        let finding = self.report.error(place, format!("unknown agent `{agent}`"));
        if is_tool {
            finding.hint(format!("`{agent}` is a tool: name it under `tools`"));
        } else if is_role {
            finding.hint(format!("`{agent}` is a role: write `{{ role = \"{agent}\" }}`"));
        } else {
            finding.meant(agent, self.catalogue.agents.keys().map(String::as_str));
        }
    }

    /// Takes note of what is known of an operation that is named.
    fn note(&mut self, performer: &Performer, place: Place) {
        let Some(known) = self.catalogue.operation(performer) else { return };
        if known.risk == Risk::Critical {
            self.critical.entry(performer.clone()).or_insert(place);
        }
        if let Some(reason) = &known.unavailable {
            self.report.warning(place, format!("`{performer}` cannot work in this set-up: {reason}"));
        }
    }
}

fn operations(known: Option<&Operations>) -> Vec<&str> {
    match known {
        Some(Operations::Known(operations)) => operations.keys().map(String::as_str).collect(),
        Some(Operations::Open) | None => Vec::new(),
    }
}
