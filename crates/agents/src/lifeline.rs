//! The thread on which an agent's life hangs: its standard input, held open by whoever started it.
//!
//! The kernel closes the other end however the holder dies, also by `kill -9`. Then every program that runs for a call is
//! killed, the agent is told to drain, and a while later it is ended whether it has drained or not. The thread is one
//! of the operating system's own, so that it works when the runtime is stuck.

use std::io::{self, ErrorKind, Read};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::process;

/// How long an agent has to drain once its lifeline is cut. Its programs are dead by then, so there is little to do.
pub const GRACE: Duration = Duration::from_secs(5);

/// The exit code of an agent that did not drain in time.
pub const CUT: i32 = 70;

/// Watches the standard input of this process from now on; the future ends when it is closed.
///
/// To be called once, by an agent that was started with a lifeline: for any other, a closed standard input would be
/// its end.
pub fn watch() -> impl Future<Output = ()> + Send {
    let (cut, told) = oneshot::channel();
    thread::Builder::new()
        .name("lifeline".to_owned())
        .spawn(move || hang_on(cut))
        .expect("a process that starts can start a thread");
    async move {
        // The thread ends only together with the process.
        let _ = told.await;
    }
}

fn hang_on(cut: oneshot::Sender<()>) {
    wait_for_end(io::stdin().lock());
    process::kill_all();
    let _ = cut.send(());
    thread::sleep(GRACE);
    tracing::error!(grace = ?GRACE, "the agent did not drain after its lifeline was cut");
    std::process::exit(CUT);
}

/// Reads and forgets until there is nothing more to come. An input that cannot be read holds nobody.
fn wait_for_end(mut input: impl Read) {
    let mut buffer = [0; 64];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
