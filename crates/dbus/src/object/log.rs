//! `org.freedesktop.LogControl1`: what is logged, as `systemctl service-log-level` reads and sets it.
//!
//! <https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.LogControl1.html>

use std::sync::Arc;

use op_engine::ports::Right;
use zbus::message::Header;
use zbus::{Connection, interface};

use crate::fault::Fault;
use crate::house::Lobby;

/// What is logged, on the bus.
pub(crate) struct LogControl {
    lobby: Arc<Lobby>,
    target: &'static str,
}

impl LogControl {
    pub(crate) fn new(lobby: &Arc<Lobby>) -> Self {
        // systemd sets it for a program whose output goes to the journal.
        let is_journal = std::env::var_os("JOURNAL_STREAM").is_some();
        Self { lobby: Arc::clone(lobby), target: if is_journal { "journal" } else { "console" } }
    }
}

#[interface(name = "org.freedesktop.LogControl1")]
#[expect(clippy::unused_self, reason = "what never changes is a property too")]
impl LogControl {
    /// What is logged, in the words of syslog: err, warning, info or debug. To set it needs the right reload.
    #[zbus(property(emits_changed_signal = "false"))]
    fn log_level(&self) -> String {
        match self.lobby.house.service.log_level().as_str() {
            "error" => "err",
            "warn" => "warning",
            "info" => "info",
            _ => "debug",
        }
        .to_owned()
    }

    #[zbus(property)]
    async fn set_log_level(
        &self,
        level: String,
        #[zbus(header)] header: Option<Header<'_>>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(), Fault> {
        let header = header.ok_or_else(|| Fault::denied("nobody asks for it"))?;
        let guest = self.lobby.guests.enter(&header, connection).await?;
        self.lobby.admit(&guest, Right::Reload, &[("level", level.as_str())]).await?;
        let word = match level.as_str() {
            "emerg" | "alert" | "crit" | "err" => "error",
            "warning" => "warn",
            "notice" | "info" => "info",
            other => other,
        };
        self.lobby.house.service.set_log_level(word).map_err(Fault::invalid)
    }

    /// Where it goes: journal or console.
    #[zbus(property(emits_changed_signal = "const"))]
    fn log_target(&self) -> String {
        self.target.to_owned()
    }

    /// What the daemon is called in the log.
    #[zbus(property(emits_changed_signal = "const"))]
    fn syslog_identifier(&self) -> String {
        "op-dbus".to_owned()
    }
}
