//! The last gate: what makes a draft a plan.

use op_plan::plan::{Action, Call, FailureKind, MAX_PHASES, Part, SealError};
use op_plan::{Draft, Mapping, Performer, Phase, Plan, Retry, Shape, Step};

fn step(id: &str, after: &[usize]) -> Step {
    let call = Call { part: Part::Performer(Performer::parse("rust_pro.test")), arguments: Mapping::empty() };
    Step { after: after.to_vec(), ..Step::new(id, Action::Call(call)) }
}

fn phase(id: &str, depends_on: &[usize], steps: Vec<Step>) -> Phase {
    Phase { depends_on: depends_on.to_vec(), ..Phase::new(id, steps) }
}

fn seal(phases: Vec<Phase>) -> Result<Plan, SealError> {
    Plan::seal(Draft { max_parallel: 0, ..Draft::new("p", Shape::Workstack, phases) })
}

#[test]
fn a_sealed_plan_finds_its_parts() {
    let phases =
        vec![phase("a", &[], vec![step("x", &[]), step("y", &[0])]), phase("b", &[0], vec![step("z", &[])])];
    let plan = seal(phases).expect("valid");
    assert_eq!((plan.step_count(), plan.find_step("z"), plan.find_step("no")), (3, Some(2), None));
    assert_eq!((plan.steps_of(0), plan.steps_of(1), plan.phase_of(2)), (0..2, 2..3, 1));
    assert_eq!((plan.find_phase("b"), plan.dependents_of(0)), (Some(1), &[1][..]));
    assert_eq!((plan.step(1).id.as_str(), plan.draft().max_parallel), ("y", 1));
    assert_eq!(plan.agents().into_iter().collect::<Vec<_>>(), ["rust_pro"]);
}

#[test]
fn what_is_no_plan_is_not_sealed() {
    let one = || vec![step("x", &[])];
    let cases = [
        (vec![], SealError::Empty),
        (vec![phase("a", &[], vec![])], SealError::EmptyPhase("a".into())),
        (
            vec![phase("a", &[], one()), phase("a", &[], vec![step("y", &[])])],
            SealError::Duplicate("a".into()),
        ),
        (vec![phase("a", &[], one()), phase("b", &[], one())], SealError::Duplicate("x".into())),
        (vec![phase("a/b", &[], one())], SealError::Id("a/b".into())),
        (vec![phase("", &[], one())], SealError::Id(String::new())),
        (vec![phase("a", &[7], one())], SealError::Dangling("a".into())),
        (vec![phase("a", &[], vec![step("x", &[1])])], SealError::Dangling("x".into())),
        (vec![phase("a", &[0], one())], SealError::Cycle("a".into())),
        (vec![phase("a", &[], vec![step("x", &[1]), step("y", &[0])])], SealError::Cycle("x".into())),
    ];
    for (phases, error) in cases {
        assert_eq!(seal(phases).map(|plan| plan.id().to_owned()), Err(error));
    }
}

#[test]
fn a_plan_of_too_many_phases_is_not_sealed() {
    let many =
        |count: usize| (0..count).map(|at| phase(&format!("p{at}"), &[], vec![step(&format!("s{at}"), &[])]));
    assert_eq!(seal(many(MAX_PHASES + 1).collect()).err(), Some(SealError::TooLarge(MAX_PHASES + 1)));
    assert!(seal(many(MAX_PHASES).collect()).is_ok());
}

#[test]
fn the_wait_before_a_repeat_grows_up_to_the_longest() {
    let retry = Retry { max: 5, ..Retry::default() };
    let waits: Vec<_> = (1..=6).map(|attempt| retry.wait(attempt, FailureKind::Failed)).collect();
    let seconds = |seconds| Some(std::time::Duration::from_secs(seconds));
    assert_eq!(waits, [seconds(1), seconds(2), seconds(4), seconds(8), seconds(16), None]);
    assert_eq!(Retry { max: 9, ..retry.clone() }.wait(9, FailureKind::Lost), seconds(30));
    for kind in [FailureKind::Rejected, FailureKind::Refused, FailureKind::Cancelled, FailureKind::Unresolved]
    {
        assert_eq!(retry.wait(1, kind), None, "{kind}");
    }
}

#[test]
fn the_digest_tells_plans_apart_and_is_the_same_for_the_same_plan() {
    let plan = |id: &str| seal(vec![phase(id, &[], vec![step("x", &[])])]).expect("valid");
    assert_eq!(plan("a").digest(), plan("a").digest());
    assert_ne!(plan("a").digest(), plan("b").digest());
    assert_eq!(plan("a").digest().len(), 64);
}
