//! Tells systemd that the daemon lives, as long as it does: the task that tells it looks at every conductor first, so a run that
//! hangs, or a journal that takes nothing and says nothing, ends in a restart and not in a daemon that only seems to be there.

use std::time::Duration;

use op_engine::Engine;

use crate::systemd;

/// Feeds the watchdog of systemd, if there is one.
pub(crate) async fn feed(engine: Engine) {
    let Some(limit) = systemd::watchdog() else { return };
    let mut turns = tokio::time::interval(limit / 2);
    loop {
        turns.tick().await;
        if lives(&engine, limit / 2) {
            systemd::alive();
        }
    }
}

/// Whether no conductor has been dealing with one thing for longer than this.
fn lives(engine: &Engine, longest: Duration) -> bool {
    match engine.stalled(longest) {
        None => true,
        Some(run) => {
            tracing::error!(%run, ?longest, "the conductor of a run hangs, and systemd is not told that the daemon lives");
            false
        }
    }
}
