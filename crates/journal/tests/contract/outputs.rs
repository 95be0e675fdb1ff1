//! What steps wrote.

use op_run::RunId;

use super::Shared;
use crate::samples::{Story, again, kept, phase, started};

contracts![
    the_last_output_is_found_without_its_attempt,
    each_visit_of_a_step_has_outputs_of_its_own,
    output_that_is_told_of_twice_counts_as_told_last,
];

async fn the_last_output_is_found_without_its_attempt(journal: Shared) {
    let mut story = Story::new("run");
    let mut entry = story.next(vec![started()]);
    entry.outputs = vec![kept("compile", 2), kept("compile", 10), kept("compile", 1), kept("compile2", 30)];
    journal.append(entry).await.unwrap();
    let run = story.id();
    for (attempt, wanted) in [(None, Some(10)), (Some(2), Some(2)), (Some(3), None)] {
        let found = journal.output(&run, "compile", None, attempt).await.unwrap();
        assert_eq!(found, wanted.map(|attempt| kept("compile", attempt)));
    }
    assert_eq!(journal.output(&run, "comp", None, None).await.unwrap(), None);
    assert_eq!(journal.output(&RunId::new("other"), "compile", None, None).await.unwrap(), None);
}

async fn each_visit_of_a_step_has_outputs_of_its_own(journal: Shared) {
    let mut story = Story::new("run");
    let mut entry = story.next(vec![started()]);
    entry.outputs =
        vec![again("compile", 2, 1), kept("compile", 1), kept("compile", 3), again("compile", 10, 2)];
    journal.append(entry).await.unwrap();
    let mut entry = story.next(vec![phase(2)]);
    entry.outputs = vec![again("compile", 2, 2), again("compile[0]", 11, 1)];
    journal.append(entry).await.unwrap();
    for (visit, attempt, wanted) in [
        (None, None, Some((10, 2))),
        (Some(2), None, Some((2, 2))),
        (Some(2), Some(1), Some((2, 1))),
        (Some(2), Some(3), None),
        (Some(3), None, None),
        (None, Some(1), Some((2, 1))),
        (None, Some(2), Some((10, 2))),
    ] {
        let found = journal.output(&story.id(), "compile", visit, attempt).await.unwrap();
        let wanted = wanted.map(|(visit, attempt)| again("compile", visit, attempt));
        assert_eq!(found, wanted, "{visit:?} {attempt:?}");
    }
    let first = journal.output(&story.id(), "compile", Some(1), None).await.unwrap();
    assert_eq!(first, Some(kept("compile", 3)));
    let item = journal.output(&story.id(), "compile[0]", None, None).await.unwrap();
    assert_eq!(item, Some(again("compile[0]", 11, 1)));
}

async fn output_that_is_told_of_twice_counts_as_told_last(journal: Shared) {
    let mut story = Story::new("run");
    let mut last = kept("compile", 1);
    last.chunks.truncate(1);
    for output in [kept("compile", 1), last.clone()] {
        let mut entry = story.next(vec![started()]);
        entry.outputs = vec![output];
        journal.append(entry).await.unwrap();
    }
    assert_eq!(journal.output(&story.id(), "compile", None, None).await.unwrap(), Some(last));
}
