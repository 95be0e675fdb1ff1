//! The words of a text that say what it is about.

/// Words that stand in any text, in English and German.
const STOP: [&str; 96] = [
    "a", "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by",
    "can", "do", "does", "for", "from", "had", "has", "have", "he", "her", "his", "how", "i", "if", "in",
    "into", "is", "it", "its", "just", "may", "more", "most", "no", "not", "of", "on", "one", "only", "or",
    "other", "our", "out", "she", "so", "some", "such", "than", "that", "the", "their", "them", "then",
    "there", "these", "they", "this", "those", "to", "was", "we", "were", "what", "when", "which", "while",
    "who", "will", "with", "would", "you", "your", "der", "die", "das", "und", "ist", "ein", "eine", "den",
    "dem", "des", "im", "mit", "zu", "von", "für", "auf", "nicht", "sich", "es",
];

/// Shortest word that loses an ending; what is left of a shorter one would be anything.
const SHORTEST: usize = 5;

/// The words of a text in small letters, in order, without those that stand in any text and without endings that only bend
/// a word. Words of one letter are left out.
pub(crate) fn terms(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '\'' && letter != '’');
    let words = words.map(|word| word.trim_matches(['\'', '’']).to_lowercase());
    let words = words.filter(|word| word.chars().count() > 1 && !STOP.contains(&word.as_str()));
    words.map(|word| stem(&word).to_owned()).collect()
}

/// A word without its plural, possessive or verbal ending: the first steps of
/// [Porter's algorithm](https://tartarus.org/martin/PorterStemmer/), without those that need its measure.
fn stem(word: &str) -> &str {
    let word = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word);
    if word.chars().count() < SHORTEST || word.ends_with("ss") {
        return word;
    }
    let endings = ["ing", "ed", "es", "s", "e"];
    let bare = endings.iter().find_map(|ending| word.strip_suffix(ending)).unwrap_or(word);
    if bare.chars().count() < 3 { word } else { bare }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_differ_only_in_their_ending_are_the_same() {
        assert_eq!(
            terms("The bakers' ovens baked; an oven is baking."),
            ["baker", "oven", "bak", "oven", "bak"]
        );
        assert_eq!(terms("classes, class; dogs’ dog’s glass"), ["class", "class", "dogs", "dog", "glass"]);
    }

    #[test]
    fn what_stands_in_any_text_says_nothing() {
        assert_eq!(terms("It is what it is, und das ist es."), Vec::<String>::new());
    }
}
