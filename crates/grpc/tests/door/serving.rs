//! The door itself: health, reflection, who is let in, how much is taken, how it closes.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::Arc;

use op_engine::fakes::FixedService;
use op_engine::ports::{Authority, Caller, Denied, Right};
use op_grpc::{Doors, serve};
use op_proto::v1 as wire;
use op_proto::v1::agents_client::AgentsClient;
use op_proto::v1::journal_client::JournalClient;
use op_proto::v1::runs_client::RunsClient;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::support::{House, knock, request, warden};

#[tokio::test]
async fn whoever_connects_finds_the_door_serving() {
    let house = House::open().await;
    let mut health = HealthClient::new(house.channel.clone());
    let status = health.check(HealthCheckRequest::default()).await.expect("answered").into_inner().status;
    assert_eq!(status, i32::from(ServingStatus::Serving));
}

#[tokio::test]
async fn reflection_lists_the_services_that_are_served() {
    let house = House::open().await;
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut reflection = ServerReflectionClient::new(house.channel.clone());
    let asked = tokio_stream::iter([ask]);
    let mut answers = reflection.server_reflection_info(asked).await.expect("answered").into_inner();
    let answer = answers.message().await.expect("answered").expect("an answer").message_response;
    let Some(MessageResponse::ListServicesResponse(listed)) = answer else { panic!("{answer:?}") };
    let mut names: Vec<_> = listed.service.into_iter().map(|service| service.name).collect();
    names.retain(|name| name.starts_with("opdbus."));
    names.sort();
    assert_eq!(
        names,
        ["Agents", "Journal", "Plans", "Runs", "Sessions", "Skills", "Tools"]
            .map(|name| format!("opdbus.v1.{name}"))
    );
}

#[tokio::test]
async fn the_door_opens_on_tcp_and_says_who_came_in_there() {
    let house = House::open().await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let shutdown = CancellationToken::new();
    let doors = Doors { unix: None, tcp: Some(listener) };
    let served =
        serve(doors, house.engine.clone(), warden(), Arc::new(FixedService::default()), shutdown.clone());
    let served = tokio::spawn(served);
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    let mut runs = RunsClient::new(endpoint.connect().await.expect("the door is open"));
    let run = runs.start(request("quick")).await.expect("started").into_inner().run;
    assert_eq!(house.get(&run).await.summary.expect("told").user, "tcp:127.0.0.1");
    drop(runs);
    shutdown.cancel();
    served.await.expect("ends").expect("closed well");
}

#[tokio::test]
async fn a_request_that_is_too_large_is_refused_and_the_next_one_is_taken() {
    let house = House::open().await;
    let large = |bytes: usize| wire::StartRequest { inputs: " ".repeat(bytes), ..request("quick") };
    let refused = house.runs().start(large((8 << 20) + 1)).await.expect_err("refused");
    assert_eq!(refused.code(), Code::OutOfRange);
    // One that fits is looked at: blanks are no object.
    assert_eq!(house.runs().start(large(7 << 20)).await.expect_err("refused").code(), Code::InvalidArgument);
    house.start("quick").await;
}

#[tokio::test]
async fn a_door_that_closes_ends_streams_stops_calls_and_lets_runs_be() {
    let house = House::open().await;
    let execute = wire::ExecuteRequest { start: Some(request("held")) };
    let mut run = house.runs().execute(execute).await.expect("started").into_inner();
    let follow = wire::EventsRequest { follow: true, ..wire::EventsRequest::default() };
    let mut tail = JournalClient::new(house.channel.clone()).events(follow).await.expect("read").into_inner();
    let mut agents = AgentsClient::new(house.channel.clone());
    let call = wire::CallRequest { target: "w.held".to_owned(), ..wire::CallRequest::default() };
    let stream = wire::CallStreamRequest { call: Some(call.clone()) };
    let mut streamed = agents.call_stream(stream).await.expect("begun").into_inner();
    streamed.message().await.expect("seen");
    let called = tokio::spawn(async move { agents.call(call).await });
    house.perform.was_asked(3).await;
    house.shutdown.cancel();
    while run.message().await.expect("the stream ends well").is_some() {}
    while tail.message().await.expect("the stream ends well").is_some() {}
    let mut last = None;
    while let Some(response) = streamed.message().await.expect("the stream ends well") {
        last = response.seen;
    }
    let Some(wire::call_stream_response::Seen::Outcome(outcome)) = last else { panic!("{last:?}") };
    let answered = called.await.expect("ends").expect("answered").into_inner().outcome.expect("an outcome");
    for outcome in [outcome, answered] {
        assert!(
            matches!(outcome.kind, Some(wire::call_outcome::Kind::Failure(of)) if of.kind == "cancelled")
        );
    }
    house.server.await.expect("ends").expect("closed well");
    // The two calls were stopped; the run was not.
    assert_eq!((*house.stopped.borrow(), house.engine.live_runs()), (2, 1));
}

