//! The kit for agents: an agent is a name, a few operations, and the line that serves them.
//!
//! ```
//! use op_agent::{Agent, Call, Failure, Operation};
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Greet {
//!     /// Whom to greet.
//!     name: String,
//! }
//!
//! let agent = Agent::new("greeter", "1.0.0").describe_as("Greets people.").operation(
//!     Operation::read("greet", "Greets somebody.").idempotent().streaming(),
//!     async |call: Call, args: Greet| {
//!         call.stdout("thinking\n").await;
//!         Ok::<_, Failure>(format!("hello {}", args.name))
//!     },
//! );
//! assert_eq!(agent.description().operations[0].name, "greet");
//! ```
//!
//! It speaks the protocol `opdbus.agent.v1` (`Describe`, `Execute`, `Session`), health and reflection. It never knows
//! the daemon, and it never claims an outcome that the operation did not return.
//!
//! One operation, from frame to outcome:
//!
//! ```text
//!   session ──take──▶ floor ──claim──▶ ledger        kept? answered again.  in flight? waits for the other.
//!   execute ──┘         │ a task of its own, once it waits
//!                       ▼
//!                    conduct ──▶ handler(Call, args) ──▶ settle in the ledger ──▶ outcome
//!                                   │ output, progress
//!                                   ▼
//!                    flight: sequence, credit, stop ──▶ the session's one queue of frames
//! ```
//!
//! - [`agent`], [`operation`], [`failure`], [`call`]: what an author writes and gets
//! - [`listener`], [`inherited`], [`serve`]: where it listens, and the way from first connection to drained; `notify` tells systemd
//! - `handler`: typed functions behind one untyped face; refuses wrong arguments
//! - `session`, `execute`: the two ways in; `service` puts them on gRPC, `links` owns the connections
//! - `floor`: what all sessions share; `conduct`: the life of one operation
//! - `flight`, `credit`: the events of one operation, in order and under flow control
//! - `conform` (a feature): holds any agent against the protocol, as a hub
//! - `ledger`: outcomes kept by operation id until they are acknowledged

pub mod agent;
pub mod call;
mod conduct;
#[cfg(feature = "conform")]
pub mod conform;
mod credit;
mod execute;
pub mod failure;
mod flight;
mod floor;
mod handler;
pub mod inherited;
mod ledger;
mod links;
pub mod listener;
mod notify;
pub mod operation;
pub mod serve;
mod service;
mod session;

pub use agent::Agent;
pub use call::Call;
pub use failure::{Failure, Kind};
pub use inherited::{InheritError, Inherited};
pub use listener::{BindError, Listener};
pub use op_proto::agent::v1::Risk;
pub use operation::Operation;
pub use serve::ServeError;
