//! The authority on polkit, against one that says what a test says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use op_dbus::{Bus, Polkit};
use op_engine::ports::{Authority as _, Caller, Denied, Right, Subject};
use zbus::{Connection, OwnedVariant, interface};

use crate::support::PrivateBus;

/// Kind of subject, action, details and flags of a question.
type Asked = (String, String, HashMap<String, String>, u32);

/// What polkit says, and what it was asked.
#[derive(Clone, Default)]
struct Said {
    answer: Arc<Mutex<(bool, bool)>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

#[interface(name = "org.freedesktop.PolicyKit1.Authority")]
impl Said {
    #[zbus(out_args("result"))]
    fn check_authorization(
        &self,
        subject: (String, HashMap<String, OwnedVariant>),
        action: String,
        details: HashMap<String, String>,
        flags: u32,
        cancellation: &str,
    ) -> ((bool, bool, HashMap<String, String>),) {
        self.asked.lock().expect("ours").push((subject.0, action, details, flags));
        assert_eq!(cancellation, "");
        let (yes, challenge) = *self.answer.lock().expect("ours");
        ((yes, challenge, HashMap::new()),)
    }
}

impl Said {
    fn say(&self, yes: bool, challenge: bool) {
        *self.answer.lock().expect("ours") = (yes, challenge);
    }

    async fn serve(&self, bus: &PrivateBus) -> Connection {
        let builder = zbus::connection::Builder::address(bus.address().as_str());
        let builder = builder.serve_at("/org/freedesktop/PolicyKit1/Authority", self.clone());
        builder.name("org.freedesktop.PolicyKit1").build().await.expect("the bus is there")
    }
}

fn caller() -> Caller {
    Caller { user: Some(1000), subject: Subject::BusName(":1.7".to_owned()) }
}

#[tokio::test]
async fn polkit_allows_refuses_and_asks_for_a_person() {
    let (bus, said) = (PrivateBus::start().await, Said::default());
    let _served = said.serve(&bus).await;
    let polkit = Polkit::on(Bus::Address(bus.address()));
    said.say(true, false);
    let about = [("definition", "deploy")];
    assert_eq!(polkit.allows(&caller(), Right::ControlOthers, &about, true).await, Ok(()));
    let (kind, action, details, flags) = said.asked.lock().expect("ours").pop().expect("asked");
    assert_eq!((kind.as_str(), flags), ("system-bus-name", 1));
    assert_eq!(action, "org.opdbus.orchestrator1.control-others");
    assert_eq!(details, HashMap::from([("definition".to_owned(), "deploy".to_owned())]));
    said.say(false, false);
    let refused = polkit.allows(&caller(), Right::Run, &[], false).await;
    assert!(matches!(refused, Err(Denied::Refused { right: Right::Run, .. })), "{refused:?}");
    assert_eq!(said.asked.lock().expect("ours").pop().expect("asked").3, 0);
    said.say(false, true);
    let unproven = polkit.allows(&caller(), Right::Run, &[], false).await;
    assert!(matches!(unproven, Err(Denied::Unproven { .. })), "{unproven:?}");
}

#[tokio::test]
async fn a_process_is_named_by_its_descriptor_and_one_without_is_refused() {
    let (bus, said) = (PrivateBus::start().await, Said::default());
    let _served = said.serve(&bus).await;
    let polkit = Polkit::on(Bus::Address(bus.address()));
    said.say(true, false);
    let own = rustix::process::getpid();
    let descriptor =
        rustix::process::pidfd_open(own, rustix::process::PidfdFlags::empty()).expect("a process");
    let pid = u32::try_from(own.as_raw_nonzero().get()).expect("positive");
    let process = |descriptor| Caller { user: Some(1000), subject: Subject::Process { pid, descriptor } };
    let held = process(Some(Arc::new(descriptor)));
    assert_eq!(polkit.allows(&held, Right::Run, &[], false).await, Ok(()));
    assert_eq!(said.asked.lock().expect("ours").pop().expect("asked").0, "unix-process");
    let refused = polkit.allows(&process(None), Right::Run, &[], false).await;
    assert!(matches!(refused, Err(Denied::Silent { .. })), "{refused:?}");
    assert!(said.asked.lock().expect("ours").is_empty());
}

#[tokio::test]
async fn without_polkit_or_without_a_bus_the_answer_is_no_and_both_may_come_back() {
    let (mut bus, said) = (PrivateBus::start().await, Said::default());
    let polkit = Polkit::on(Bus::Address(bus.address()));
    said.say(true, false);
    let absent = polkit.allows(&caller(), Right::Run, &[], false).await;
    assert!(matches!(absent, Err(Denied::Silent { .. })), "{absent:?}");
    let served = said.serve(&bus).await;
    assert_eq!(polkit.allows(&caller(), Right::Run, &[], false).await, Ok(()));
    bus.stop().await;
    served.closed().await;
    let gone = polkit.allows(&caller(), Right::Run, &[], false).await;
    assert!(matches!(gone, Err(Denied::Silent { .. })), "{gone:?}");
    bus.start_again().await;
    let _served = said.serve(&bus).await;
    assert_eq!(polkit.allows(&caller(), Right::Run, &[], false).await, Ok(()));
}
