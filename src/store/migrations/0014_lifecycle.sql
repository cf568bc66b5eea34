-- Requests to remove all data of a source, and how far the work has come (src/erasure/source/). Times in ms since the epoch.
CREATE TABLE removals (
  id TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  until INTEGER NOT NULL,        -- what was received until then goes; a repeated request moves it
  asked_at INTEGER NOT NULL,
  asked_by TEXT NOT NULL,        -- the name of the token
  pass INTEGER NOT NULL DEFAULT 1,
  phase TEXT NOT NULL DEFAULT 'events', -- the step that is next, ...
  cursor TEXT NOT NULL DEFAULT '',      -- ... and where it continues
  seen INTEGER NOT NULL DEFAULT 0,      -- the last event that the first pass has looked at, by seq
  events INTEGER NOT NULL DEFAULT 0,    -- what was removed so far
  messages INTEGER NOT NULL DEFAULT 0,
  contacts INTEGER NOT NULL DEFAULT 0,
  suppressions INTEGER NOT NULL DEFAULT 0,
  dead_letters INTEGER NOT NULL DEFAULT 0,
  deliveries INTEGER NOT NULL DEFAULT 0,
  objects INTEGER NOT NULL DEFAULT 0,    -- objects of the archive that were rewritten or deleted
  unreadable INTEGER NOT NULL DEFAULT 0, -- those that nobody can read, which stay
  finished_at INTEGER            -- NULL while it runs
) WITHOUT ROWID;
CREATE UNIQUE INDEX removals_running ON removals (source) WHERE finished_at IS NULL;

-- A token may be limited to sources, and end by itself.
ALTER TABLE tokens ADD COLUMN sources TEXT;        -- JSON: their names; NULL for all
ALTER TABLE tokens ADD COLUMN expires_at INTEGER;  -- ms since the epoch; NULL if it does not end

-- How often a dead letter was sent through again. replayed_at stays when that fails.
ALTER TABLE dead_letters ADD COLUMN replays INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dead_letters ADD COLUMN failed_at INTEGER; -- when the last replay failed, ms; NULL if none did

-- From where an observed source's requests came that are not in its list: at most some hundred networks of each.
CREATE TABLE outside_networks (
  source TEXT NOT NULL,
  network TEXT NOT NULL,         -- /24 of IPv4, /48 of IPv6
  n INTEGER NOT NULL,            -- requests
  first_seen INTEGER NOT NULL,   -- ms since the epoch
  last_seen INTEGER NOT NULL,
  PRIMARY KEY (source, network)
) WITHOUT ROWID;
