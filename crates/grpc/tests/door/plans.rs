//! `opdbus.v1.Plans`.

use op_proto::v1 as wire;
use op_proto::v1::plans_client::PlansClient;
use tonic::Code;
use tonic::transport::Channel;

use crate::support::{House, assert_field, assert_refused};

fn client(house: &House) -> PlansClient<Channel> {
    PlansClient::new(house.channel.clone())
}

#[tokio::test]
async fn plans_are_told_of_with_what_they_take() {
    let house = House::open().await;
    let plans = client(&house).list(wire::ListPlansRequest {}).await.expect("told").into_inner().plans;
    assert_eq!(
        plans.iter().map(|plan| plan.id.as_str()).collect::<Vec<_>>(),
        ["failing", "held", "noisy", "quick", "secretive"]
    );
    for name in ["quick", "workstack_quick"] {
        let get = wire::GetPlanRequest { plan: name.to_owned() };
        let got = client(&house).get(get).await.expect("known").into_inner();
        assert_eq!(got.plan.as_ref(), Some(&plans[3]));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&got.json).expect("JSON")["id"], "quick");
    }
    let plan = &plans[3];
    assert_eq!(
        (plan.shape.as_str(), plan.phases, plan.steps, plan.agents.as_slice()),
        ("workstack", 2, 2, &["w".to_owned()][..])
    );
    assert_eq!(
        (plan.version.as_str(), plan.category.as_str(), plan.tags.as_slice()),
        ("1.2", "test", &["x".to_owned()][..])
    );
    let input = plan.inputs.iter().find(|input| input.name == "count").expect("an input");
    assert_eq!((input.r#type.as_str(), input.default.as_str(), input.required), ("integer", "3", false));
    let unknown = client(&house).get(wire::GetPlanRequest { plan: "quikc".to_owned() }).await;
    assert_refused(unknown, Code::NotFound, "PLAN_UNKNOWN");
}

#[tokio::test]
async fn a_text_is_checked_and_every_mistake_has_its_place() {
    let house = House::open().await;
    let check = |toml: &str| wire::CheckRequest { toml: toml.to_owned(), file: "mine.toml".to_owned() };
    let toml =
        "[workstacks.x]\n[[workstacks.x.phases]]\nid = 'a'\nagnets = ['w.step']\nagents = ['nobody.step']\n";
    let found = client(&house).check(check(toml)).await.expect("checked").into_inner();
    assert!(found.plans.is_empty());
    let places: Vec<_> =
        found.diagnostics.iter().map(|of| (of.file.as_str(), of.line, of.severity.as_str())).collect();
    assert_eq!(places, [("mine.toml", 4, "error"), ("mine.toml", 5, "error")]);
    assert!(found.diagnostics[0].rendered.contains("agnets = ['w.step']"));
    let good = toml.replace("agnets = ['w.step']\n", "").replace("nobody", "w");
    let found = client(&house).check(check(&good)).await.expect("checked").into_inner();
    assert_eq!((found.diagnostics, found.plans), (vec![], vec!["x".to_owned()]));
    let long = check(&"#".repeat((4 << 20) + 1));
    assert_field(&client(&house).check(long).await.expect_err("refused"), "toml");
}

#[tokio::test]
async fn a_plan_is_drawn_as_mermaid_or_in_boxes() {
    let house = House::open().await;
    let draw = |format: i32, width| wire::DrawRequest { plan: "quick".to_owned(), format, width };
    let mermaid = client(&house).draw(draw(1, 0)).await.expect("drawn").into_inner().text;
    assert!(mermaid.starts_with("flowchart") || mermaid.contains("graph"), "{mermaid}");
    let boxes = client(&house).draw(draw(2, 40)).await.expect("drawn").into_inner().text;
    assert!(boxes.contains("First") && boxes.lines().all(|line| line.chars().count() <= 40), "{boxes}");
    for format in [0, 7] {
        assert_field(&client(&house).draw(draw(format, 0)).await.expect_err("refused"), "format");
    }
    let unknown = wire::DrawRequest { plan: "x".to_owned(), ..draw(1, 0) };
    assert_refused(client(&house).draw(unknown).await, Code::NotFound, "PLAN_UNKNOWN");
}
