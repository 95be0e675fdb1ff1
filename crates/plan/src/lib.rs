//! TOML in, valid [`Plan`] out.
//!
//! Five notations are only ways of writing a plan; each is a *shape* that is lowered to the one form in [`plan`].
//! A value of type [`Plan`] is valid: its ids are unique, its dependencies exist and have no cycle, and every
//! reference in it can be resolved. This room touches no socket, clock, file or thread.
//!
//! - [`plan`]: the one form: phases, steps, calls, undo, retry, limits
//! - [`expression`]: CEL expressions and what they refer to
//! - [`mapping`]: values with references in them, as steps take them for input
//! - [`catalogue`]: which agents, operations and roles a plan can name
//! - [`input`]: what a run must be given, and the check of what it was given

pub mod catalogue;
pub mod expression;
pub mod input;
pub mod mapping;
pub mod plan;

pub use catalogue::{Catalogue, Effects, Operation, Performer};
pub use expression::{Expression, Reference, Scope};
pub use input::{Input, InputType};
pub use mapping::Mapping;
pub use plan::{Draft, Phase, Plan, Retry, Rollback, Shape, Step};
