//! The tokens of an HTML file: as much of the standard's tokenizer as a review needs.
//!
//! Tags with their attributes and lines, comments left out, and the insides of `script`, `style`, `textarea` and `title` as text, as
//! [the standard](https://html.spec.whatwg.org/multipage/parsing.html#tokenization) says.

/// A token and the line it begins in, counted from 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// `<!DOCTYPE name>`, its name in small letters.
    Doctype(String),
    /// `<name attribute="value">`.
    Start(Tag),
    /// `</name>`.
    End(String),
    /// What stands between tags.
    Text(String),
    /// What was begun and not ended: a comment or a tag.
    Unfinished(&'static str),
}

/// A start tag; names are in small letters, values without quotes and with the common references resolved.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    /// Whether it ends with `/>`.
    pub(super) closes_itself: bool,
}

impl Tag {
    /// The value of an attribute; the first counts, as in browsers.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Elements whose inside is text whatever it looks like.
const RAW: [&str; 4] = ["script", "style", "textarea", "title"];

/// The tokens of a text.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    // Only ASCII letters change, so that places in the small letters are those in the text.
    let small = text.to_ascii_lowercase();
    let mut reader = Reader { text, small: &small, at: 0, counted: 0, line: 1, tokens: Vec::new() };
    while reader.at < text.len() {
        reader.next();
    }
    reader.tokens
}

struct Reader<'t> {
    text: &'t str,
    /// The text in small letters.
    small: &'t str,
    at: usize,
    /// Up to where lines are counted, and how many there were.
    counted: usize,
    line: usize,
    tokens: Vec<Token>,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Adds the token that begins here and ends `length` further.
    fn push(&mut self, kind: Kind, length: usize) {
        self.line += self.text[self.counted..self.at].bytes().filter(|byte| *byte == b'\n').count();
        self.counted = self.at;
        self.tokens.push(Token { line: self.line, kind });
        self.at += length;
    }

    fn next(&mut self) {
        let rest = self.rest();
        if rest.starts_with("<!--") {
            self.comment();
        } else if rest.starts_with("<!") || rest.starts_with("<?") {
            self.declaration();
        } else if follows(rest, "</", |letter| letter.is_ascii_alphabetic()) {
            self.end_tag();
        } else if follows(rest, "<", |letter| letter.is_ascii_alphabetic()) {
            self.start_tag();
        } else {
            // A `<` that begins no tag is text.
            let first = rest.chars().next().map_or(0, char::len_utf8);
            let length = rest[first..].find('<').map_or(rest.len(), |at| at + first);
            self.push(Kind::Text(resolved(&rest[..length])), length);
        }
    }

    fn comment(&mut self) {
        match self.rest()[4..].find("-->") {
            Some(end) => self.at += 4 + end + 3,
            None => self.push(Kind::Unfinished("comment"), self.rest().len()),
        }
    }

    fn declaration(&mut self) {
        let rest = self.rest();
        let Some(end) = rest.find('>') else {
            return self.push(Kind::Unfinished("declaration"), rest.len());
        };
        let said = rest[2..end].to_lowercase();
        match said.strip_prefix("doctype") {
            Some(name) => self.push(Kind::Doctype(name.trim().to_owned()), end + 1),
            None => self.at += end + 1,
        }
    }

    fn end_tag(&mut self) {
        let rest = self.rest();
        let Some(end) = rest.find('>') else { return self.push(Kind::Unfinished("tag"), rest.len()) };
        let name = rest[2..end].split(|letter: char| letter.is_whitespace() || letter == '/').next();
        self.push(Kind::End(name.unwrap_or_default().to_lowercase()), end + 1);
    }

    fn start_tag(&mut self) {
        let rest = self.rest();
        let Some((tag, length)) = tag(rest) else { return self.push(Kind::Unfinished("tag"), rest.len()) };
        let raw = RAW.contains(&tag.name.as_str()) && !tag.closes_itself;
        let end = format!("</{}", tag.name);
        self.push(Kind::Start(tag), length);
        if raw {
            let rest = self.rest();
            let length = self.small[self.at..].find(&end).unwrap_or(rest.len());
            if length > 0 {
                self.push(Kind::Text(resolved(&rest[..length])), length);
            }
        }
    }
}

fn follows(text: &str, mark: &str, is: impl Fn(char) -> bool) -> bool {
    text.strip_prefix(mark).is_some_and(|rest| rest.starts_with(is))
}

