//! The style of a site: text that is easy to read on any screen, by day and by night.

/// The text of `style.css`.
pub(super) const STYLE: &str = "\
:root { color-scheme: light dark; }
body { font-family: system-ui, sans-serif; line-height: 1.6; max-width: 42rem; margin: 0 auto; padding: 1rem; }
header { border-bottom: 1px solid; }
nav ul { display: flex; flex-wrap: wrap; gap: 1rem; list-style: none; padding: 0; }
nav a[aria-current] { font-weight: bold; text-decoration: none; }
img { max-width: 100%; height: auto; }
";
