-- What changes a table that has rows is done once, while the file is opened; a gigabyte of outputs takes some seconds, and its
-- space twice until it is done.

-- Outputs by visit: a table does not lose a UNIQUE that it has. What was kept before there were visits is of the first one.
ALTER TABLE outputs RENAME TO outputs_of_first_visits;

CREATE TABLE outputs (
    id      INTEGER PRIMARY KEY,
    run     TEXT NOT NULL REFERENCES runs (id),
    step    TEXT NOT NULL,
    visit   INTEGER NOT NULL,                         -- counted from 1 within the step
    attempt INTEGER NOT NULL,                         -- counted from 1 within the visit
    pieces  TEXT NOT NULL,                            -- JSON: channel and length of each piece
    data    BLOB NOT NULL,                            -- the pieces, one after the other
    dropped INTEGER NOT NULL,
    UNIQUE (run, step, visit, attempt)
) STRICT;

INSERT INTO outputs (id, run, step, visit, attempt, pieces, data, dropped)
SELECT id, run, step, 1, attempt, pieces, data, dropped FROM outputs_of_first_visits ORDER BY id;

DROP TABLE outputs_of_first_visits;

-- A step had one player; now it has those that take over from it too, so each becomes a list of one.
UPDATE events INDEXED BY events_by_time
SET json = json_set(json, '$.cast', json((
    SELECT json_group_array(json_array(json(player.value)) ORDER BY player.key)
    FROM json_each(events.json, '$.cast') AS player
)))
WHERE kind = 'run_started' AND json_type(json, '$.cast[0]') = 'object';

-- Of one user the newest first, as it is for plans and states.
DROP INDEX runs_by_user;
CREATE INDEX runs_by_user ON runs (user, started_at);

-- Labels of runs once more, a row for each: as JSON they would be read of every run to find those with one of them. A label
-- costs at most 3 pages of the first commit of a run, and nothing after it.
CREATE TABLE labels (
    run   INTEGER NOT NULL REFERENCES runs (number),
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    at    INTEGER NOT NULL,                           -- start of the run, so that its index has the newest first
    UNIQUE (run, name)
) STRICT;

CREATE INDEX labels_by_value ON labels (name, value, at, run);

INSERT INTO labels (run, name, value, at)
SELECT number, label.key, label.value, started_at FROM runs, json_each(runs.labels) AS label ORDER BY number;

-- How far the schedules of plans are.
CREATE TABLE marks (
    plan   TEXT PRIMARY KEY,
    last   INTEGER,                                   -- milliseconds since 1970
    paused INTEGER NOT NULL                           -- 1 when a person holds it
) STRICT;
