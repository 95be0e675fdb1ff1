//! `opdbus.v1.Skills`, and calls about skills.

use std::collections::BTreeMap;
use std::sync::Arc;

use op_engine::Library;
use op_plan::Source;
use op_plan::skill::{Skills, Written};
use op_proto::v1 as wire;
use op_proto::v1::agents_client::AgentsClient;
use op_proto::v1::skills_client::SkillsClient;
use tonic::Code;
use tonic::transport::Channel;

use crate::support::{House, assert_field, assert_refused};

fn written(name: &str, text: &str) -> Written {
    let source = Source { name: format!("{name}/SKILL.md"), text: text.to_owned() };
    let resources = BTreeMap::from([("references/more.md".to_owned(), "More.".to_owned())]);
    Written { directory: name.to_owned(), source, resources, ..Written::default() }
}

/// A house with a skill, and one that is broken.
async fn house() -> House {
    let house = House::open().await;
    let care = "---\nname: care\ndescription: Takes care.\nlicense: MIT\ncompatibility: Needs hands.\nallowed-tools: Read\nmetadata:\n  \
                by: ada\n  op-dbus-tools: w.*\n  op-dbus-paths: '*.rs'\n  op-dbus-priority: '7'\n  op-dbus-constraints: forbid_argument w.* force\n---\n# Care\n";
    let skills = Skills::read(&[written("care", care), written("broken", "---\nname: broken\n---\n")]);
    let library = Library::clone(&house.engine.library());
    house.engine.set_library(Library { skills: Arc::new(skills), ..library });
    house
}

fn client(house: &House) -> SkillsClient<Channel> {
    SkillsClient::new(house.channel.clone())
}

fn asked(skill: &str, resource: &str) -> wire::GetSkillRequest {
    wire::GetSkillRequest { skill: skill.to_owned(), resource: resource.to_owned() }
}

#[tokio::test]
async fn skills_are_told_in_three_levels_and_what_is_wrong_with_others() {
    let house = house().await;
    let list = client(&house).list(wire::ListSkillsRequest {}).await.expect("told").into_inner();
    let summary =
        wire::SkillSummary { name: "care".to_owned(), description: "Takes care.".to_owned(), priority: 7 };
    assert_eq!(list.skills, std::slice::from_ref(&summary));
    let [found] = list.diagnostics.as_slice() else { panic!("one is broken: {:?}", list.diagnostics) };
    assert_eq!((found.severity.as_str(), found.file.as_str()), ("error", "broken/SKILL.md"));
    let got = client(&house).get(asked("care", "")).await.expect("known").into_inner();
    let skill = got.skill.expect("it is told");
    assert_eq!((got.text.as_str(), skill.summary), ("# Care", Some(summary)));
    assert_eq!(
        (skill.license.as_str(), skill.compatibility.as_str(), skill.metadata["by"].as_str()),
        ("MIT", "Needs hands.", "ada")
    );
    assert_eq!(
        (skill.allowed_tools, skill.tools, skill.paths),
        (vec!["Read".to_owned()], vec!["w.*".to_owned()], vec!["*.rs".to_owned()])
    );
    assert_eq!(
        (skill.constraints, skill.resources),
        (vec!["forbid_argument w.* force".to_owned()], vec!["references/more.md".to_owned()])
    );
    assert_eq!((skill.digest.len(), skill.origin.as_str()), (64, "care/SKILL.md"));
    let more =
        client(&house).get(asked("care", "references/more.md")).await.expect("it is there").into_inner();
    assert_eq!(more.text, "More.");
}

#[tokio::test]
async fn what_is_no_skill_and_no_file_of_one_is_refused() {
    let house = house().await;
    assert_refused(client(&house).get(asked("cure", "")).await, Code::NotFound, "SKILL_UNKNOWN");
    for path in ["../care/SKILL.md", "/etc/passwd", "none"] {
        assert_field(&client(&house).get(asked("care", path)).await.expect_err("there is none"), "resource");
    }
}

#[tokio::test]
async fn the_hub_answers_calls_about_skills_and_skills_refuse_calls() {
    let house = house().await;
    let call = |target: &str, arguments: &str| wire::CallRequest {
        target: target.to_owned(),
        arguments: arguments.to_owned(),
        ..wire::CallRequest::default()
    };
    let mut agents = AgentsClient::new(house.channel.clone());
    let outcome = |answer: tonic::Response<wire::CallResponse>| format!("{:?}", answer.into_inner().outcome);
    let read = outcome(agents.call(call("skill_care", "")).await.expect("answered"));
    assert!(read.contains("# Care") && read.contains("hub"), "{read}");
    let refused = outcome(agents.call(call("w.step", "{\"force\":true}")).await.expect("answered"));
    assert!(refused.contains("skill_constraint"), "{refused}");
    assert!(house.perform.asked().is_empty());
}
