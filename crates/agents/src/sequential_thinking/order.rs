//! The order of things that depend on each other.

/// Sorts things by what they depend on, given as indices: waves, of which each holds, in the given order, what can be done once all
/// waves before it are done.
///
/// # Errors
/// A cycle, when there is one: each of its things depends on the next, and the last on the first.
pub(super) fn waves(depends_on: &[Vec<usize>]) -> Result<Vec<Vec<usize>>, Vec<usize>> {
    let mut wave_of: Vec<Option<usize>> = vec![None; depends_on.len()];
    let mut waves: Vec<Vec<usize>> = Vec::new();
    while wave_of.contains(&None) {
        let is_ready = |index: &usize| {
            wave_of[*index].is_none() && depends_on[*index].iter().all(|below| wave_of[*below].is_some())
        };
        let ready: Vec<usize> = (0..depends_on.len()).filter(is_ready).collect();
        if ready.is_empty() {
            return Err(cycle(depends_on, &wave_of));
        }
        ready.iter().for_each(|index| wave_of[*index] = Some(waves.len()));
        waves.push(ready);
    }
    Ok(waves)
}

/// A cycle among what has no wave: each of these depends on another of these, so that going along must come round.
fn cycle(depends_on: &[Vec<usize>], wave_of: &[Option<usize>]) -> Vec<usize> {
    let open = |index: &usize| wave_of[*index].is_none();
    let mut path: Vec<usize> = Vec::new();
    let mut at = (0..depends_on.len()).find(open);
    while let Some(index) = at {
        if let Some(begin) = path.iter().position(|seen| *seen == index) {
            return path.split_off(begin);
        }
        path.push(index);
        at = depends_on[index].iter().copied().find(|below| open(below));
    }
    path
}

/// The longest way along dependencies, first thing first. Among equally long ones, the one of the earliest things.
pub(super) fn longest(depends_on: &[Vec<usize>], waves: &[Vec<usize>]) -> Vec<usize> {
    let wave_of = |index: usize| waves.iter().position(|wave| wave.contains(&index)).unwrap_or_default();
    let mut path: Vec<usize> = waves.last().and_then(|last| last.first()).copied().into_iter().collect();
    while let Some(below) = path.last().and_then(|last| {
        let wave = wave_of(*last);
        depends_on[*last].iter().copied().filter(|below| wave_of(*below) + 1 == wave).min()
    }) {
        path.push(below);
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_depends_on_nothing_comes_first_and_side_by_side() {
        let depends_on = [vec![2], vec![], vec![1], vec![], vec![0, 3]];
        let order = waves(&depends_on).unwrap();
        assert_eq!(order, [vec![1, 3], vec![2], vec![0], vec![4]]);
        assert_eq!(longest(&depends_on, &order), [1, 2, 0, 4]);
        assert_eq!(waves(&[]), Ok(Vec::new()));
        assert_eq!(longest(&[], &[]), Vec::<usize>::new());
    }

    #[test]
    fn a_cycle_is_told_without_what_only_leads_to_it() {
        assert_eq!(waves(&[vec![1], vec![2], vec![3], vec![1], vec![]]), Err(vec![1, 2, 3]));
        assert_eq!(waves(&[vec![0]]), Err(vec![0]));
    }
}
