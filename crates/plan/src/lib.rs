//! TOML in, valid [`Plan`] out.
//!
//! Five notations are only ways of writing a plan; each is a *shape* that is lowered to the one form in [`plan`].
//! A value of type [`Plan`] is valid: its ids are unique, its dependencies exist and have no cycle, and every
//! reference in it can be resolved. This room touches no socket, clock, file or thread.
//!
//! - [`plan`]: the one form: phases, steps, calls, undo, retry, limits
//! - [`expression`]: CEL expressions and what they refer to
//! - [`mapping`]: values with references in them, as steps take them for input
//! - [`cast`]: who plays which part of a run
//! - [`catalogue`]: which agents, operations and roles a plan can name
//! - [`skill`]: markdown knowledge that calls are given, and what it demands of them
//! - [`document`]: TOML layers merged key by key, with the place of every value
//! - [`shape`]: the notations, one file each
//! - [`mod@load`]: documents to plans, with all diagnostics at once
//! - [`diagnostic`]: what is wrong, where, and what to do
//! - [`drawing`]: mermaid and boxes
//! - [`input`]: what a run must be given, and the check of what it was given
//! - [`duration`]: durations as people write them
//! - [`mod@write`]: calls to a workstack, as text

pub mod cast;
pub mod catalogue;
mod check;
pub mod diagnostic;
pub mod document;
pub mod drawing;
pub mod duration;
pub mod expression;
pub mod input;
pub mod load;
pub mod mapping;
pub mod plan;
pub mod shape;
pub mod skill;
pub mod write;

pub use cast::{Casting, Player};
pub use catalogue::{Catalogue, Effects, Operation, Performer, Risk, Role};
pub use diagnostic::{Diagnostic, Severity};
pub use expression::{Expression, Reference, Scope};
pub use input::{Input, InputType};
pub use load::{Loaded, Source, load};
pub use mapping::Mapping;
pub use plan::{Draft, Phase, Plan, Retry, Rollback, Shape, Step};
pub use skill::{Skill, Skills};
