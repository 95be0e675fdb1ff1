//! A plan of ten thousand steps.

use std::fmt::Write as _;

use op_engine::fakes::ScriptedPerform;
use op_run::run::State;

use crate::support::World;

const PHASES: usize = 10_000;

#[tokio::test(start_paused = true)]
async fn a_plan_of_ten_thousand_phases_runs_to_its_end() {
    let mut plan = "[workstacks.p]\nmax_parallel = 64\n".to_owned();
    for at in 0..PHASES {
        write!(plan, "[[workstacks.p.phases]]\nid = 's{at}'\nagents = ['w.step']\ndepends_on = []\n")
            .expect("text");
    }
    let world = World::new(&plan, ScriptedPerform::default());
    let run = world.run().await;
    assert_eq!((run.state(), run.settled_phases()), (State::Completed, PHASES));
    let asked = world.perform.asked();
    let keys: std::collections::HashSet<_> = asked.iter().map(|asked| &asked.key).collect();
    assert_eq!((asked.len(), keys.len()), (PHASES, PHASES));
}
