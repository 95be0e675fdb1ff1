//! Programs for a shell that are put together from values: whoever chooses a value chooses the program.

use syn::{Expr, ExprMethodCall};

use super::{Risk, callee, text};
use crate::review::Severity;

/// Programs that run what they are given as text.
const SHELLS: [&str; 9] = ["ash", "bash", "cmd", "dash", "fish", "powershell", "pwsh", "sh", "zsh"];

/// The option after which the text stands.
const TEXT_FOLLOWS: [&str; 5] = ["-c", "-lc", "-ec", "/C", "-Command"];

/// `Command::new("sh").arg("-c").arg(value)` and `.args(["-c", value])`, where the value is no literal.
pub(super) fn method(call: &ExprMethodCall) -> Option<Risk> {
    let program = match call.method.to_string().as_str() {
        "arg" => call.args.first().filter(|_| ends_with_option(&call.receiver))?,
        "args" => after_option(call.args.first()?)?,
        _ => return None,
    };
    let shell = shell(&call.receiver)?;
    if text(program).is_some() {
        return None;
    }
    let (severity, how) =
        if is_format(program) { (Severity::High, "a formatted text") } else { (Severity::Medium, "a value") };
    Some(Risk {
        severity,
        rule: "shell_command",
        message: "a shell is given a program that is put together while running",
        evidence: format!("{shell} runs {how}"),
        suggestion: "run the program itself with its arguments, without a shell",
    })
}

/// The shell that the command at the root of a chain of calls runs.
fn shell(expression: &Expr) -> Option<String> {
    match expression {
        Expr::MethodCall(call) => shell(&call.receiver),
        Expr::Call(call) => {
            let names = callee(call);
            let is_command = names.ends_with(&["Command".to_owned(), "new".to_owned()]);
            let program = call.args.first().filter(|_| is_command).and_then(text)?;
            let name = program.rsplit(['/', '\\']).next()?.trim_end_matches(".exe").to_owned();
            SHELLS.contains(&name.as_str()).then_some(name)
        }
        _ => None,
    }
}

fn ends_with_option(expression: &Expr) -> bool {
    let Expr::MethodCall(call) = expression else { return false };
    call.method == "arg" && call.args.first().is_some_and(is_option)
}

fn is_option(expression: &Expr) -> bool {
    text(expression).is_some_and(|option| TEXT_FOLLOWS.contains(&option.as_str()))
}

/// The element of an array that follows the option.
fn after_option(expression: &Expr) -> Option<&Expr> {
    match expression {
        Expr::Reference(reference) => after_option(&reference.expr),
        Expr::Array(array) => {
            let option = array.elems.iter().position(is_option)?;
            array.elems.get(option + 1)
        }
        _ => None,
    }
}

fn is_format(expression: &Expr) -> bool {
    match expression {
        Expr::Reference(reference) => is_format(&reference.expr),
        Expr::Macro(mac) => mac.mac.path.is_ident("format"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{findings, finds, finds_nothing};
    use super::*;

    #[test]
    fn a_program_from_values_is_found() {
        finds("shell_command", "Command::new(\"sh\").arg(\"-c\").arg(format!(\"ls {dir}\")).status();");
        finds(
            "shell_command",
            "std::process::Command::new(\"/bin/bash\").arg(\"-c\").arg(&program).spawn();",
        );
        finds("shell_command", "Command::new(\"cmd\").args([\"/C\", &program]).spawn();");
        finds("shell_command", "assert!(Command::new(\"sh\").args(&[\"-c\", program]).spawn().is_ok());");
    }

    #[test]
    fn a_formatted_program_is_worse_than_a_given_one() {
        let severity = |value: &str| {
            findings("src/a.rs", &format!("fn a() {{ Command::new(\"sh\").arg(\"-c\").arg({value}); }}"))[0]
                .severity
        };
        assert_eq!(severity("&format!(\"x {y}\")"), Severity::High);
        assert_eq!(severity("value"), Severity::Medium);
    }

    #[test]
    fn literal_programs_and_programs_without_a_shell_are_left_alone() {
        finds_nothing("Command::new(\"sh\").arg(\"-c\").arg(\"ls\").status();");
        finds_nothing("Command::new(\"ls\").arg(\"-c\").arg(format!(\"{dir}\")).status();");
        finds_nothing("Command::new(\"sh\").arg(script).status();");
        finds_nothing("App::new(\"sh\").arg(\"-c\").arg(value);");
    }
}
