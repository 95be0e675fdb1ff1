//! The sentences of a text and where each stands.

/// A sentence.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sentence {
    /// Its text, on one line.
    pub(crate) text: String,
    /// The line it begins in, counted from 1.
    pub(crate) line: usize,
}

/// What ends with a full stop and ends no sentence.
const ABBREVIATIONS: [&str; 20] = [
    "mr", "mrs", "ms", "dr", "prof", "vs", "etc", "e.g", "i.e", "fig", "al", "approx", "inc", "ltd", "ca",
    "bzw", "z.b", "d.h", "usw", "nr",
];

/// The sentences of a text. A line that is empty, an item of a list or a heading ends one, too.
pub(crate) fn sentences(text: &str) -> Vec<Sentence> {
    let mut found = Vec::new();
    let mut open = Sentence { text: String::new(), line: 1 };
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        let is_block = starts_block(text);
        if text.is_empty() || is_block {
            close(&mut open, &mut found);
        }
        let is_heading = is_block && text.starts_with('#');
        let text =
            if is_block { text.trim_start_matches(['#', '-', '*', '+', '>', '•', ' ']) } else { text };
        for word in text.split_whitespace() {
            if open.text.is_empty() {
                open.line = line;
            } else {
                open.text.push(' ');
            }
            open.text.push_str(word);
            if ends(word) {
                close(&mut open, &mut found);
            }
        }
        if is_heading {
            close(&mut open, &mut found);
        }
    }
    close(&mut open, &mut found);
    found
}

/// The texts of the sentences alone.
pub(crate) fn texts(text: &str) -> Vec<String> {
    sentences(text).into_iter().map(|sentence| sentence.text).collect()
}

fn close(open: &mut Sentence, found: &mut Vec<Sentence>) {
    let text = std::mem::take(&mut open.text);
    if text.chars().any(char::is_alphanumeric) {
        found.push(Sentence { text, line: open.line });
    }
}

fn starts_block(line: &str) -> bool {
    ["# ", "## ", "### ", "#### ", "- ", "* ", "+ ", "> ", "• "].iter().any(|mark| line.starts_with(mark))
}

/// Whether a sentence ends with this word.
fn ends(word: &str) -> bool {
    let bare = word.trim_end_matches(['"', '\'', ')', ']', '”', '’', '»']);
    let Some(stem) = bare.strip_suffix(['.', '!', '?', '…']) else { return false };
    if !bare.ends_with('.') {
        return true;
    }
    let stem = stem.trim_start_matches(['"', '\'', '(', '[', '“']).to_lowercase();
    let is_initial = stem.chars().count() == 1 && stem.chars().all(char::is_alphabetic);
    // "1." begins an item or names a day in many languages.
    let is_number = !stem.is_empty() && stem.len() <= 2 && stem.chars().all(|letter| letter.is_ascii_digit());
    !(ABBREVIATIONS.contains(&stem.as_str()) || is_initial || is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_told_apart_and_know_their_lines() {
        let text = "One is here. Two is\nover two lines! \n\n# Head\nThree?\n- four\n- five";
        let found: Vec<_> = sentences(text).into_iter().map(|found| (found.line, found.text)).collect();
        let expected = [
            (1, "One is here."),
            (1, "Two is over two lines!"),
            (4, "Head"),
            (5, "Three?"),
            (6, "four"),
            (7, "five"),
        ];
        assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
    }

    #[test]
    fn a_full_stop_within_a_sentence_does_not_end_it() {
        for text in ["See Dr. Who at 3.5 km.", "On 5. May, e.g. at noon.", "J. Doe wrote it."] {
            assert_eq!(texts(text), [text]);
        }
        assert_eq!(texts("He said \"no.\" Then he left."), ["He said \"no.\"", "Then he left."]);
    }

    #[test]
    fn what_says_nothing_is_no_sentence() {
        assert_eq!(texts("---\n\n...\n"), Vec::<String>::new());
    }
}
