-- What calls of steps returned, for steps with the same call to take; the newest so many bytes.
CREATE TABLE results (
    id       INTEGER PRIMARY KEY,                     -- in the order they were kept
    key      TEXT NOT NULL UNIQUE,                    -- names the call
    run      TEXT NOT NULL,                           -- whose call it was
    at       INTEGER NOT NULL,                        -- milliseconds since 1970, when that run knew of it
    until    INTEGER NOT NULL,                        -- milliseconds since 1970, from when on it stands for nothing
    begins   INTEGER NOT NULL,                        -- bytes that were kept before it, so that nothing has to be summed up
    size     INTEGER NOT NULL,                        -- bytes
    evidence TEXT NOT NULL,                           -- JSON
    value    TEXT NOT NULL                            -- JSON
) STRICT;

CREATE INDEX results_by_end ON results (until);
CREATE INDEX results_by_begin ON results (begins);
