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
        ["failing", "gated", "held", "nightly", "noisy", "quick", "secretive", "single"]
    );
    for name in ["quick", "workstack_quick"] {
        let get = wire::GetPlanRequest { plan: name.to_owned() };
        let got = client(&house).get(get).await.expect("known").into_inner();
        assert_eq!(got.plan.as_ref(), Some(&plans[5]));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&got.json).expect("JSON")["id"], "quick");
    }
    let plan = &plans[5];
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
async fn a_plan_is_drawn_in_every_format() {
    let house = House::open().await;
    let draw = |format: i32, width| wire::DrawRequest {
        plan: "quick".to_owned(),
        format,
        width,
        run: String::new(),
    };
    let mermaid = client(&house).draw(draw(1, 0)).await.expect("drawn").into_inner().text;
    assert!(mermaid.starts_with("flowchart") || mermaid.contains("graph"), "{mermaid}");
    let boxes = client(&house).draw(draw(2, 40)).await.expect("drawn").into_inner().text;
    assert!(boxes.contains("First") && boxes.lines().all(|line| line.chars().count() <= 40), "{boxes}");
    for (format, sign) in [(3, "digraph"), (4, "<svg")] {
        let text = client(&house).draw(draw(format, 0)).await.expect("drawn").into_inner().text;
        assert!(text.contains(sign) && text.contains("First"), "{text}");
    }
    for format in [0, 7] {
        assert_field(&client(&house).draw(draw(format, 0)).await.expect_err("refused"), "format");
    }
    let unknown = wire::DrawRequest { plan: "x".to_owned(), ..draw(1, 0) };
    assert_refused(client(&house).draw(unknown).await, Code::NotFound, "PLAN_UNKNOWN");
}

#[tokio::test]
async fn a_run_is_drawn_with_the_state_of_its_phases() {
    let house = House::open().await;
    let run = house.start("failing").await;
    house.facts(&run, 1).await;
    for format in 1..=4 {
        let draw = |run: &str, plan: &str| wire::DrawRequest {
            run: run.to_owned(),
            plan: plan.to_owned(),
            format,
            width: 0,
        };
        let with = client(&house).draw(draw(&run, "")).await.expect("drawn").into_inner().text;
        let without = client(&house).draw(draw("", "failing")).await.expect("drawn").into_inner().text;
        assert!(with != without, "{with}");
        assert_refused(client(&house).draw(draw("nobody", "")).await, Code::NotFound, "RUN_UNKNOWN");
    }
}

#[tokio::test]
async fn casts_are_told_of() {
    let house = House::open().await;
    let casts = client(&house).list_casts(wire::ListCastsRequest {}).await.expect("told").into_inner().casts;
    let cast = &casts[0];
    assert_eq!(
        (casts.len(), cast.name.as_str(), cast.description.as_str(), cast.plan.as_str()),
        (1, "reader", "Reads", "quick")
    );
    assert_eq!(cast.parts["a"], "tools.file_read");
}

#[tokio::test]
async fn a_schedule_is_told_of_held_let_go_and_run_now() {
    let house = House::open().await;
    let mut plans = client(&house);
    let list = plans.list_schedules(wire::ListSchedulesRequest {}).await.expect("told").into_inner();
    let schedule = &list.schedules[0];
    assert_eq!(
        (list.schedules.len(), schedule.plan.as_str(), schedule.cron.as_str(), schedule.missed.as_str()),
        (1, "nightly", "0 3 * * *", "once")
    );
    assert!(!schedule.paused && schedule.last.is_none() && schedule.next.is_some());
    let pause = |plan: &str, paused| wire::PauseScheduleRequest { plan: plan.to_owned(), paused };
    let held = plans.pause_schedule(pause("nightly", true)).await.expect("held").into_inner();
    let held = held.schedule.expect("told");
    assert!(held.paused && held.last.is_some() && held.next.is_none());
    let free = plans.pause_schedule(pause("nightly", false)).await.expect("let go").into_inner();
    assert!(free.schedule.is_some_and(|schedule| !schedule.paused && schedule.next.is_some()));
    let now = |plan: &str| wire::RunScheduleRequest { plan: plan.to_owned() };
    let run = plans.run_schedule(now("nightly")).await.expect("started").into_inner().run;
    house.facts(&run, 1).await;
    let summary = house.get(&run).await.summary.expect("told");
    assert_eq!((summary.plan.as_str(), summary.labels["schedule"].as_str()), ("nightly", "by hand"));
    assert!(summary.user.starts_with("uid:"));
    assert_refused(plans.run_schedule(now("quick")).await, Code::NotFound, "SCHEDULE_UNKNOWN");
    assert_refused(plans.pause_schedule(pause("quick", true)).await, Code::NotFound, "SCHEDULE_UNKNOWN");
    assert_refused(plans.run_schedule(now("quikc")).await, Code::NotFound, "PLAN_UNKNOWN");
}

#[tokio::test]
async fn a_configuration_is_read_again_or_stays() {
    let house = House::open().await;
    let reload = || async { client(&house).reload(wire::ReloadRequest {}).await };
    assert_eq!(reload().await.expect("reloaded").into_inner().generation, 2);
    house.service.spoil(vec!["plans.d/a.toml has no end".to_owned()]);
    let refused = reload().await;
    let sentence = refused.as_ref().expect_err("refused").message().to_owned();
    assert!(sentence.contains("the one before stays in force:\nplans.d/a.toml has no end"), "{sentence}");
    assert_refused(refused, Code::InvalidArgument, "CONFIG_INVALID");
}
