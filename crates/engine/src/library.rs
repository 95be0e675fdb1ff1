//! What can be run: plans, casts for them, and the roles and skills in both.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use op_plan::{Casting, Role, Skills};

use crate::host::Grants;
use crate::names::Plans;

/// Casts by name.
pub type Casts = BTreeMap<String, Casting>;

/// What can be run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Library {
    /// Plans by id.
    pub plans: Plans,
    /// Casts by name.
    pub casts: Casts,
    /// Roles by name, in the order of their declaration.
    pub roles: IndexMap<String, Role>,
    /// Skills.
    pub skills: Arc<Skills>,
    /// What agents may ask the hub for.
    pub grants: Grants,
}

impl From<Plans> for Library {
    fn from(plans: Plans) -> Self {
        Self { plans, ..Self::default() }
    }
}
