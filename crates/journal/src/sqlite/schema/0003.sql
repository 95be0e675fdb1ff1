-- Calls that clients made outside of any run; the newest so many.
CREATE TABLE calls (
    id        INTEGER PRIMARY KEY,                    -- in the order they ended
    call      TEXT NOT NULL,
    at        INTEGER NOT NULL,                       -- milliseconds since 1970, when it was asked for
    user      TEXT NOT NULL,
    session   TEXT NOT NULL,                          -- empty for none
    operation TEXT NOT NULL,
    outcome   TEXT NOT NULL,                          -- succeeded, or the kind of its failure
    reason    TEXT NOT NULL,                          -- empty when it succeeded
    duration  INTEGER NOT NULL,                       -- microseconds
    risk      TEXT                                    -- unknown for an operation that nobody knew
) STRICT;
