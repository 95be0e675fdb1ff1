//! Connections that do not look whom they talk to.

use syn::{Expr, ExprMethodCall, Lit};

use super::Risk;
use crate::review::Severity;

/// `.danger_accept_invalid_certs(true)` and its like in the TLS libraries in use.
pub(super) fn method(call: &ExprMethodCall) -> Option<Risk> {
    let name = call.method.to_string();
    let argument = call.args.first();
    let severity = match name.as_str() {
        "danger_accept_invalid_certs" | "danger_accept_invalid_hostnames" | "disable_verification" => {
            match argument.and_then(flag) {
                Some(false) => return None,
                Some(true) => Severity::High,
                // Somebody can choose it; whether anybody does is not to be seen here.
                None if argument.is_some() => Severity::Medium,
                None => Severity::High,
            }
        }
        "set_verify" if argument.is_some_and(is_none) => Severity::High,
        "with_custom_certificate_verifier" => Severity::Medium,
        _ => return None,
    };
    Some(Risk {
        severity,
        rule: "unchecked_certificate",
        message: "the certificate of the other side is not checked in the usual way",
        evidence: name,
        suggestion: "trust the certificate of the one server that needs it, by name",
    })
}

/// The value of `true` and `false`.
fn flag(expression: &Expr) -> Option<bool> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Bool(value) => Some(value.value),
            _ => None,
        },
        _ => None,
    }
}

/// `SslVerifyMode::NONE`.
fn is_none(expression: &Expr) -> bool {
    matches!(expression, Expr::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "NONE"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{findings, finds, finds_nothing};
    use super::*;

    #[test]
    fn an_unchecked_certificate_is_found() {
        finds("unchecked_certificate", "Client::builder().danger_accept_invalid_certs(true).build();");
        finds("unchecked_certificate", "builder.danger_accept_invalid_hostnames(flag);");
        finds("unchecked_certificate", "builder.set_verify(SslVerifyMode::NONE);");
        finds("unchecked_certificate", "config.dangerous().with_custom_certificate_verifier(v);");
    }

    #[test]
    fn a_check_that_can_be_switched_off_is_better_than_none() {
        let severity = |value: &str| {
            findings("src/a.rs", &format!("fn a() {{ b.danger_accept_invalid_certs({value}); }}"))[0].severity
        };
        assert_eq!((severity("true"), severity("flag")), (Severity::High, Severity::Medium));
    }

    #[test]
    fn a_checked_certificate_is_left_alone() {
        finds_nothing("builder.danger_accept_invalid_certs(false); builder.set_verify(SslVerifyMode::PEER);");
    }
}
