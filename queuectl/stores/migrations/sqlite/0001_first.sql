-- A job. Its row is its place for life and never given to another (AUTOINCREMENT): files, leases
-- and the environment of its processes name it. Without a name its id is 'j' and the row.
-- (Conditions are chains of OR, since SQLite builds a table for each evaluation of an IN: enqueueing
-- a batch takes 1.7 times as long with them.)
CREATE TABLE jobs (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL CHECK (
        state = 'P' OR state = 'R' OR state = 'C' OR state = 'F'
        OR state = 'D' OR state = 'S' OR state = 'B' OR state = 'X'
    ),
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    run_at INTEGER NOT NULL,                      -- when it is or became due, and so ready
    relative INTEGER NOT NULL DEFAULT 0,          -- run_at came from a delay or a backoff
    created_at INTEGER NOT NULL,
    lease INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    retries INTEGER NOT NULL DEFAULT 0,
    max_retries INTEGER NOT NULL,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    changes INTEGER NOT NULL DEFAULT 0,           -- changes of state so far, those of runs included
    started_at INTEGER,
    finished_at INTEGER,
    exit_code INTEGER,
    signal INTEGER,
    error TEXT,
    worker TEXT,
    host TEXT,
    timeout REAL,
    name TEXT,
    command TEXT,
    args TEXT,                                    -- JSON, as are env, tags and backoff
    env TEXT,
    cwd TEXT,
    tags TEXT,
    backoff TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX jobs_by_name ON jobs (name) WHERE name IS NOT NULL;
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_to_claim ON jobs (queue, priority DESC, row) WHERE state = 'P';
CREATE INDEX jobs_by_due ON jobs (state, run_at) WHERE state = 'P' OR state = 'S' OR state = 'F';
CREATE INDEX jobs_by_end ON jobs (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE supervisors (
    id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    home TEXT NOT NULL,
    pid INTEGER NOT NULL,
    pid_started INTEGER NOT NULL,
    boot TEXT NOT NULL,
    version TEXT NOT NULL,
    desired TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL,
    ended_at INTEGER,
    note TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX supervisors_by_end ON supervisors (ended_at);

CREATE TABLE workers (
    id TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    supervisor TEXT NOT NULL REFERENCES supervisors (id),
    host TEXT NOT NULL,
    pid INTEGER,
    pid_started INTEGER,
    slots INTEGER NOT NULL,
    queues TEXT NOT NULL,                         -- JSON
    status TEXT NOT NULL,
    desired TEXT NOT NULL,
    processed INTEGER NOT NULL DEFAULT 0,
    busy_seconds REAL NOT NULL DEFAULT 0,
    started_at INTEGER NOT NULL,
    note TEXT,
    UNIQUE (supervisor, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX workers_alive ON workers (supervisor, number)
    WHERE status <> 'stopped' AND status <> 'died';

-- An attempt. It stands for two changes of its job's state as well: the claim, which is number
-- `change` of them, and the end, which is the next.
CREATE TABLE runs (
    job INTEGER NOT NULL REFERENCES jobs (row) ON DELETE CASCADE,
    lease INTEGER NOT NULL,
    number INTEGER NOT NULL,
    change INTEGER NOT NULL,
    worker TEXT NOT NULL REFERENCES workers (id),
    host TEXT NOT NULL,
    ready_at INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    pid INTEGER,
    pid_started INTEGER,
    ended_at INTEGER,
    after TEXT,                                   -- the job's state once it had ended
    ending TEXT,
    seconds REAL,
    exit_code INTEGER,
    signal INTEGER,
    error TEXT,
    output TEXT NOT NULL DEFAULT 'none',
    PRIMARY KEY (job, lease)
) STRICT, WITHOUT ROWID;

CREATE INDEX runs_by_end ON runs (ended_at) WHERE ended_at IS NOT NULL;

-- The changes of a job's state that no run stands for, except its enqueue.
CREATE TABLE changes (
    job INTEGER NOT NULL REFERENCES jobs (row) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    lease INTEGER NOT NULL,
    reason TEXT,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE outputs (
    job INTEGER NOT NULL REFERENCES jobs (row) ON DELETE CASCADE,
    lease INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (job, lease)
) STRICT, WITHOUT ROWID;

-- How many jobs there are, so that nobody has to count them.
CREATE TABLE tallies (
    state TEXT NOT NULL,
    queue TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (state, queue)
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta (key, value) VALUES ('uuid', lower(hex(randomblob(16))));

-- Fixed statistics, so that plans are the same for a store of ten jobs and of ten million. What
-- they have to say is that few states are shared by many jobs: without it SQLite finds the next
-- job to claim by sorting all that are pending.
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('jobs', 'jobs_by_name', '1000000 1'),
    ('jobs', 'jobs_by_state', '1000000 200000'),
    ('jobs', 'jobs_to_claim', '500000 50000 5000 1'),
    ('jobs', 'jobs_by_due', '500000 200000 2'),
    ('jobs', 'jobs_by_end', '1000000 2'),
    ('runs', 'runs', '1000000 2 1'),
    ('runs', 'runs_by_end', '1000000 2');
ANALYZE sqlite_schema;
