//! Ways that do not end, or lead where the plan does not say.

use op_run::event::Destination;
use op_run::{Event, Fact, Input, Refused, Run};

use super::catches;
use crate::decider::{Decider, REAL};
use crate::faults::rewrite;
use crate::wide::laws::all_ways_are_bounded as law;

type Decision = Result<Vec<Event>, Refused>;

#[test]
fn all_ways_are_bounded_catches_one_repeat_too_many() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match fact {
            Fact::PhaseFailed { phase, reason } if reason.contains("still holds") => {
                let at = run.plan().find_phase(&phase).map_or(0, |at| run.phase(at).visit);
                vec![Fact::PhaseRepeated { phase, visit: at + 1 }]
            }
            fact => vec![fact],
        })
    }
    catches(law, "is repeated as visit", Decider { decide, ..REAL });
}

#[test]
fn all_ways_are_bounded_catches_one_visit_too_many() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match fact {
            Fact::RunExhausted { .. } => {
                let ended = (0..run.plan().phases().len()).find(|at| run.phase(*at).visit > 1).unwrap_or(0);
                let phase = run.plan().phases()[ended].id.clone();
                let visit = run.phase(ended).visit + 1;
                vec![Fact::Moved { from: phase.clone(), to: Destination::Phase { phase, visit } }]
            }
            fact => vec![fact],
        })
    }
    catches(law, "it moves to", Decider { decide, ..REAL });
}

#[test]
fn all_ways_are_bounded_catches_a_visit_with_the_number_of_another_one() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match fact {
            Fact::Moved { from, to: Destination::Phase { phase, .. } } => {
                vec![Fact::Moved { from, to: Destination::Phase { phase, visit: 1 } }]
            }
            fact => vec![fact],
        })
    }
    catches(law, "it moves to", Decider { decide, ..REAL });
}

#[test]
fn all_ways_are_bounded_catches_an_end_the_plan_does_not_have() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match fact {
            Fact::Moved { from, to: Destination::End(mut end) } => {
                end.name = "elsewhere".to_owned();
                vec![Fact::Moved { from, to: Destination::End(end) }]
            }
            fact => vec![fact],
        })
    }
    catches(law, "it ends in", Decider { decide, ..REAL });
}
