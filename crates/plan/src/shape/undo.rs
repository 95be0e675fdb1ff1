//! Entries of `rollback`: `{ tool | agent | role, operation, args, retry, max_retries, timeout }`.

use super::{Lowering, User};
use crate::document::{Fields, Node, Place, Table, expect_table, expect_text};
use crate::plan::{Part, Undo};

impl Lowering<'_, '_, '_> {
    /// What undoes a phase, in this order.
    pub(crate) fn undo(&mut self, nodes: &[Node], by: User) -> Vec<Undo> {
        nodes.iter().filter_map(|node| self.undo_entry(node, by)).collect()
    }

    fn undo_entry(&mut self, node: &Node, by: User) -> Option<Undo> {
        let what = "an entry of `rollback`";
        let mut fields = Fields::new(expect_table(node, what, self.report)?);
        let (place, part) = self.undoes(&mut fields, node.place)?;
        let args: Table = fields.table("args", self.report).cloned().unwrap_or_default();
        let retry = self.retry(&mut fields).unwrap_or_default();
        let timeout = fields.limit("timeout", self.report);
        fields.close(what, self.report);
        Some(Undo { call: self.call(part, args, place, by), timeout, retry })
    }

    fn undoes(&mut self, fields: &mut Fields<'_>, place: Place) -> Option<(Place, Part)> {
        let is_called = fields.entry("agent").is_some() || fields.entry("role").is_some();
        match (fields.entry("tool"), is_called) {
            (Some(entry), false) => {
                let tool = expect_text(&entry.node, "`tool`", self.report)?;
                if let Some(entry) = fields.entry("operation") {
                    let finding = self.report.error(entry.key, "a tool has no operations");
                    finding.hint("name an `agent`, or leave `operation` out");
                }
                Some((entry.node.place, Part::Performer(self.tool(tool, entry.node.place))))
            }
            (None, true) => self.called(fields, place, None).map(|called| (called.place, called.part)),
            (Some(entry), true) => {
                let finding = self.report.error(entry.key, "a call is either of a tool or of an agent");
                finding.hint("make two entries of it");
                None
            }
            (None, false) => {
                self.report.error(place, "the entry names neither `tool` nor `agent`");
                None
            }
        }
    }
}
