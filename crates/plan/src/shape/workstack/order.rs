//! What each phase waits for.

use std::collections::HashMap;

use super::phase::Written;
use crate::check::cycles::{self, Waits};
use crate::document::Place;
use crate::shape::Lowering;

/// Phases, and where each is named.
type Dependencies = Vec<(usize, Place)>;

/// The dependencies of every phase by position; `None` when they are wrong, which was reported.
///
/// A phase that does not say what it waits for waits for the one before it in the file. The phases of `group`
/// (`parallel_phases`) run side by side instead: each that does not say otherwise waits for what the first of them
/// waits for, and the phase after the last of them waits for all of them.
pub(super) fn resolve(
    ctx: &mut Lowering<'_, '_, '_>,
    written: &[Written<'_>],
    group: Option<&[(&str, Place)]>,
) -> Option<Vec<Vec<usize>>> {
    let before = ctx.report.errors();
    let positions = positions(ctx, written);
    let group = find(ctx, written, &positions, group.unwrap_or_default());
    let explicit =
        written.iter().map(|phase| Some(find(ctx, written, &positions, phase.depends_on.as_ref()?)));
    let explicit: Vec<_> = explicit.collect();
    report_twice(ctx, written, &group);
    let order = implied(written, explicit, &group);
    let nodes = order.iter().zip(written);
    let nodes = nodes.map(|(for_, phase)| Waits { id: &phase.head.id, place: phase.head.place, for_ });
    if cycles::check(ctx.report, &nodes.collect::<Vec<_>>()) {
        check_side_by_side(ctx, written, &order, &group);
    }
    let order = order.into_iter().map(|waits| waits.into_iter().map(|(phase, _)| phase).collect());
    (ctx.report.errors() == before).then(|| order.collect())
}

/// The phases of some names; reports those that do not exist.
fn find(
    ctx: &mut Lowering<'_, '_, '_>,
    written: &[Written<'_>],
    positions: &HashMap<&str, usize>,
    names: &[(&str, Place)],
) -> Dependencies {
    let found = names.iter().filter_map(|(name, place)| {
        let found = positions.get(name).copied();
        if found.is_none() {
            let finding = ctx.report.error(*place, format!("unknown phase `{name}`"));
            finding.meant(name, written.iter().map(|phase| phase.head.id.as_str()));
        }
        Some((found?, *place))
    });
    found.collect()
}

fn positions<'w>(ctx: &mut Lowering<'_, '_, '_>, written: &'w [Written<'_>]) -> HashMap<&'w str, usize> {
    let mut positions: HashMap<&str, usize> = HashMap::new();
    for (at, phase) in written.iter().enumerate() {
        if let Some(first) = positions.insert(&phase.head.id, at) {
            positions.insert(&phase.head.id, first);
            let finding =
                ctx.report.error(phase.head.place, format!("two phases have the id `{}`", phase.head.id));
            finding.note(written[first].head.place, "the other one");
        }
    }
    positions
}

fn report_twice(ctx: &mut Lowering<'_, '_, '_>, written: &[Written<'_>], group: &[(usize, Place)]) {
    let mut seen = HashMap::new();
    for (phase, place) in group {
        if let Some(other) = seen.insert(*phase, *place) {
            let finding = ctx
                .report
                .error(*place, format!("`{}` stands twice in `parallel_phases`", written[*phase].head.id));
            finding.note(other, "the other one");
        }
    }
    for phase in written {
        let mut seen = HashMap::new();
        for (name, place) in phase.depends_on.iter().flatten() {
            if let Some(other) = seen.insert(*name, *place) {
                let finding = ctx.report.error(*place, format!("`{name}` stands twice in `depends_on`"));
                finding.note(other, "the other one");
            }
        }
    }
}

fn implied(
    written: &[Written<'_>],
    mut explicit: Vec<Option<Dependencies>>,
    group: &[(usize, Place)],
) -> Vec<Dependencies> {
    let mut members: Vec<_> = group.iter().map(|(phase, _)| *phase).collect();
    members.sort_unstable();
    members.dedup();
    let is_member = |at: usize| members.binary_search(&at).is_ok();
    let place = |at: usize| written[at].head.place;
    let after = |at: usize| -> Dependencies {
        match at.checked_sub(1) {
            None => Vec::new(),
            Some(previous) if members.last() == Some(&previous) => {
                members.iter().map(|member| (*member, place(at))).collect()
            }
            Some(previous) => vec![(previous, place(at))],
        }
    };
    let shared = members.first().map(|first| explicit[*first].clone().unwrap_or_else(|| after(*first)));
    let order = explicit.iter_mut().enumerate().map(|(at, own)| match (own.take(), &shared) {
        (Some(own), _) => own,
        (None, Some(shared)) if is_member(at) => {
            shared.iter().map(|(phase, _)| (*phase, place(at))).collect()
        }
        (None, _) => after(at),
    });
    order.collect()
}

/// Reports phases of the group that wait for another one of it, at once or through others.
fn check_side_by_side(
    ctx: &mut Lowering<'_, '_, '_>,
    written: &[Written<'_>],
    order: &[Dependencies],
    group: &[(usize, Place)],
) {
    let members: HashMap<_, _> = group.iter().copied().collect();
    // Which member stands before each phase, and the dependency that leads there.
    let mut behind: Vec<Option<(usize, usize)>> = vec![None; order.len()];
    for at in topological(order) {
        behind[at] = order[at].iter().find_map(|(dependency, _)| {
            let member = members.contains_key(dependency).then_some(*dependency);
            Some((member.or(behind[*dependency].map(|(member, _)| member))?, *dependency))
        });
    }
    for (phase, place) in group {
        let Some((member, through)) = behind[*phase] else { continue };
        let (phase, member) = (&written[*phase].head.id, &written[member].head.id);
        let way = if *member == written[through].head.id {
            String::new()
        } else {
            format!(" through `{}`", written[through].head.id)
        };
        let finding =
            ctx.report.error(*place, format!("`{phase}` cannot run beside `{member}`: it waits for it{way}"));
        finding.hint("take one of the two out of `parallel_phases`, or change `depends_on`");
    }
}

/// Positions so that each stands after all it waits for; there is no cycle.
fn topological(order: &[Dependencies]) -> Vec<usize> {
    let mut waits: Vec<_> = order.iter().map(Vec::len).collect();
    let mut dependents = vec![Vec::new(); order.len()];
    for (at, dependencies) in order.iter().enumerate() {
        for (dependency, _) in dependencies {
            dependents[*dependency].push(at);
        }
    }
    let mut sorted: Vec<_> = (0..order.len()).filter(|at| waits[*at] == 0).collect();
    let mut next = 0;
    while let Some(at) = sorted.get(next).copied() {
        next += 1;
        for dependent in &dependents[at] {
            waits[*dependent] -= 1;
            if waits[*dependent] == 0 {
                sorted.push(*dependent);
            }
        }
    }
    sorted
}
