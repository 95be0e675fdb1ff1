//! `[casts.NAME]`: assignments under a name, for `--cast NAME`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cast::{Casting, NOBODY, has, parts};
use crate::catalogue::{Catalogue, Operations};
use crate::diagnostic::Report;
use crate::document::{Entry, Fields, Place, Table, expect_table, expect_text};
use crate::plan::Plan;

/// Plans by id; one with mistakes of its own is known, and that is all.
type Plans = BTreeMap<String, Option<Arc<Plan>>>;

/// Reads every cast. One with a mistake is left out.
pub(crate) fn read(
    table: &Table,
    plans: &Plans,
    catalogue: &Catalogue,
    report: &mut Report<'_>,
) -> BTreeMap<String, Casting> {
    let casts = table.iter().filter_map(|(name, entry)| {
        let before = report.errors();
        let casting = Reader { name, plans, catalogue, report }.cast(entry)?;
        (report.errors() == before).then(|| (name.clone(), casting))
    });
    casts.collect()
}

struct Reader<'r, 'a> {
    name: &'r str,
    plans: &'r Plans,
    catalogue: &'r Catalogue,
    report: &'r mut Report<'a>,
}

impl Reader<'_, '_> {
    fn cast(&mut self, entry: &Entry) -> Option<Casting> {
        let name = self.name;
        let mut fields = Fields::new(expect_table(&entry.node, &format!("cast `{name}`"), self.report)?);
        let description = fields.text("description", self.report).unwrap_or_default().to_owned();
        let plan = fields.placed("plan", self.report);
        let given = fields.table("parts", self.report);
        if given.is_none_or(Table::is_empty) {
            let finding = self.report.error(entry.key, format!("cast `{name}` assigns nothing"));
            finding.hint(format!("add `[casts.{name}.parts]` with lines like `\"Step Name\" = \"role\"`"));
        }
        fields.close(&format!("cast `{name}`"), self.report);
        let known = plan.and_then(|(id, place)| self.plan(id, place)).map(|plan| parts(&plan));
        let read = given.into_iter().flatten().filter_map(|(part, entry)| {
            self.check_part(part, entry.key, known.as_deref());
            let word = expect_text(&entry.node, &format!("`{part}`"), self.report)?;
            self.check_player(word, entry.node.place);
            Some((part.clone(), word.to_owned()))
        });
        let parts = read.collect();
        Some(Casting { description, parts, plan: plan.map(|(id, _)| id.to_owned()) })
    }

    fn plan(&mut self, id: &str, place: Place) -> Option<Arc<Plan>> {
        if let Some(plan) = self.plans.get(id) {
            return plan.clone();
        }
        let message = format!("cast `{}` is for plan `{id}`, which does not exist", self.name);
        self.report.error(place, message).meant(id, self.plans.keys().map(String::as_str));
        None
    }

    fn check_part(&mut self, part: &str, place: Place, known: Option<&[String]>) {
        if let Some(known) = known.filter(|known| !has(known, part)) {
            let finding = self.report.error(place, format!("the plan has no step or role `{part}`"));
            finding.meant(part, known.iter().map(String::as_str));
        }
    }

    /// Reports a player that does not exist: a role, an agent, `agent.operation`, or nobody.
    fn check_player(&mut self, word: &str, place: Place) {
        let (roles, agents) = (&self.catalogue.roles, &self.catalogue.agents);
        if word == NOBODY || self.catalogue.role(word).is_some() || agents.contains_key(word) {
            return;
        }
        let known = roles.keys().chain(agents.keys()).map(String::as_str);
        match word.split_once('.') {
            Some((agent, operation)) if agents.contains_key(agent) => {
                if let Some(Operations::Known(operations)) = agents.get(agent)
                    && !operations.contains_key(operation)
                {
                    let message = format!("agent `{agent}` has no operation `{operation}`");
                    let finding = self.report.error(place, message);
                    finding.meant(operation, operations.keys().map(String::as_str));
                }
            }
            Some((agent, _)) => {
                self.report.error(place, format!("unknown agent `{agent}`")).meant(agent, known);
            }
            None => {
                let message = format!("`{word}` is neither a role nor an agent");
                self.report.error(place, message).meant(word, known);
            }
        }
    }
}