/// Says to the visitor where the door is.
pub(crate) const DOOR: &str = "OP_TEST_DOOR";

/// Says to the visitor which run to look at, one of another user's.
const RUN: &str = "OP_TEST_RUN";

/// Says to the visitor what it should be answered: to a list of runs, to a start, to reading and to pausing the run.
const ANSWERS: &str = "OP_TEST_ANSWERS";

#[tokio::test]
#[ignore = "run as another user by the tests below"]
async fn visitor() {
    let told = |variable: &str| std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is told"));
    let mut runs = RunsClient::new(knock(told(DOOR).as_ref()).await);
    let run = told(RUN);
    let watch = wire::WatchRequest { run: run.clone(), ..wire::WatchRequest::default() };
    let pause = wire::PauseRequest { run, ..wire::PauseRequest::default() };
    let codes = [
        code(runs.list(wire::ListRequest::default()).await),
        code(runs.start(request("quick")).await),
        code(runs.watch(watch).await),
        code(runs.pause(pause).await),
    ];
    assert_eq!(format!("{codes:?}"), told(ANSWERS));
}

fn code<T>(answer: Result<T, tonic::Status>) -> Code {
    answer.map_or_else(|status| status.code(), |_| Code::Ok)
}

/// Lets the visitor knock as another user. Only root can become somebody else; whoever else runs this sees at least that the own
/// user is let in.
async fn visit(house: &House, answers: [Code; 4]) {
    let own = rustix::process::geteuid().as_raw();
    let (user, answers) = if own == 0 { (65_534, answers) } else { (own, [Code::Ok; 4]) };
    let run = house.start("held").await;
    visit_as(user, house, "serving::visitor", &[(RUN, run), (ANSWERS, format!("{answers:?}"))]).await;
}

/// Runs a test as another user, which is told where the door is, and more.
pub(crate) async fn visit_as(user: u32, house: &House, test: &'static str, more: &[(&'static str, String)]) {
    let (program, door) = (house.dir.path().join("visitor"), house.dir.path().join("grpc.sock"));
    std::fs::copy(std::env::current_exe().expect("this test"), &program).expect("a copy");
    for path in [house.dir.path(), &program, &door] {
        std::fs::set_permissions(path, Permissions::from_mode(0o777)).expect("anybody may knock");
    }
    let mut visitor = Command::new(program);
    visitor.args(["--exact", test, "--ignored"]).uid(user).current_dir("/");
    visitor.env(DOOR, door).envs(more.iter().cloned());
    let visit = move || visitor.output().expect("a visitor");
    let visited = tokio::task::spawn_blocking(visit).await.expect("visited");
    let told = String::from_utf8_lossy(&visited.stdout);
    assert!(visited.status.success() && told.contains("1 passed"), "{told}");
}

#[tokio::test]
async fn another_user_is_not_let_in() {
    visit(&House::open().await, [Code::PermissionDenied; 4]).await;
}

/// Lets everybody start runs, and nothing else.
pub(crate) struct Starts;

#[tonic::async_trait]
impl Authority for Starts {
    async fn allows(
        &self,
        caller: &Caller,
        right: Right,
        about: &[(&str, &str)],
        _interactive: bool,
    ) -> Result<(), Denied> {
        match right {
            Right::Run if about == [("definition", "quick")] => Ok(()),
            _ => Err(Denied::Refused { caller: caller.name(), right }),
        }
    }
}

#[tokio::test]
async fn another_user_may_do_what_the_authority_says() {
    let house = House::guarded(warden().asking(Arc::new(Starts))).await;
    visit(&house, [Code::Ok, Code::Ok, Code::PermissionDenied, Code::PermissionDenied]).await;
}
