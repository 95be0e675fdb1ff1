//! What the tests share.

use std::time::Duration;

pub mod binary;
pub mod client;
pub mod control;
pub mod daemon;
pub mod fixture;
pub mod place;
pub mod process;
pub mod python;
pub mod scripted;

pub use client::Client;
pub use daemon::Daemon;
pub use place::{Ended, Place};
pub use python::Python;
pub use scripted::Scripted;

/// Nothing in these tests takes this long unless it is broken.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// How often to look for something that does not tell when it comes.
const LOOK: Duration = Duration::from_millis(10);

/// Looks again and again until there is something.
///
/// # Panics
/// When it does not come.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        let mut looks = tokio::time::interval(LOOK);
        loop {
            looks.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("it never came: {what}"))
}
