-- What became of each scheduled job (src/jobs/): one row a job. Written when its fortune changes, and else every ten minutes
-- at most, for a job runs every minute. All times are ms since the epoch.
CREATE TABLE jobs (
  name TEXT PRIMARY KEY,
  since INTEGER NOT NULL,        -- when it was first heard of
  succeeded_at INTEGER,          -- its last success, to within ten minutes ...
  success_ms INTEGER,            -- ... and how long that took
  failing_since INTEGER,         -- the first failure since its last success; NULL while it succeeds
  failed_at INTEGER,             -- its last failure ...
  failure_ms INTEGER,
  reason TEXT                    -- ... and why, without addresses and secrets
) WITHOUT ROWID;

-- Since when jobs ought to run at all: this row is no job, and tells one that never ran from one that has not run yet.
INSERT INTO jobs (name, since) VALUES ('', CAST(unixepoch('subsec') * 1000 AS INTEGER));
