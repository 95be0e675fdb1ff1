//! Programs that an agent runs for a call, and that never outlive it.
//!
//! A program is the leader of a process group of its own. Its output is read as it comes, to the end, and kept up to a limit.
//! It is stopped by its time limit, by the cancellation of its call, or by dropping what runs it: the
//! whole group is killed first and its pipes are drained after.
//!
//! ```text
//!            time limit, cancelled          half the grace          exit
//!   Working ----------------------> Asked ----------------> Killed ------> Ended
//!      |            SIGTERM           |        SIGKILL                       ^
//!      +------------------------------+------------------ exit --------------+   rest of the group: SIGKILL
//! ```

mod group;
mod pipe;
mod program;
mod running;

pub use group::kill_all;
pub(crate) use pipe::Kept;
pub(crate) use program::Program;
pub(crate) use running::{Channel, Ended};

use op_agent::{Call, Failure};

/// Runs a program to its end and keeps what it says to itself: what is read by the operation and not by people.
pub(crate) async fn read(program: Program<'_>, call: &Call) -> Result<Ended, Failure> {
    let mut running = program.start(call)?;
    while running.next().await.is_some() {}
    running.end().await
}

/// Runs a program to its end and passes on what it says as it says it.
pub(crate) async fn run(program: Program<'_>, call: &Call) -> Result<Ended, Failure> {
    let mut running = program.start(call)?;
    while let Some((channel, bytes)) = running.next().await {
        running.tell(channel, &bytes).await;
    }
    running.end().await
}
