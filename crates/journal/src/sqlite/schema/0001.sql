-- Rowid tables throughout: WITHOUT ROWID takes three times the space with rows of a kilobyte.

CREATE TABLE plans (
    digest TEXT PRIMARY KEY,
    json   TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
    number         INTEGER PRIMARY KEY,               -- in the order they began
    id             TEXT NOT NULL UNIQUE,
    plan           TEXT NOT NULL,
    digest         TEXT NOT NULL REFERENCES plans (digest),
    state          TEXT NOT NULL,
    over           INTEGER NOT NULL,                  -- 1 when nothing happens any more
    user           TEXT NOT NULL,
    labels         TEXT NOT NULL,                     -- JSON
    started_at     INTEGER NOT NULL,                  -- milliseconds since 1970
    ended_at       INTEGER,
    settled_phases INTEGER NOT NULL,
    total_phases   INTEGER NOT NULL,
    reason         TEXT NOT NULL,
    sequence       INTEGER NOT NULL,                  -- events so far
    key            TEXT UNIQUE,                       -- idempotency key
    request        TEXT                               -- digest of what was asked for with it
) STRICT;

CREATE INDEX runs_by_start ON runs (started_at);
CREATE INDEX runs_by_state ON runs (state, started_at);
CREATE INDEX runs_by_plan ON runs (plan, started_at);
CREATE INDEX runs_by_user ON runs (user);
CREATE INDEX runs_unfinished ON runs (started_at) WHERE over = 0;

CREATE TABLE events (
    id       INTEGER PRIMARY KEY,                     -- in the order of commit
    run      TEXT NOT NULL REFERENCES runs (id),
    sequence INTEGER NOT NULL,                        -- counted from 1 within the run
    at       INTEGER NOT NULL,                        -- milliseconds since 1970
    kind     TEXT NOT NULL,
    phase    TEXT,
    step     TEXT,
    json     TEXT NOT NULL,
    UNIQUE (run, sequence)
) STRICT;

-- One index for both, because it grows at its end: a commit writes one page of it, where an index that begins with the
-- kind would cost one page for each kind. A search by kind alone reads it through, and no event that does not match.
CREATE INDEX events_by_time ON events (at, kind);

CREATE TABLE outputs (
    id      INTEGER PRIMARY KEY,
    run     TEXT NOT NULL REFERENCES runs (id),
    step    TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    pieces  TEXT NOT NULL,                            -- JSON: channel and length of each piece
    data    BLOB NOT NULL,                            -- the pieces, one after the other
    dropped INTEGER NOT NULL,
    UNIQUE (run, step, attempt)
) STRICT;
