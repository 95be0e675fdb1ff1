//! `[debates.ID]`: participants argue in rounds until they agree, or until the rounds are over.
//!
//! A debate is a machine with a bounded loop. A round is one argument of every participant: the first one is blind
//! (`initial_arguments`), every further one sees where the others stand (`counter_arguments`). After each round a rule, the
//! tool `consensus`, weighs the positions. Agreement counts from round `min` on; after round `max` the debate is decided
//! without it, or by a person (`no_consensus = "escalate"`). Steps that stand between two others belong to what they stand
//! in: before `counter_arguments` to the first round, before `consensus_check` to every further one, after it to the end.
//!
//! Every argument is an object `{ position, confidence, agrees_with, argument }`; an answer without a position and a
//! confidence from 0 to 1 is a rejection. A participant is told `question`, `options`, `participant` (its own id), `kind`
//! (`initial`, `counter`, `clarification`, or the name of a custom step), `others`, `model`, and `fallbacks`, who may take over
//! from it; of these, what its operation takes. Whoever decides is told `consensus` too. In a round, who does not answer has
//! no position, like a spare seat that nobody was cast for; `require_all = true` fails the debate instead. A round in which
//! nobody answers fails it in any case.
//!
//! Unless the plan has an `output`, a debate answers `{ decision, consensus, rounds }`. A person who is asked decides alone:
//! what the signal `decision` brings is the decision, and what comes after the check is left out.

mod head;
mod part;
mod participant;
mod rounds;
mod script;
mod stage;
mod told;

use super::Lowering;
use crate::check::references;
use crate::document::{Fields, Place, Table};
use crate::plan::{Draft, Rollback, Shape};

/// Lowers one debate.
pub(super) fn lower(ctx: &mut Lowering<'_, '_, '_>, id: &str, key: Place, table: &Table) -> Option<Draft> {
    ctx.check_id(id, key);
    let mut fields = Fields::new(table);
    let mut draft = ctx.head(id, Shape::Debate, &mut fields, Rollback::None);
    head::inputs(ctx, &mut draft, &mut fields);
    let company = participant::read(ctx, &mut fields, id, key);
    let script = script::read(ctx, &mut fields, key);
    let rounds = rounds::read(ctx, &mut fields, script.as_ref());
    let ending = head::ending(ctx, &mut fields, &company);
    let require_all = fields.flag("require_all", ctx.report).unwrap_or(false);
    ctx.tail(&mut draft, &mut fields);
    fields.close(&format!("debate `{id}`"), ctx.report);

    let debate = stage::Debate { company: &company, rounds, ending: &ending, require_all };
    debate.perform(ctx, &script?, &mut draft);
    references::check(ctx.report, &draft, &ctx.uses, true);
    Some(draft)
}
