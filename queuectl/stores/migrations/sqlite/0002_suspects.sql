-- Whether the job runs alone in a worker until it has ended: it was one of several in one that died.
ALTER TABLE jobs ADD COLUMN alone INTEGER NOT NULL DEFAULT 0;
