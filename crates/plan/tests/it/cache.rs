//! `cache`: how long what a step returned is kept, in every notation, and where that cannot be said.

use std::time::Duration;

use insta::assert_snapshot;
use op_plan::Step;

use crate::{complaints, plan};

fn first(text: &str) -> Step {
    plan(text).phases()[0].steps[0].clone()
}

#[test]
fn steps_of_every_notation_keep_what_they_returned() {
    for text in [
        "[[workstacks.p.phases]]\nid = 'a'\ntools = [{ tool = 'file_read', args = { path = 'x' }, cache = '5m' }]\n",
        "[[workstacks.p.phases]]\nid = 'a'\nagents = [{ agent = 'rust_pro.test', cache = '5m' }]\n",
        "[[workflows.p.nodes]]\nid = 'a'\ntype = 'rust_pro.test'\ncache = '5m'\n",
        "[[machines.p.steps]]\nid = 'a'\nrole = 'reviewer'\non_success = 'completed'\ncache = '5m'\n",
        "[[templates.p.steps]]\nname = 'Read Files'\ncache = '5m'\n",
        "[debates.p]\nparticipants = [{ id = 'x', agent = 'debater.argue' }, { id = 'y', agent = 'debater.argue' }]\n\
         steps = [{ type = 'initial_arguments', cache = '5m' }, { type = 'consensus_check' }, { type = 'final_decision' }]\n",
    ] {
        assert_eq!(first(text).cache, Some(Duration::from_mins(5)), "{text}");
    }
}

#[test]
fn what_cannot_be_kept_is_refused() {
    assert_snapshot!(complaints(
        r#"[[workflows.p.nodes]]
id = "a"
type = "kubectl_apply"
inputs = { manifest = "m.yaml" }
cache = true
[[workflows.p.nodes]]
id = "b"
type = "http_request"
inputs = { url = "http://localhost" }
cache = "10m"
[[workflows.p.nodes]]
id = "c"
delay = 5
cache = true
[[workflows.p.nodes]]
id = "d"
plan = "q"
cache = true
[[workflows.p.nodes]]
id = "e"
type = "rust_pro.test"
cache = 0
[[workflows.p.nodes]]
id = "f"
type = "rust_pro.test"
cache = "a while"
[[workflows.p.nodes]]
id = "g"
type = "rust_pro.test"
cache = []
[[workstacks.q.phases]]
id = "a"
agents = [{ agent = "rust_pro.test", fallback = ["tools.systemd_unit"], cache = true }]
"#
    ));
}
