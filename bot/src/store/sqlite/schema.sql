-- Times are milliseconds since 1970 (UTC). What a body says is the program's business; most are JSON, longer ones compressed.

-- The head of every partition: a conversation, the desk's queue, the staff, a customer's address.
-- `processed` is the last input that was worked through, `waiting` how many inputs are not yet.
CREATE TABLE partitions (
    pid       INTEGER PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    revision  INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL DEFAULT 0,
    processed INTEGER NOT NULL DEFAULT 0,
    waiting   INTEGER NOT NULL DEFAULT 0,
    closed    INTEGER NOT NULL DEFAULT 0,
    last_at   INTEGER NOT NULL,
    due       INTEGER
);
CREATE INDEX partitions_due ON partitions (due) WHERE due IS NOT NULL;
CREATE INDEX partitions_waiting ON partitions (pid) WHERE waiting > 0;
CREATE INDEX partitions_over ON partitions (last_at) WHERE closed = 1;

-- Everything that happened, in order. Rows are appended, whatever partition they belong to, so that
-- many conversations share the pages that a commit writes.
CREATE TABLE log (
    pid   INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    kind  TEXT NOT NULL,
    cause INTEGER NOT NULL,
    body  BLOB NOT NULL
);
CREATE UNIQUE INDEX log_by_seq ON log (pid, seq);

-- Documents that are replaced as a whole: the engine's state, a handoff.
CREATE TABLE docs (
    pid  INTEGER NOT NULL,
    name TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE UNIQUE INDEX docs_by_name ON docs (pid, name);

-- What was accepted under which sender's id, and when.
CREATE TABLE seen (
    pid       INTEGER NOT NULL,
    sender_id TEXT NOT NULL,
    hash      BLOB NOT NULL,
    seq       INTEGER NOT NULL,
    at        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (pid, sender_id)
) WITHOUT ROWID;
CREATE INDEX seen_by_time ON seen (at);

-- Why each turn went as it did; `seq` is the input's, `at` the time of the turn's commit.
CREATE TABLE traces (
    pid  INTEGER NOT NULL,
    seq  INTEGER NOT NULL,
    body BLOB NOT NULL,
    at   INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX traces_by_seq ON traces (pid, seq);
CREATE INDEX traces_by_time ON traces (at);

-- What a partition sends to a destination, in order and one at a time: nobody claims the next before `free_at`; null
-- where there is nothing to send.
CREATE TABLE lanes (
    lane        INTEGER PRIMARY KEY,
    pid         INTEGER NOT NULL,
    destination TEXT NOT NULL,
    next        INTEGER NOT NULL DEFAULT 0,
    free_at     INTEGER
);
CREATE UNIQUE INDEX lanes_by_destination ON lanes (pid, destination);
CREATE INDEX lanes_free ON lanes (free_at) WHERE free_at IS NOT NULL;

CREATE TABLE outbox (
    lane     INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    body     BLOB NOT NULL,
    died_at  INTEGER,
    why      TEXT
);
CREATE UNIQUE INDEX outbox_by_number ON outbox (lane, number);
CREATE INDEX outbox_dead ON outbox (died_at) WHERE died_at IS NOT NULL;
