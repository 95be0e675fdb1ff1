//! Calls that leave the compiler's view of memory.

use syn::ExprCall;

use super::{Risk, callee};
use crate::review::Severity;

/// Functions by their last name, with what is asked of whoever calls them.
const CALLS: [(&str, Severity, &str, &str, &str); 7] = [
    (
        "transmute",
        Severity::Medium,
        "transmute",
        "a value is taken for one of another type",
        "use a conversion, a cast or from_bits",
    ),
    (
        "transmute_copy",
        Severity::Medium,
        "transmute",
        "a value is taken for one of another type",
        "use a conversion, a cast or from_bits",
    ),
    (
        "from_raw_parts",
        Severity::Low,
        "from_raw",
        "a slice is made of a pointer and a length",
        "keep the slice it came from",
    ),
    (
        "from_raw_parts_mut",
        Severity::Low,
        "from_raw",
        "a slice is made of a pointer and a length",
        "keep the slice it came from",
    ),
    (
        "from_raw",
        Severity::Low,
        "from_raw",
        "ownership is taken of a raw pointer",
        "pair it with into_raw in the same module",
    ),
    (
        "from_utf8_unchecked",
        Severity::Low,
        "unchecked",
        "bytes are taken for text without a look",
        "use from_utf8",
    ),
    (
        "forget",
        Severity::Low,
        "forget",
        "a value is never dropped",
        "say with ManuallyDrop or into_raw who drops it",
    ),
];

/// Types that take over what a raw pointer points to. Others are made of a number and own nothing.
const OWNERS: [&str; 7] = ["Arc", "Box", "CString", "Rc", "RawWaker", "Waker", "Weak"];

/// Transmutes, raw pointers taken over, values forgotten, memory that was never written.
pub(super) fn call(call: &ExprCall) -> Option<Risk> {
    let names = callee(call);
    let name = names.last()?.as_str();
    let owner = names.len().checked_sub(2).map(|index| names[index].as_str());
    if owner == Some("mem") && matches!(name, "uninitialized" | "zeroed") {
        let suggestion = "use MaybeUninit or a value that exists";
        return Some(risk(
            Severity::Medium,
            "invented_value",
            "a value is made of memory that nobody wrote",
            &names,
            suggestion,
        ));
    }
    let (_, severity, rule, message, suggestion) = CALLS.into_iter().find(|(known, ..)| *known == name)?;
    // A method of any type may be called `forget`; the one that matters is a free function.
    let is_free = owner.is_none_or(|owner| owner == "mem");
    let concerned = if name == "forget" { owner == Some("mem") } else { name != "transmute" || is_free };
    // A single name is a function of the file itself, unless it is one that everybody imports by that name.
    let known = owner.is_some() || name.starts_with("transmute");
    let owned = name != "from_raw" || owner.is_some_and(|owner| OWNERS.contains(&owner));
    (concerned && known && owned).then(|| risk(severity, rule, message, &names, suggestion))
}

fn risk(
    severity: Severity,
    rule: &'static str,
    message: &'static str,
    names: &[String],
    suggestion: &'static str,
) -> Risk {
    Risk { severity, rule, message, evidence: names.join("::"), suggestion }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{finds, finds_nothing};

    #[test]
    fn calls_beyond_the_compiler_are_found() {
        finds("transmute", "let a: u8 = unsafe { std::mem::transmute(b) };");
        finds("transmute", "let a = transmute::<u8, i8>(b);");
        finds("from_raw", "let a = unsafe { Box::from_raw(b) };");
        finds("from_raw", "let a = std::slice::from_raw_parts(b, c);");
        finds("unchecked", "let a = std::str::from_utf8_unchecked(b);");
        finds("forget", "std::mem::forget(a);");
        finds("invented_value", "let a: T = mem::zeroed();");
    }

    #[test]
    fn namesakes_are_left_alone() {
        finds_nothing("memory.forget(a); Session::forget(a); forget(a);");
        finds_nothing("let a = Color::zeroed(); let b = String::from_utf8(c);");
        finds_nothing("let a = from_raw(b); let c = Pid::from_raw(d);");
    }
}
