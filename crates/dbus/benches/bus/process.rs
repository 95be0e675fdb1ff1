//! The processes beside this one.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::{Failed, KIND, SERVE};

/// A bus of its own in a folder, and its address.
pub(crate) async fn bus(home: &Path) -> Result<(tokio::process::Child, String), Failed> {
    let config = home.join("bus.conf");
    let text = format!(
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
         \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
         <busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
         <policy context=\"default\"><allow user=\"*\"/><allow send_destination=\"*\"/><allow receive_sender=\"*\"/><allow own=\"*\"/></policy></busconfig>",
        home.join("bus").display()
    );
    std::fs::write(&config, text)?;
    let mut command = tokio::process::Command::new("dbus-daemon");
    command.arg("--config-file").arg(config).args(["--nofork", "--nosyslog", "--print-address=1"]);
    let mut daemon = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut lines = BufReader::new(daemon.stdout.take().ok_or("no output")?).lines();
    lines.next_line().await?.ok_or("the bus does not start")?;
    Ok((daemon, format!("unix:path={}", home.join("bus").display())))
}

/// This program as a service in a process of its own.
pub(crate) struct Server(Child);

impl Server {
    pub(crate) async fn start(address: &str, kind: &str) -> Result<Self, Failed> {
        let mut command = Command::new(std::env::current_exe()?);
        command.env(SERVE, address).env(KIND, kind).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = Self(command.spawn()?);
        let said = tokio::process::ChildStdout::from_std(server.0.stdout.take().ok_or("no output")?)?;
        BufReader::new(said).lines().next_line().await?.ok_or("the service does not start")?;
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that is gone already is what was wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Serves until whoever started it closes its input.
pub(crate) async fn until_closed() -> Result<(), Failed> {
    println!("ready");
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
