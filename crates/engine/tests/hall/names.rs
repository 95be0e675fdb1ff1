//! What a name means.

use op_engine::Engine;
use op_engine::names::Target;

use crate::support::{ONE, World, scripted};

fn meaning(engine: &Engine, name: &str) -> String {
    match engine.resolve(name) {
        Ok(Target::Plan(plan)) => format!("plan {}", plan.id()),
        Ok(Target::Operation(performer)) => format!("{} of {}", performer.operation, performer.agent),
        Ok(Target::Skill(question)) => format!("{question:?}"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_prefix_says_what_a_name_means_and_a_bare_name_is_a_plan_or_a_tool() {
    let world = World::new(&ONE.replace("workstacks.p", "workstacks.code_review"), scripted());
    for (name, meant) in [
        ("code_review", "plan code_review"),
        ("workstack_code_review", "plan code_review"),
        ("agent_rust_pro.test", "test of rust_pro"),
        ("rust_pro.test", "test of rust_pro"),
        ("file_read", "file_read of tools"),
        ("tools.file_read", "file_read of tools"),
        ("w.anything", "anything of w"),
    ] {
        assert_eq!(meaning(&world.engine, name), meant, "{name}");
    }
}

#[tokio::test]
async fn a_name_that_means_nothing_is_refused_with_the_nearest_that_means_something() {
    let world = World::new(&ONE.replace("workstacks.p", "workstacks.code_review"), scripted());
    for (name, message) in [
        ("code_reveiw", "no plan and no tool is called `code_reveiw`; did you mean `code_review`?"),
        ("file_raed", "no plan and no tool is called `file_raed`; did you mean `file_read`?"),
        ("zzz", "no plan and no tool is called `zzz`"),
        ("workstack_code_reveiw", "no plan is called `code_reveiw`; did you mean `code_review`?"),
        ("rust_por.test", "no agent is called `rust_por`; did you mean `rust_pro`?"),
        ("agent_rust_por", "no agent is called `rust_por`; did you mean `rust_pro`?"),
        ("rust_pro.tset", "agent `rust_pro` has no operation `tset`; it has check, test"),
        (
            "agent_rust_pro",
            "the name does not say which operation of agent `rust_pro` is meant: write `rust_pro.OPERATION`",
        ),
        ("agent_w", "the name does not say which operation of agent `w` is meant: write `w.OPERATION`"),
        ("workflow_deploy", "no plan is called `deploy`"),
        ("skill_rust", "no skill is called `rust`"),
        ("", "no plan and no tool is called ``"),
    ] {
        assert_eq!(meaning(&world.engine, name), message, "{name}");
    }
}