/// The start tag at the beginning of a text, and its length; none when it does not end.
fn tag(text: &str) -> Option<(Tag, usize)> {
    let is_end = |letter: char| letter.is_whitespace() || letter == '>' || letter == '/';
    let mut at = 1 + text[1..].find(is_end)?;
    let mut tag = Tag { name: text[1..at].to_lowercase(), ..Tag::default() };
    loop {
        at += text[at..].find(|letter: char| !letter.is_whitespace())?;
        if text[at..].starts_with('>') {
            return Some((tag, at + 1));
        }
        if text[at..].starts_with('/') {
            tag.closes_itself = text[at + 1..].starts_with('>');
            at += 1;
            continue;
        }
        let (name, value, length) = attribute(&text[at..])?;
        tag.attributes.push((name, value));
        at += length;
    }
}

/// The attribute at the beginning of a text: its name, its value, and its length.
fn attribute(text: &str) -> Option<(String, String, usize)> {
    let first = text.chars().next()?.len_utf8();
    let is_end = |letter: char| letter.is_whitespace() || ['=', '>', '/'].contains(&letter);
    let name_ends = first + text[first..].find(is_end)?;
    let name = text[..name_ends].to_lowercase();
    let equals = name_ends + text[name_ends..].find(|letter: char| !letter.is_whitespace())?;
    if !text[equals..].starts_with('=') {
        return Some((name, String::new(), name_ends));
    }
    let begins = equals + 1;
    let begins = begins + text[begins..].find(|letter: char| !letter.is_whitespace())?;
    let quote = text[begins..].chars().next().filter(|letter| ['"', '\''].contains(letter));
    let (value, length) = if let Some(quote) = quote {
        let end = begins + 1 + text[begins + 1..].find(quote)?;
        (&text[begins + 1..end], end + 1)
    } else {
        let end = begins + text[begins..].find(|letter: char| letter.is_whitespace() || letter == '>')?;
        (&text[begins..end], end)
    };
    Some((name, resolved(value), length))
}

/// The references that addresses and names are written with.
const REFERENCES: [(&str, &str); 6] =
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];

fn resolved(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    REFERENCES.iter().fold(text.to_owned(), |text, (reference, letter)| text.replace(reference, letter))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        tokens(text).into_iter().map(|token| token.kind).collect()
    }

    fn start(name: &str, attributes: &[(&str, &str)]) -> Kind {
        let attributes = attributes.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Kind::Start(Tag { name: name.into(), attributes, closes_itself: false })
    }

    #[test]
    fn tags_attributes_and_text_are_told_apart() {
        let text = "<!DOCTYPE HTML><A HREF='x?a&amp;b' hidden id = y data-z=\"1 > 0\">1 < 2 &lt;</A >";
        let expected = [
            Kind::Doctype("html".into()),
            start("a", &[("href", "x?a&b"), ("hidden", ""), ("id", "y"), ("data-z", "1 > 0")]),
            Kind::Text("1 ".into()),
            Kind::Text("< 2 <".into()),
            Kind::End("a".into()),
        ];
        assert_eq!(kinds(text), expected);
    }

    #[test]
    fn tags_that_close_themselves_are_known() {
        let closes = |text| matches!(&kinds(text)[0], Kind::Start(tag) if tag.closes_itself);
        assert!(closes("<br/>") && closes("<img src='x' />"));
        assert!(!closes("<a href=/x>") && !closes("<a / b>"));
    }

    #[test]
    fn comments_and_the_insides_of_scripts_are_no_tags() {
        let text = "<!-- <a> --><script>if (a<b) '</x>'</script><p>";
        let expected = [
            start("script", &[]),
            Kind::Text("if (a<b) '</x>'".into()),
            Kind::End("script".into()),
            start("p", &[]),
        ];
        assert_eq!(kinds(text), expected);
    }

    #[test]
    fn what_is_not_ended_is_said() {
        assert_eq!(kinds("<!-- x"), [Kind::Unfinished("comment")]);
        assert_eq!(kinds("<a href=\"x"), [Kind::Unfinished("tag")]);
        assert_eq!(kinds("</a"), [Kind::Unfinished("tag")]);
        assert_eq!(kinds("<!doctype"), [Kind::Unfinished("declaration")]);
    }

    #[test]
    fn lines_are_counted_from_one() {
        let lines: Vec<usize> = tokens("<a>\n\n<b\nx>é\n<c>").into_iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 1, 3, 4, 5]);
    }

    proptest! {
        #[test]
        fn any_text_has_tokens(text in "[<>/!a-c\"'= \\-é\n&;]{0,40}") {
            let lines: Vec<usize> = tokens(&text).into_iter().map(|token| token.line).collect();
            prop_assert!(lines.is_sorted());
        }
    }
}
