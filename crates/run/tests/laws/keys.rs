//! Law 10: effects carry a key.

use std::collections::BTreeMap;

use op_run::command::Call;
use op_run::{CallKey, Work};

use crate::law::{Verdict, ensure};
use crate::story::{Act, Story, Turn};

pub(crate) fn effects_carry_a_key(story: &Story) -> Verdict {
    keys_are_used_once(story)?;
    story.turns.iter().flat_map(Turn::calls).try_for_each(|call| is_spelled_out(story, call))
}

/// No two calls of a run have the same key, and a call keeps its own.
pub(crate) fn keys_are_used_once(story: &Story) -> Verdict {
    let mut known: BTreeMap<String, (Work, u32)> = BTreeMap::new();
    let mut open: Vec<CallKey> = Vec::new();
    for turn in &story.turns {
        let keys: Vec<_> = turn.calls().map(|call| call.key.clone()).collect();
        if matches!(turn.act, Act::Restarted) {
            ensure(keys == open, || format!("the calls {open:?} are {keys:?} after a restart"))?;
        }
        for call in turn.calls() {
            let is_new = !open.contains(&call.key);
            let before = known.insert(call.key.to_string(), (call.work, call.attempt));
            let holds = match before {
                None => is_new,
                Some(before) => !is_new && before == (call.work, call.attempt),
            };
            ensure(holds, || format!("{} names {before:?} and a call of {:?}", call.key, call.work))?;
        }
        open = keys;
    }
    Ok(())
}

fn is_spelled_out(story: &Story, call: &Call) -> Verdict {
    let what = match call.work {
        Work::Step(step) => story.plan.step(step).id.clone(),
        Work::Item { step, item } => format!("{}[{item}]", story.plan.step(step).id),
        Work::Undo { phase, place } => format!("undo:{}:{}", story.plan.phases()[phase].id, place + 1),
    };
    let wanted = format!("r/{what}/1/{}", call.attempt);
    ensure(call.key.to_string() == wanted, || format!("{} should be {wanted}", call.key))
}
