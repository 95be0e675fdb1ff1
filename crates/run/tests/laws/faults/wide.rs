//! Faults against the laws of the wide world.

mod begins;
mod lost;
mod made_up;
mod undo;
mod ways;

use proptest::strategy::{Strategy as _, ValueTree as _};

use super::CHANCES;
use crate::decider::Decider;
use crate::law::Law;
use crate::runner;
use crate::wide::{teller::tell, world::cases};

/// Holds a law of the wide world to notice a fault, and to notice it for what it is.
fn catches(law: Law, complaint: &str, fault: Decider) {
    let mut runner = runner(0, CHANCES);
    let caught = (0..CHANCES).any(|_| {
        let case = cases().new_tree(&mut runner).expect("cases are never rejected").current();
        law(&tell(fault, &case)).is_err_and(|violation| violation.to_string().contains(complaint))
    });
    assert!(caught, "{CHANCES} stories went by and nobody said `{complaint}`");
}
