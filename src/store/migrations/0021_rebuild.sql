-- The rebuilding of this database from the archive and the journal: one row, for the latest one (src/rebuild/).
CREATE TABLE rebuild (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id TEXT NOT NULL,
  asked_at INTEGER NOT NULL,      -- ms since the epoch, as all times here
  asked_by TEXT NOT NULL,         -- name of the token
  phase TEXT NOT NULL,            -- what is read at present
  cursor TEXT NOT NULL DEFAULT '', -- the last key of the bucket, or place, that the phase is done with
  tries INTEGER NOT NULL DEFAULT 0, -- how often work behind the cursor began and did not get further
  tallied TEXT NOT NULL DEFAULT '', -- up to this key the archive's repeats and pings are counted, now or by an earlier one
  objects INTEGER NOT NULL DEFAULT 0,
  deliveries INTEGER NOT NULL DEFAULT 0,
  events INTEGER NOT NULL DEFAULT 0,
  acts INTEGER NOT NULL DEFAULT 0,
  dead_letters INTEGER NOT NULL DEFAULT 0,
  pipes INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0,
  skipped_keys TEXT NOT NULL DEFAULT '[]', -- JSON: the first of them
  stopped_at INTEGER,
  finished_at INTEGER
);
