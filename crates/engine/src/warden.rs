//! Who may do what: one rule for every door.
//!
//! Root, the daemon's own user and the users it was told to trust may do everything. Whoever else is let in may read what is
//! no output of others, and is asked about for the rest. Where nobody can be asked, the answer is no.

use std::sync::Arc;

use crate::ports::{Authority, Caller, Denied, Right};

/// Keeps the rule. Clones share the authority.
#[derive(Clone)]
pub struct Warden {
    own: u32,
    trusted: Vec<u32>,
    authority: Option<Arc<dyn Authority>>,
}

impl Warden {
    /// A warden of a daemon that runs as `own` and trusts these users as it trusts itself.
    pub fn new(own: u32, trusted: Vec<u32>) -> Self {
        Self { own, trusted, authority: None }
    }

    /// Asks this authority about everybody else.
    #[must_use]
    pub fn asking(mut self, authority: Arc<dyn Authority>) -> Self {
        self.authority = Some(authority);
        self
    }

    /// Whether a caller may do everything. Nobody vouches for one over TCP: whoever configured the port let everybody on this
    /// host in.
    pub fn trusts(&self, caller: &Caller) -> bool {
        match caller.user {
            Some(user) => user == 0 || user == self.own || self.trusted.contains(&user),
            None => true,
        }
    }

    /// Whether somebody decides about callers that are not trusted.
    pub fn asks(&self) -> bool {
        self.authority.is_some()
    }

    /// Whether a caller has a right; see [`Authority::allows`].
    ///
    /// # Errors
    /// When it has not, or nobody can be asked.
    pub async fn admit(
        &self,
        caller: &Caller,
        right: Right,
        about: &[(&str, &str)],
        interactive: bool,
    ) -> Result<(), Denied> {
        if self.trusts(caller) {
            return Ok(());
        }
        match &self.authority {
            Some(authority) => authority.allows(caller, right, about, interactive).await,
            None => Err(Denied::Refused { caller: caller.name(), right }),
        }
    }

    /// Whether a caller may steer a run that `owner` started: their own with [`Right::Run`], one of somebody else with
    /// [`Right::ControlOthers`].
    ///
    /// # Errors
    /// As [`Warden::admit`].
    pub async fn admit_control(
        &self,
        caller: &Caller,
        owner: &str,
        about: &[(&str, &str)],
        interactive: bool,
    ) -> Result<(), Denied> {
        let right = if caller.name() == owner { Right::Run } else { Right::ControlOthers };
        self.admit(caller, right, about, interactive).await
    }

    /// Whether a caller may read what runs that `owner` started did and wrote: their own always. `None` are runs of whomever.
    ///
    /// # Errors
    /// As [`Warden::admit`].
    pub async fn admit_reading(
        &self,
        caller: &Caller,
        owner: Option<&str>,
        about: &[(&str, &str)],
        interactive: bool,
    ) -> Result<(), Denied> {
        if owner.is_some_and(|owner| caller.name() == owner) {
            return Ok(());
        }
        self.admit(caller, Right::ReadOutput, about, interactive).await
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::ports::Subject;

    /// Allows one right to everybody.
    struct Only(Right);

    #[async_trait]
    impl Authority for Only {
        async fn allows(
            &self,
            caller: &Caller,
            right: Right,
            _about: &[(&str, &str)],
            _interactive: bool,
        ) -> Result<(), Denied> {
            if right == self.0 { Ok(()) } else { Err(Denied::Refused { caller: caller.name(), right }) }
        }
    }

    fn caller(user: u32) -> Caller {
        Caller { user: Some(user), subject: Subject::BusName(":1.7".to_owned()) }
    }

    #[tokio::test]
    async fn root_the_own_user_and_trusted_users_may_do_everything_and_nobody_else_without_an_authority() {
        let warden = Warden::new(990, vec![1000]);
        for right in Right::ALL {
            for user in [0, 990, 1000] {
                assert_eq!(warden.admit(&caller(user), right, &[], false).await, Ok(()), "{user}");
            }
            for user in [1, 989, 1001, u32::MAX] {
                let denied = Denied::Refused { caller: format!("uid:{user}"), right };
                assert_eq!(warden.admit(&caller(user), right, &[], false).await, Err(denied));
            }
        }
    }

    #[tokio::test]
    async fn runs_of_others_need_another_right_than_ones_own() {
        let warden = Warden::new(990, vec![]).asking(Arc::new(Only(Right::Run)));
        assert_eq!(warden.admit_control(&caller(1001), "uid:1001", &[], false).await, Ok(()));
        assert!(warden.admit_control(&caller(1001), "uid:1002", &[], false).await.is_err());
        assert_eq!(warden.admit_reading(&caller(1001), Some("uid:1001"), &[], false).await, Ok(()));
        for owner in [Some("uid:1002"), None] {
            assert!(warden.admit_reading(&caller(1001), owner, &[], false).await.is_err());
        }
    }
}
