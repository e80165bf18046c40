-- Whether the job runs alone in a worker until it has ended: it was one of several in one that died.
ALTER TABLE jobs ADD COLUMN alone INTEGER NOT NULL DEFAULT 0;

-- Whether others took the supervisor for dead and have its jobs: nothing that it says counts any more.
ALTER TABLE supervisors ADD COLUMN fenced INTEGER NOT NULL DEFAULT 0;
