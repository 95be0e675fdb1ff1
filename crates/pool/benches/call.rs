//! What a pooled call costs.
fn main() {}
