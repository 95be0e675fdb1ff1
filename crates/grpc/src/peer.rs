//! Who is calling: over a Unix socket, the credentials that the kernel vouches for.

use rustix::process::geteuid;
use tonic::transport::server::UdsConnectInfo;
use tonic::{Request, Status};

/// Refuses callers over a Unix socket that are neither root, nor the user of the daemon, nor allowed by it.
#[derive(Debug, Clone)]
pub struct PeerCheck {
    own: u32,
    allowed: Vec<u32>,
}

impl PeerCheck {
    /// Lets root, the user of this process and these users in.
    pub fn allowing(allowed: Vec<u32>) -> Self {
        Self { own: geteuid().as_raw(), allowed }
    }

    fn admits(&self, user: u32) -> bool {
        user == 0 || user == self.own || self.allowed.contains(&user)
    }

    /// Passes a request on, or refuses it.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` for a caller that is not let in, `UNAUTHENTICATED` for one the kernel does not vouch for.
    pub fn check<T>(&self, request: Request<T>) -> Result<Request<T>, Status> {
        let Some(unix) = request.extensions().get::<UdsConnectInfo>() else {
            return Ok(request);
        };
        match unix.peer_cred {
            Some(credentials) if self.admits(credentials.uid()) => Ok(request),
            Some(credentials) => {
                let user = credentials.uid();
                Err(Status::permission_denied(format!("user {user} may not talk to this daemon")))
            }
            None => Err(Status::unauthenticated("the kernel does not say who is calling")),
        }
    }
}

/// The caller in words, for the journal: `uid:1000` over a Unix socket, the address over TCP.
pub(crate) fn name<T>(request: &Request<T>) -> String {
    let unix = request.extensions().get::<UdsConnectInfo>();
    match (unix.and_then(|unix| unix.peer_cred), request.remote_addr()) {
        (Some(credentials), _) => format!("uid:{}", credentials.uid()),
        (None, Some(address)) => format!("tcp:{}", address.ip()),
        (None, None) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_the_own_user_and_allowed_users_are_let_in_and_nobody_else() {
        let check = PeerCheck { own: 990, allowed: vec![1000] };
        assert!([0, 990, 1000].into_iter().all(|user| check.admits(user)));
        assert!([1, 989, 1001, u32::MAX].into_iter().all(|user| !check.admits(user)));
    }
}
