//! Who asked an agent for something, and when: what is kept beside what an agent keeps.

use std::time::{SystemTime, UNIX_EPOCH};

use op_agent::Call;
use schemars::JsonSchema;
use serde::Serialize;

/// Who asks, and when.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The key of the call: `run/step/visit/attempt`.
    pub(crate) key: String,
    /// The session of the client; empty when there is none.
    pub(crate) session: String,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
}

impl Caller {
    /// The caller of a call, now.
    pub(crate) fn of(call: &Call) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        Self { key: call.key().to_owned(), session: call.session().to_owned(), now }
    }
}

/// The call that wrote something.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Provenance {
    /// The run that the call was made for.
    pub(crate) run: String,
    /// The step of the run.
    pub(crate) step: String,
    /// The key of the call: `run/step/visit/attempt`.
    pub(crate) call: String,
    /// The session of the client; empty when there was none.
    pub(crate) session: String,
}

impl Provenance {
    /// Reads the parts of a call's key. A step's name may have slashes of its own.
    pub(crate) fn of(call: &str, session: &str) -> Self {
        let (run, rest) = call.split_once('/').unwrap_or((call, ""));
        let step = rest.rsplitn(3, '/').nth(2).unwrap_or(rest);
        Self {
            run: run.to_owned(),
            step: step.to_owned(),
            call: call.to_owned(),
            session: session.to_owned(),
        }
    }
}

/// Milliseconds since 1970 as RFC 3339.
pub(crate) fn time(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_and_the_step_are_read_off_the_key_of_a_call() {
        let parts = |call| {
            let read = Provenance::of(call, "");
            (read.run, read.step)
        };
        assert_eq!(parts("run-1/a/b/2/1"), ("run-1".to_owned(), "a/b".to_owned()));
        assert_eq!(parts("run-1/save[3]/1/1"), ("run-1".to_owned(), "save[3]".to_owned()));
        assert_eq!(parts("odd"), ("odd".to_owned(), String::new()));
    }

    #[test]
    fn times_are_told_in_rfc_3339() {
        assert_eq!(time(1_500), "1970-01-01T00:00:01.5Z");
    }
}
