//! An issue of a site: what a reviewer names and a builder mends.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// Something that is wrong with a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub(super) struct Issue {
    /// The file, relative to the folder of the site.
    pub(super) file: String,
    /// The line, counted from 1; 0 for the file as a whole.
    pub(super) line: usize,
    /// The rule that it breaks, such as `broken_link`.
    pub(super) rule: String,
    /// What is wrong, for people.
    pub(super) message: String,
    /// What it is about, where there is such a thing: of a link, where it leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
}

impl Issue {
    /// The issues in a list, whoever wrote it: of one that is only a text, the text is the message.
    pub(super) fn list(value: &Value) -> Vec<Self> {
        value.as_array().into_iter().flatten().map(Self::read).collect()
    }

    fn read(value: &Value) -> Self {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let line = value.get("line").and_then(Value::as_u64).and_then(|line| usize::try_from(line).ok());
        let message = value.as_str().map_or_else(|| text("message"), str::to_owned);
        let target = Some(text("target")).filter(|target| !target.is_empty());
        Self { file: text("file"), line: line.unwrap_or(0), rule: text("rule"), message, target }
    }

    /// What it is about; reviewers that do not say it apart put it between backticks.
    pub(super) fn target(&self) -> Option<&str> {
        self.target.as_deref().or_else(|| self.message.split('`').nth(1)).filter(|target| !target.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn issues_are_read_as_far_as_they_are_told() {
        let told = json!(["see `a.html`", { "rule": "broken_link", "line": null, "target": "b.html" }, 5]);
        let read = Issue::list(&told);
        assert_eq!((read.len(), read[0].target(), read[1].target()), (3, Some("a.html"), Some("b.html")));
        assert_eq!(Issue::list(&json!("none")), []);
    }
}
