-- What the words stand in. `heading` and `body` are words, separated by blanks, as far as they are kept for weighing.
CREATE TABLE lexicon_texts (
    id INTEGER PRIMARY KEY,
    space INTEGER NOT NULL,
    -- Milliseconds since 1970 from which on it is not found any more; never when null.
    until INTEGER,
    -- Words of the whole text, those of the heading counted as often as they weigh.
    length INTEGER NOT NULL,
    -- Whether some words of the text are only in the index.
    cut INTEGER NOT NULL,
    heading TEXT NOT NULL,
    body TEXT NOT NULL,
    -- Of the set of words of the body; null when there are too few of them to tell texts apart.
    digest INTEGER
);
CREATE INDEX lexicon_digests ON lexicon_texts (digest) WHERE digest IS NOT NULL;
CREATE TABLE lexicon_totals (
    space INTEGER PRIMARY KEY,
    texts INTEGER NOT NULL,
    length INTEGER NOT NULL
);
-- The words are split by the program; `ascii` takes every letter beyond ASCII for a part of a word.
CREATE VIRTUAL TABLE lexicon USING fts5 (
    words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);
