//! How texts are read: their markdown, their sentences, the words that say what they are about.

pub(crate) mod markdown;
pub(crate) mod sentences;
pub(crate) mod words;
