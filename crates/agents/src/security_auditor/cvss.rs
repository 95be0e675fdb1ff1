//! The base score of a CVSS vector, version 3.0 and 3.1.
//!
//! [source](https://www.first.org/cvss/v3.1/specification-document), section 7.1.

use crate::review::Severity;

/// The severity of the vulnerability that `vector` describes, or `None` if it is no vector of version 3.
pub(super) fn severity(vector: &str) -> Option<Severity> {
    score(vector).map(|score| match score {
        9.0.. => Severity::Critical,
        7.0.. => Severity::High,
        4.0.. => Severity::Medium,
        _ => Severity::Low,
    })
}

fn score(vector: &str) -> Option<f64> {
    let metrics = vector.strip_prefix("CVSS:3.1/").or_else(|| vector.strip_prefix("CVSS:3.0/"))?;
    let value = |name: &str| metrics.split('/').find_map(|part| part.strip_prefix(name)?.strip_prefix(':'));
    let changed = match value("S")? {
        "C" => true,
        "U" => false,
        _ => return None,
    };
    let loss =
        1.0 - (1.0 - weight(value("C")?)?) * (1.0 - weight(value("I")?)?) * (1.0 - weight(value("A")?)?);
    let impact = if changed { 7.52 * (loss - 0.029) - 3.25 * (loss - 0.02).powi(15) } else { 6.42 * loss };
    if impact <= 0.0 {
        return Some(0.0);
    }
    let ease = 8.22
        * vector_weight(value("AV")?)?
        * complexity(value("AC")?)?
        * privileges(value("PR")?, changed)?
        * interaction(value("UI")?)?;
    let sum = if changed { 1.08 * (impact + ease) } else { impact + ease };
    Some(round_up(sum.min(10.0)))
}

/// Up to the next tenth, without being misled by the last bits of the sum.
fn round_up(value: f64) -> f64 {
    (value * 10.0 - 1e-4).ceil() / 10.0
}

fn weight(value: &str) -> Option<f64> {
    match value {
        "H" => Some(0.56),
        "L" => Some(0.22),
        "N" => Some(0.0),
        _ => None,
    }
}

fn vector_weight(value: &str) -> Option<f64> {
    match value {
        "N" => Some(0.85),
        "A" => Some(0.62),
        "L" => Some(0.55),
        "P" => Some(0.2),
        _ => None,
    }
}

fn complexity(value: &str) -> Option<f64> {
    match value {
        "L" => Some(0.77),
        "H" => Some(0.44),
        _ => None,
    }
}

fn privileges(value: &str, changed: bool) -> Option<f64> {
    match (value, changed) {
        ("N", _) => Some(0.85),
        ("L", false) => Some(0.62),
        ("L", true) => Some(0.68),
        ("H", false) => Some(0.27),
        ("H", true) => Some(0.5),
        _ => None,
    }
}

fn interaction(value: &str) -> Option<f64> {
    match value {
        "N" => Some(0.85),
        "R" => Some(0.62),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors with the scores that the specification's own examples give them.
    #[test]
    fn published_scores_are_met() {
        for (vector, expected) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
            ("CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", 7.5),
            ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
            ("CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ] {
            assert!((score(vector).unwrap() - expected).abs() < 1e-9, "{vector}: {:?}", score(vector));
        }
    }

    #[test]
    fn severities_follow_the_published_bands() {
        assert_eq!(severity("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"), Some(Severity::Critical));
        assert_eq!(severity("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"), Some(Severity::High));
        assert_eq!(severity("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"), Some(Severity::Medium));
        assert_eq!(severity("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N"), Some(Severity::Low));
        assert_eq!(severity("CVSS:4.0/AV:N/AC:L"), None);
        assert_eq!(severity("CVSS:3.1/AV:N"), None);
        assert_eq!(severity("CVSS:3.1/AV:Q/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"), None);
    }
}
