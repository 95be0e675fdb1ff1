//! Connections that do not look whom they talk to.

use syn::{Expr, ExprMethodCall, Lit};

use super::Risk;
use crate::review::Severity;

/// `.danger_accept_invalid_certs(true)` and its like in the TLS libraries in use.
pub(super) fn method(call: &ExprMethodCall) -> Option<Risk> {
    let name = call.method.to_string();
    let argument = call.args.first();
    let open = match name.as_str() {
        "danger_accept_invalid_certs" | "danger_accept_invalid_hostnames" | "disable_verification" => {
            !argument.is_some_and(is_false)
        }
        "set_verify" => argument.is_some_and(is_none),
        "with_custom_certificate_verifier" => true,
        _ => false,
    };
    let severity = if name == "with_custom_certificate_verifier" { Severity::Medium } else { Severity::High };
    open.then_some(Risk {
        severity,
        rule: "unchecked_certificate",
        message: "the certificate of the other side is not checked in the usual way",
        evidence: name,
        suggestion: "trust the certificate of the one server that needs it, by name",
    })
}

fn is_false(expression: &Expr) -> bool {
    matches!(expression, Expr::Lit(literal) if matches!(&literal.lit, Lit::Bool(value) if !value.value))
}

/// `SslVerifyMode::NONE`.
fn is_none(expression: &Expr) -> bool {
    matches!(expression, Expr::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "NONE"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{finds, finds_nothing};

    #[test]
    fn an_unchecked_certificate_is_found() {
        finds("unchecked_certificate", "Client::builder().danger_accept_invalid_certs(true).build();");
        finds("unchecked_certificate", "builder.danger_accept_invalid_hostnames(flag);");
        finds("unchecked_certificate", "builder.set_verify(SslVerifyMode::NONE);");
        finds("unchecked_certificate", "config.dangerous().with_custom_certificate_verifier(v);");
    }

    #[test]
    fn a_checked_certificate_is_left_alone() {
        finds_nothing("builder.danger_accept_invalid_certs(false); builder.set_verify(SslVerifyMode::PEER);");
    }
}
