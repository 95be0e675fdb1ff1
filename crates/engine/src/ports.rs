//! The ports: what the engine asks of the world. Each is tiny, says what is true after a call returns, and has a twin in
//! the module `fakes` for tests.

pub mod agents;
pub mod authority;
pub mod clock;
pub mod journal;
pub mod perform;
pub mod results;
pub mod service;

pub use agents::{AgentState, AgentStatus, Agents, Breaker, ConnectError, Lease, OperationStatus};
pub use authority::{Authority, Caller, Denied, Right, Subject};
pub use clock::{Clock, SystemClock};
pub use journal::{
    AppendError, Audited, CallFilter, CallRecord, Entry, EventFilter, Idempotency, Journal, KeptOutput,
    ReadError, Recorded, RunFilter, RunRecord, ScheduleMark,
};
pub use perform::{Channel, Chunk, Deaf, Keep, Perform, Progress, Question, Request, Sink};
pub use results::{KeptResult, Results};
pub use service::{ReloadError, Service, Standing};
