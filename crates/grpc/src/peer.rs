//! Who is calling: over a Unix socket, the credentials that the kernel vouches for.

use op_engine::Warden;
use op_engine::ports::{Caller, Subject};
use tonic::{Request, Status};

use crate::visitor::Vouched;

/// Key of the metadata with which a client allows that a person is asked for a password; any value does.
const INTERACTIVE: &str = "opdbus-interactive";

/// Passes a request on, or refuses it: over a Unix socket comes in whom the warden trusts, and everybody that the socket's mode
/// lets through where an authority decides about the rest.
///
/// # Errors
/// `PERMISSION_DENIED` for a caller that is not let in, `UNAUTHENTICATED` for one the kernel does not vouch for.
pub(crate) fn check(warden: &Warden, request: Request<()>) -> Result<Request<()>, Status> {
    if let Some(Vouched(None)) = request.extensions().get() {
        return Err(Status::unauthenticated("the kernel does not say who is calling"));
    }
    let caller = caller(&request);
    if warden.trusts(&caller) || warden.asks() {
        return Ok(request);
    }
    Err(Status::permission_denied(format!("{} may not talk to this daemon", caller.name())))
}

/// The caller of a request.
pub(crate) fn caller<T>(request: &Request<T>) -> Caller {
    match (request.extensions().get(), request.remote_addr()) {
        (Some(Vouched(Some(caller))), _) => caller.clone(),
        (_, Some(address)) => over_network(format!("tcp:{}", address.ip())),
        (_, None) => over_network("unknown".to_owned()),
    }
}

fn over_network(words: String) -> Caller {
    Caller { user: None, subject: Subject::Unknown(words) }
}

/// Whether the caller allows that a person is asked for a password.
pub(crate) fn is_interactive<T>(request: &Request<T>) -> bool {
    request.metadata().contains_key(INTERACTIVE)
}
