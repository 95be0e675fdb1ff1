//! The authority on polkit, asked over the system bus. Where it cannot be asked, the answer is no.
//!
//! A caller on the bus is named by its unique name, one on a socket by a descriptor of its process: neither can be taken over by
//! somebody else while polkit decides.

use std::collections::HashMap;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::Duration;

use async_trait::async_trait;
use op_engine::ports::{Authority, Caller, Denied, Right, Subject};
use tokio::sync::Mutex;
use zbus::{Connection, Message};
use zbus_polkit::policykit1::{AuthorityProxy, CheckAuthorizationFlags, Subject as Asked};

use crate::bus::{ANSWER, Bus};

/// What the names of actions begin with.
const ACTION: &str = "org.opdbus.orchestrator1.";

/// How long a person may take to authenticate.
const PERSON: Duration = Duration::from_mins(5);

/// Asks polkit. It connects when it is first asked, and again when its connection was lost.
#[derive(Debug)]
pub struct Polkit {
    bus: Bus,
    connection: Mutex<Option<Connection>>,
}

impl Default for Polkit {
    fn default() -> Self {
        Self::on(Bus::System)
    }
}

impl Polkit {
    /// Polkit on a bus; it lives on the system bus.
    pub fn on(bus: Bus) -> Self {
        Self { bus, connection: Mutex::default() }
    }

    async fn connection(&self) -> Result<Connection, String> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = kept.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(connection.clone());
        }
        let connection = self.bus.connect_patiently().await;
        let connection = connection.map_err(|error| format!("the message bus cannot be reached: {error}"))?;
        *kept = Some(connection.clone());
        Ok(connection)
    }

    /// Whether the subject is authorised: yes, no, or only after a person has authenticated.
    async fn check(
        &self,
        subject: &Asked,
        right: Right,
        about: &[(&str, &str)],
        interactive: bool,
    ) -> Result<(bool, bool), String> {
        let connection = self.connection().await?;
        let (flags, limit) = if interactive {
            (CheckAuthorizationFlags::ALLOW_USER_INTERACTION, PERSON)
        } else {
            (CheckAuthorizationFlags::empty(), ANSWER)
        };
        let action = format!("{ACTION}{}", right.word());
        let details: HashMap<&str, &str> = about.iter().copied().collect();
        let asked = async {
            let polkit = AuthorityProxy::new(&connection).await?;
            polkit.check_authorization(subject, &action, &details, flags, "").await
        };
        match tokio::time::timeout(limit, asked).await {
            Ok(Ok(answer)) => Ok((answer.is_authorized, answer.is_challenge)),
            Ok(Err(error)) => Err(format!("polkit does not say: {error}")),
            Err(_) => Err("polkit does not answer".to_owned()),
        }
    }

    async fn ask(
        &self,
        caller: &Caller,
        right: Right,
        about: &[(&str, &str)],
        interactive: bool,
    ) -> Result<(bool, bool), String> {
        let answer = self.check(&subject(caller)?, right, about, interactive).await;
        match (&answer, older_subject(caller)) {
            // A polkit before version 124 knows no descriptors of processes.
            (Err(_), Some(older)) => {
                let answer = self.check(&older, right, about, interactive).await?;
                // Its id may have gone to another process meanwhile; then the answer is about that one.
                let is_sure = older_subject(caller).is_some();
                is_sure.then_some(answer).ok_or_else(|| "the process of the caller has ended".to_owned())
            }
            _ => answer,
        }
    }
}

#[async_trait]
impl Authority for Polkit {
    async fn allows(
        &self,
        caller: &Caller,
        right: Right,
        about: &[(&str, &str)],
        interactive: bool,
    ) -> Result<(), Denied> {
        let name = caller.name();
        match self.ask(caller, right, about, interactive).await {
            Ok((true, _)) => Ok(()),
            Ok((false, true)) => Err(Denied::Unproven { caller: name, right }),
            Ok((false, false)) => Err(Denied::Refused { caller: name, right }),
            Err(reason) => Err(Denied::Silent { caller: name, right, reason }),
        }
    }
}

/// The caller as polkit knows it.
fn subject(caller: &Caller) -> Result<Asked, String> {
    match (&caller.subject, caller.user) {
        (Subject::BusName(name), _) => {
            // A message from the caller is how a bus name is made a subject.
            let message = Message::method_call("/", "Ask").sender(name.as_str()).build(&());
            let message = message.map_err(|error| format!("`{name}` is no name on the bus: {error}"))?;
            Asked::new_for_message_header(&message.header()).map_err(|error| error.to_string())
        }
        (Subject::Process { descriptor: Some(descriptor), .. }, Some(user)) => {
            Asked::new_for_owner(descriptor, user).map_err(|error| error.to_string())
        }
        (Subject::Process { descriptor: None, pid }, _) => Err(format!(
            "the kernel hands out no descriptor of process {pid}, and its id alone proves nothing"
        )),
        (Subject::Process { .. } | Subject::Unknown(_), _) => Err("nobody vouches for the caller".to_owned()),
    }
}

/// A process by its id and the time of its start, which is sure as long as the descriptor says that the process lives. polkit looks the
/// time up itself: in the sandbox of the daemon, processes of others are not to be seen.
fn older_subject(caller: &Caller) -> Option<Asked> {
    let Subject::Process { pid, descriptor: Some(descriptor) } = &caller.subject else { return None };
    let subject = Asked::new_for_pid(*pid, Some(0), Some(caller.user?)).ok()?;
    lives(descriptor, *pid).then_some(subject)
}

/// Whether the process of a descriptor lives under this id; the kernel writes -1 for one that is gone.
fn lives(descriptor: &OwnedFd, pid: u32) -> bool {
    let told = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", descriptor.as_raw_fd()));
    let line = told.unwrap_or_default();
    let told = line.lines().find_map(|line| line.strip_prefix("Pid:"));
    told.and_then(|told| told.trim().parse().ok()) == Some(pid)
}
