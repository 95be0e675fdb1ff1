//! CEL expressions and what they refer to.
