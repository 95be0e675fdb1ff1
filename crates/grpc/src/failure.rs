//! Errors as `google.rpc.Status`: a code, one sentence, and details that programs can read.
//!
//! `ErrorInfo` carries a stable reason in the domain `opdbus.org` and, under `hint`, what to do next; `RetryInfo` says when asking
//! again makes sense; `BadRequest` names the fields that are wrong.

use std::collections::HashMap;

use op_engine::failure::{Describe, Described, Kind, sentence};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// The domain of every reason.
const DOMAIN: &str = "opdbus.org";

/// Key of the metadata that says what to do next.
const HINT: &str = "hint";

/// The status of an error.
pub(crate) fn status(error: &impl Describe) -> Status {
    let Described { kind, reason, hint } = error.describe();
    let metadata = match hint {
        "" => HashMap::new(),
        hint => HashMap::from([(HINT.to_owned(), hint.to_owned())]),
    };
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, metadata);
    if let Some(again) = error.again() {
        details.set_retry_info(Some(again));
    }
    Status::with_error_details(code(kind), sentence(error), details)
}

/// A field of a request that cannot be taken.
pub(crate) fn bad_field(field: &str, why: impl Into<String>) -> Status {
    let why = why.into();
    let mut details = ErrorDetails::with_bad_request_violation(field, why.clone());
    details.set_error_info("BAD_FIELD", DOMAIN, HashMap::new());
    Status::with_error_details(Code::InvalidArgument, format!("{field}: {why}"), details)
}

fn code(kind: Kind) -> Code {
    match kind {
        Kind::Invalid => Code::InvalidArgument,
        Kind::Unknown => Code::NotFound,
        Kind::Unmet => Code::FailedPrecondition,
        Kind::Exists => Code::AlreadyExists,
        Kind::Exhausted => Code::ResourceExhausted,
        Kind::Aborted => Code::Aborted,
        Kind::Unavailable => Code::Unavailable,
        Kind::Denied => Code::PermissionDenied,
        Kind::Unproven => Code::Unauthenticated,
        Kind::Lost => Code::DataLoss,
    }
}
