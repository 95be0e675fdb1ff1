//! Files that everybody may write.

use syn::{Expr, ExprCall, ExprMethodCall};

use super::{Risk, callee, number};
use crate::review::Severity;

/// The bit that lets everybody write.
const WORLD_WRITES: u32 = 0o002;

/// The bit that lets everybody remove only what is their own, as in `/tmp`.
const STICKY: u32 = 0o1000;

/// `Permissions::from_mode(0o777)`.
pub(super) fn call(call: &ExprCall) -> Option<Risk> {
    let names = callee(call);
    if names.last()? != "from_mode" {
        return None;
    }
    judge(call.args.first()?)
}

/// `.mode(0o666)` and `.set_mode(0o777)`.
pub(super) fn method(call: &ExprMethodCall) -> Option<Risk> {
    if !matches!(call.method.to_string().as_str(), "mode" | "set_mode") {
        return None;
    }
    judge(call.args.first()?)
}

fn judge(mode: &Expr) -> Option<Risk> {
    let mode = number(mode)?;
    if mode & WORLD_WRITES == 0 || mode & STICKY != 0 {
        return None;
    }
    Some(Risk {
        severity: Severity::Medium,
        rule: "world_writable",
        message: "a file is made writable for everybody",
        evidence: format!("mode {mode:#o}"),
        suggestion: "grant no more than the owner and group need, such as 0o640",
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{findings, finds, finds_nothing};

    #[test]
    fn a_mode_that_lets_everybody_write_is_found() {
        finds("world_writable", "fs::set_permissions(path, Permissions::from_mode(0o777));");
        finds("world_writable", "OpenOptions::new().mode(0o666).open(path);");
        finds("world_writable", "permissions.set_mode(0o722);");
        assert_eq!(
            findings("src/a.rs", "fn a() { p.set_mode(0o777); }")[0].evidence.as_deref(),
            Some("mode 0o777")
        );
    }

    #[test]
    fn other_modes_are_left_alone() {
        finds_nothing(
            "Permissions::from_mode(0o755); p.set_mode(0o600); q.mode(0o1777); r.mode(other); s.mode();",
        );
    }
}
