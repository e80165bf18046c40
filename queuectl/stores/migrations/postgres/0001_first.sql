-- A job. Its row is its place for life and never given to another: files, leases and the
-- environment of its processes name it. Without a name its id is 'j' and the row.
CREATE SEQUENCE job_rows AS BIGINT;

CREATE TABLE jobs (
    row BIGINT PRIMARY KEY,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('P', 'R', 'C', 'F', 'D', 'S', 'B', 'X')),
    queue TEXT COLLATE "C" NOT NULL,
    priority INTEGER NOT NULL,
    run_at BIGINT NOT NULL,                       -- when it is or became due, and so ready
    relative INTEGER NOT NULL DEFAULT 0,          -- run_at came from a delay or a backoff
    created_at BIGINT NOT NULL,
    lease BIGINT NOT NULL DEFAULT 0,
    attempts BIGINT NOT NULL DEFAULT 0,
    retries BIGINT NOT NULL DEFAULT 0,
    max_retries BIGINT NOT NULL,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    changes BIGINT NOT NULL DEFAULT 0,            -- changes of state so far, those of runs included
    started_at BIGINT,
    finished_at BIGINT,
    exit_code BIGINT,
    signal INTEGER,
    error TEXT,
    worker TEXT COLLATE "C",
    host TEXT,
    timeout DOUBLE PRECISION,
    name TEXT COLLATE "C",
    command TEXT,
    args TEXT,                                    -- JSON, as are env, tags and backoff
    env TEXT,
    cwd TEXT,
    tags TEXT,
    backoff TEXT NOT NULL,
    -- Whether it runs alone in a worker until it has ended: it was one of several in one that died.
    alone INTEGER NOT NULL DEFAULT 0
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

CREATE UNIQUE INDEX jobs_by_name ON jobs (name) WHERE name IS NOT NULL;
CREATE INDEX jobs_by_state ON jobs (state, row);
CREATE INDEX jobs_to_claim ON jobs (queue, priority DESC, row) WHERE state = 'P';
CREATE INDEX jobs_by_due ON jobs (state, run_at) WHERE state IN ('P', 'S', 'F');
CREATE INDEX jobs_by_end ON jobs (finished_at, row) WHERE finished_at IS NOT NULL;

CREATE TABLE supervisors (
    id TEXT COLLATE "C" PRIMARY KEY,
    host TEXT NOT NULL,
    home TEXT NOT NULL,
    pid BIGINT NOT NULL,
    pid_started BIGINT NOT NULL,
    boot TEXT NOT NULL,
    version TEXT NOT NULL,
    desired TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    heartbeat_at BIGINT NOT NULL,
    ended_at BIGINT,
    note TEXT,
    -- Whether others took it for dead and have its jobs: nothing that it says counts any more.
    fenced INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX supervisors_by_end ON supervisors (ended_at);

CREATE TABLE workers (
    id TEXT COLLATE "C" PRIMARY KEY,
    number BIGINT NOT NULL,
    supervisor TEXT COLLATE "C" NOT NULL REFERENCES supervisors (id),
    host TEXT NOT NULL,
    pid BIGINT,
    pid_started BIGINT,
    slots BIGINT NOT NULL,
    queues TEXT NOT NULL,                         -- JSON
    status TEXT NOT NULL,
    desired TEXT NOT NULL,
    processed BIGINT NOT NULL DEFAULT 0,
    busy_seconds DOUBLE PRECISION NOT NULL DEFAULT 0,
    started_at BIGINT NOT NULL,
    note TEXT,
    UNIQUE (supervisor, number)
) WITH (fillfactor = 50);

CREATE INDEX workers_alive ON workers (supervisor, number)
    WHERE status <> 'stopped' AND status <> 'died';

-- An attempt. It stands for two changes of its job's state as well: the claim, which is number
-- `change` of them, and the end, which is the next.
CREATE TABLE runs (
    job BIGINT NOT NULL REFERENCES jobs (row) ON DELETE CASCADE,
    lease BIGINT NOT NULL,
    number BIGINT NOT NULL,
    change BIGINT NOT NULL,
    worker TEXT COLLATE "C" NOT NULL REFERENCES workers (id),
    host TEXT NOT NULL,
    ready_at BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    pid BIGINT,
    pid_started BIGINT,
    ended_at BIGINT,
    after TEXT,                                   -- the job's state once it had ended
    ending TEXT,
    seconds DOUBLE PRECISION,
    exit_code BIGINT,
    signal INTEGER,
    error TEXT,
    output TEXT NOT NULL DEFAULT 'none',
    PRIMARY KEY (job, lease)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX runs_by_worker ON runs (worker);
CREATE INDEX runs_by_end ON runs (ended_at) WHERE ended_at IS NOT NULL;

-- The changes of a job's state that no run stands for, except its enqueue.
CREATE TABLE changes (
    job BIGINT NOT NULL REFERENCES jobs (row) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    lease BIGINT NOT NULL,
    reason TEXT,
    PRIMARY KEY (job, number)
);

CREATE TABLE outputs (
    job BIGINT NOT NULL REFERENCES jobs (row) ON DELETE CASCADE,
    lease BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (job, lease)
);

-- How many jobs there are, so that nobody has to count them. Each turn writes it, so that pages
-- are left room for new versions of its few rows.
CREATE TABLE tallies (
    state TEXT COLLATE "C" NOT NULL,
    queue TEXT COLLATE "C" NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (state, queue)
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

CREATE TABLE settings (
    key TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE meta (
    key TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL
);

INSERT INTO meta (key, value) VALUES ('uuid', replace(CAST(gen_random_uuid() AS TEXT), '-', ''));
