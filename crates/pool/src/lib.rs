//! The pool: the ports [`Perform`](op_engine::ports::Perform) and [`Agents`](op_engine::ports::Agents) on gRPC.
//!
//! It holds no run and decides nothing about one: it keeps agents connected, carries calls to them, and tells how each
//! call ended. It never claims an outcome that an agent did not report, and it repeats a call only while the call has
//! not left the hub.
//!
//! One agent, one keeper, one link:
//!
//! ```text
//!  perform ─▶ gate ─▶ breaker ─▶ wire (session | unary) ═══ one stream ═══▶ agent
//!                │ waits for Ready     ▲                        │
//!                ▼                     │ opens, hangs up        │ health, pong, end
//!              wanted ─────────▶ keeper ◀───────────────────────┘
//!                                  │  step(input) -> commands
//!                                  ▼
//!                                 link   (pure)           supervise ─▶ child | unit
//! ```
//!
//! States of a link:
//!
//! ```text
//!  idle ──wanted──▶ connecting ──welcome──▶ ready ◀──health──▶ unhealthy
//!   ▲                  ▲   │                  │ stream broken       │
//!   │            again │   └─▶ backing off ◀──┴─────────────────────┘
//!   │                  └────────┘   │
//!   └── nobody wants it ────────────┘      ready ──draining──▶ draining ──▶ backing off | idle
//! ```
//!
//! - [`pool`], [`settings`]: what is built, and from what; `roster`: the agents by name; [`renew`]: other agents than before
//! - `link`, [`backoff`], `breaker`: the rules; pure, time and chance come in with the input
//! - `keeper`: the one task of an agent; does what the link commands
//! - `connect`, `described`, `wire`, `session`, `unary`, `flight`, `health`: the way to a connected agent
//! - `perform`, `gate`, `answer`: a call, from admission to its one answer
//! - `agent`, `served`, `status`: what is known of an agent and told to people
//! - `supervise`: agents as child processes that never outlive the hub, or as units of systemd

mod agent;
mod answer;
pub mod backoff;
mod breaker;
mod connect;
mod described;
mod fault;
mod flight;
mod gate;
mod health;
mod keeper;
mod link;
mod perform;
pub mod pool;
pub mod renew;
mod roster;
mod served;
mod session;
pub mod settings;
mod status;
mod supervise;
mod unary;
mod wire;

pub use backoff::Backoff;
pub use described::known;
pub use pool::{BuildError, Pool};
pub use renew::Renewed;
pub use settings::{AgentSettings, BreakerSettings, ChildLaunch, Launch, PoolSettings, UnitLaunch};
pub use supervise::orphans::{adopt, reap};
