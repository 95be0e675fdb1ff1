-- Sessions that have entries of their own. Scope 0 is the shared one and stands in no row.
CREATE TABLE scopes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT NOT NULL UNIQUE
);
-- What is remembered. Times are milliseconds since 1970; an entry that is replaced gets a new id, one that comes back has its old one.
CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    scope INTEGER NOT NULL,
    key TEXT NOT NULL,
    tags TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    made INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    expires INTEGER,
    call TEXT NOT NULL,
    session TEXT NOT NULL,
    accesses INTEGER NOT NULL,
    -- Last, so that what stands before it is read without it.
    value TEXT NOT NULL,
    UNIQUE (scope, key)
);
CREATE INDEX entries_expires ON entries (expires) WHERE expires IS NOT NULL;
CREATE TABLE tagged (
    tag TEXT NOT NULL,
    scope INTEGER NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (tag, scope, key)
) WITHOUT ROWID;
-- What was forgotten or replaced, by the call that did it, so that it can be undone for a while.
CREATE TABLE past (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    receipt TEXT NOT NULL,
    -- The id of the entry, under which it comes back.
    entry INTEGER NOT NULL,
    at INTEGER NOT NULL,
    scope INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    tags TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    made INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    expires INTEGER,
    call TEXT NOT NULL,
    session TEXT NOT NULL,
    accesses INTEGER NOT NULL
);
CREATE INDEX past_receipts ON past (receipt, scope, key);
CREATE TABLE totals (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    entries INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    past INTEGER NOT NULL
);
INSERT INTO totals VALUES (1, 0, 0, 0);
CREATE TRIGGER entries_in AFTER INSERT ON entries BEGIN
    UPDATE totals SET entries = entries + 1, bytes = bytes + new.bytes;
END;
CREATE TRIGGER entries_out AFTER DELETE ON entries BEGIN
    UPDATE totals SET entries = entries - 1, bytes = bytes - old.bytes;
END;
CREATE TRIGGER past_in AFTER INSERT ON past BEGIN
    UPDATE totals SET past = past + new.bytes;
END;
CREATE TRIGGER past_out AFTER DELETE ON past BEGIN
    UPDATE totals SET past = past - old.bytes;
END;
