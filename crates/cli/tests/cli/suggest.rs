//! What is suggested for calls that are made again and again.

use insta::assert_snapshot;
use op_proto::v1::{SuggestRequest, Suggestion};

use crate::fake::{Asked, Fake, Script};
use crate::program::ask;
use crate::scene::{at, review};

const TOML: &str = "[workstacks.file_read_to_report]\n\n[[workstacks.file_read_to_report.phases]]\nid = \"file_read\"\ntools = [{ tool = \"file_read\" }]\n";

fn suggesting() -> Fake {
    let suggestion = |user: &str, times: u32| Suggestion {
        user: user.to_owned(),
        operations: vec!["file_read".to_owned(), "report".to_owned()],
        times,
        last: at(0),
        plan: "file_read_to_report".to_owned(),
        toml: TOML.to_owned(),
    };
    Fake::play(Script { suggestions: vec![suggestion("uid:0", 4), suggestion("uid:1000", 3)], ..review() })
}

fn asked(fake: &Fake) -> SuggestRequest {
    fake.wait(|asked| if let Asked::Suggest(request) = asked { Some(request) } else { None })
}

#[test]
fn suggestions_are_a_file_of_plans() {
    let fake = suggesting();
    assert_snapshot!(ask(&fake, &["suggest"]).page());
    let seconds = |request: &SuggestRequest| request.within.map(|within| within.seconds);
    let request = asked(&fake);
    assert_eq!((request.times, seconds(&request), request.user.as_str()), (3, Some(86_400), ""));
    let told = ask(&fake, &["suggest", "--times", "5", "--within", "7d", "--user", "uid:0", "--json"]).json();
    assert_eq!((&told[1]["times"], &told[0]["operations"][1]), (&3.into(), &"report".into()));
    assert_eq!((&told[0]["last"], &told[0]["toml"]), (&"2026-01-31T12:00:00Z".into(), &TOML.into()));
    let request = asked(&fake);
    assert_eq!((request.times, seconds(&request), request.user.as_str()), (5, Some(604_800), "uid:0"));
}

#[test]
fn where_there_is_nothing_it_is_said_what_it_takes() {
    let fake = Fake::play(review());
    assert_snapshot!(ask(&fake, &["suggest", "--times", "4"]).page());
    assert_eq!(ask(&fake, &["suggest", "--json"]).out, "[]\n");
    assert_eq!(ask(&fake, &["suggest", "--times", "1"]).code, Some(2));
}
