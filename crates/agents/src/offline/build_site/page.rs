//! A page as HTML: valid, and readable without a style, a script or a mouse.

use std::fmt::Write;

use crate::offline::markdown::{self, Kind, Link};
use crate::offline::specification::{Page, Section, Specification, slug, unique};

/// By which this builder knows a page that it wrote.
pub(super) const MARK: &str = "<meta name=\"generator\" content=\"op-dbus offline.build_site\">";

/// Schemes of addresses that a link may have. Any other one, such as `javascript`, is shown as words.
const SCHEMES: [&str; 4] = ["http:", "https:", "mailto:", "tel:"];

/// A page of a site.
pub(super) fn render(site: &Specification, page: &Page) -> String {
    let is_index = page.name == "index";
    let heading = if is_index { &site.title } else { &page.title };
    let title = if is_index { site.title.clone() } else { format!("{} – {}", page.title, site.title) };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n{MARK}\n\
         <title>{}</title>\n<link rel=\"stylesheet\" href=\"style.css\">\n</head>\n<body>\n\
         <header>\n<p>{}</p>\n{}</header>\n<main>\n<h1>{}</h1>\n{}</main>\n</body>\n</html>\n",
        escaped(&title),
        escaped(&site.title),
        navigation(site, page),
        escaped(heading),
        sections(page),
    )
}

fn navigation(site: &Specification, here: &Page) -> String {
    let mut html = String::from("<nav aria-label=\"Pages\">\n<ul>\n");
    for page in &site.pages {
        let current = if page.name == here.name { " aria-current=\"page\"" } else { "" };
        let _ =
            writeln!(html, "<li><a href=\"{}.html\"{current}>{}</a></li>", page.name, escaped(&page.title));
    }
    html + "</ul>\n</nav>\n"
}

fn sections(page: &Page) -> String {
    let mut ids: Vec<String> = Vec::new();
    page.sections.iter().map(|part| section(part, &mut ids)).collect()
}

fn section(section: &Section, ids: &mut Vec<String>) -> String {
    let body = body(&section.text);
    if section.heading.trim().is_empty() {
        return body;
    }
    let id = unique(&anchor(&section.heading), |id| ids.iter().any(|one| one == id));
    let heading = escaped(&section.heading);
    let html =
        format!("<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{heading}</h2>\n{body}</section>\n");
    ids.push(id);
    html
}

/// The anchor of a heading.
fn anchor(heading: &str) -> String {
    let slug = slug(heading);
    if slug.is_empty() { "section".to_owned() } else { slug }
}

/// A text as paragraphs and lists. A heading within it stands below that of its section.
fn body(text: &str) -> String {
    let (mut html, mut in_list) = (String::new(), false);
    for block in markdown::blocks(text) {
        let is_item = matches!(block.kind, Kind::Item(_));
        match (in_list, is_item) {
            (false, true) => html.push_str("<ul>\n"),
            (true, false) => html.push_str("</ul>\n"),
            (true, true) | (false, false) => {}
        }
        in_list = is_item;
        let _ = match block.kind {
            Kind::Heading(_, text) | Kind::Paragraph(text) => writeln!(html, "<p>{}</p>", inline(&text)),
            Kind::Item(text) => writeln!(html, "<li>{}</li>", inline(&text)),
        };
    }
    if in_list {
        html.push_str("</ul>\n");
    }
    html
}

fn inline(text: &str) -> String {
    let shown = |piece: Result<Link<'_>, &str>| match piece {
        Ok(link) if !is_safe(link.target) => escaped(link.text),
        Ok(link) if link.is_image => {
            format!("<img src=\"{}\" alt=\"{}\">", escaped(link.target), escaped(link.text))
        }
        Ok(link) => {
            let words = if link.text.trim().is_empty() { link.target } else { link.text };
            format!("<a href=\"{}\">{}</a>", escaped(link.target), escaped(words))
        }
        Err(text) => escaped(text),
    };
    markdown::pieces(text).into_iter().map(shown).collect()
}

/// Whether an address is relative or of a scheme that does no more than lead somewhere.
fn is_safe(target: &str) -> bool {
    let target = target.trim().to_lowercase();
    let scheme_ends = target.find(['/', '?', '#']).unwrap_or(target.len());
    !target[..scheme_ends].contains(':') || SCHEMES.iter().any(|scheme| target.starts_with(scheme))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let section = Section { heading: "A & B".to_owned(), text: text.to_owned() };
        let page = Page {
            name: "index".to_owned(),
            title: "Home".to_owned(),
            sections: vec![section.clone(), section],
        };
        let site = Specification { title: "T".to_owned(), pages: vec![page.clone()], method: String::new() };
        render(&site, &page)
    }

    #[test]
    fn text_is_never_markup() {
        let html = shown("<script>x</script> \"q\" [a\"b](\"><b>.html) [x](javascript:alert)");
        assert!(
            !html.contains("<script>") && !html.contains("<b>") && !html.contains("javascript"),
            "{html}"
        );
    }

    #[test]
    fn lists_links_and_images_are_what_they_are() {
        let html = shown("- [one](a.html)\n- two\n\n![us](us.png) and https://x");
        assert!(html.contains("<ul>\n<li><a href=\"a.html\">one</a></li>\n<li>two</li>\n</ul>\n<p><img src=\"us.png\" alt=\"us\">"));
    }

    #[test]
    fn sections_of_the_same_heading_have_different_anchors() {
        let html = shown("x");
        assert!(html.contains("id=\"a-b\"") && html.contains("id=\"a-b-2\""), "{html}");
    }

    #[test]
    fn the_page_one_is_on_is_marked_in_the_navigation() {
        assert!(shown("x").contains("<a href=\"index.html\" aria-current=\"page\">Home</a>"));
    }
}
