-- Every version of every fact. The current one of a fact has no end.
CREATE TABLE versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The id of the fact: that of its first version.
    fact INTEGER NOT NULL,
    text TEXT NOT NULL,
    -- Of the words of the text in their order.
    digest INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    -- Of text and metadata, as the program counts them: `length` ends at the first NUL.
    bytes INTEGER NOT NULL,
    user_id TEXT,
    agent_id TEXT,
    run_id TEXT,
    -- Milliseconds since 1970: of the fact, of this version, and of its end.
    made INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    -- How it ended: updated, superseded or deleted; and by which fact it was superseded.
    ended TEXT,
    superseded_by INTEGER,
    call TEXT NOT NULL,
    session TEXT NOT NULL
);
CREATE UNIQUE INDEX versions_current ON versions (fact) WHERE until IS NULL;
CREATE INDEX versions_fact ON versions (fact, id);
CREATE INDEX versions_digest ON versions (digest) WHERE until IS NULL;
CREATE INDEX versions_successor ON versions (superseded_by) WHERE superseded_by IS NOT NULL;
CREATE INDEX versions_user ON versions (user_id, fact);
CREATE INDEX versions_agent ON versions (agent_id, fact);
CREATE INDEX versions_run ON versions (run_id, fact);
-- The ids of users, agents and runs as marks of the lexicon.
CREATE TABLE marks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (kind, name)
);
CREATE TABLE totals (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    versions INTEGER NOT NULL,
    bytes INTEGER NOT NULL
);
INSERT INTO totals VALUES (1, 0, 0);
CREATE TRIGGER versions_in AFTER INSERT ON versions BEGIN
    UPDATE totals SET versions = versions + 1, bytes = bytes + new.bytes;
END;
CREATE TRIGGER versions_out AFTER DELETE ON versions BEGIN
    UPDATE totals SET versions = versions - 1, bytes = bytes - old.bytes;
END;
