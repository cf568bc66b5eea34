-- Destinations to which events are passed on. How far each has come is its own object's business (src/pipes/pipe.ts).
CREATE TABLE pipes (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  settings TEXT NOT NULL,        -- JSON, without the secret ones
  secrets TEXT,                  -- JSON of the secret ones, sealed (src/pipes/sealed.ts); NULL where there are none
  filter TEXT,                   -- NULL passes everything
  options TEXT NOT NULL,         -- JSON: batching, concurrency, rate, order, log
  start TEXT NOT NULL,           -- JSON: where in the feeds it begins
  paused TEXT,                   -- why; NULL while it runs
  paused_at INTEGER,             -- ms since the epoch
  revision INTEGER NOT NULL,     -- of what a person set: a change is made to the revision that was read
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) WITHOUT ROWID;

-- What happens beside the events, for pipes alone: contact.suppressed, contact.lifted, contact.erased, pipe.paused. A feed
-- of its own, whose ids begin with the contact's prefix as events' ids do; only written while there is any pipe.
CREATE TABLE notices (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  at INTEGER NOT NULL,           -- ms since the epoch
  contact TEXT,
  source TEXT,
  data TEXT NOT NULL             -- JSON
);

-- The log of deliveries: what failed, and a sample of what did not.
CREATE TABLE attempts (
  id TEXT PRIMARY KEY,           -- <pipe>.<time and chance>: a pipe's attempts lie together in order of time
  event TEXT,                    -- NULL where several went together: then see events
  events TEXT NOT NULL,          -- JSON: their ids, at most a hundred
  n INTEGER NOT NULL,            -- how many they were
  at INTEGER NOT NULL,           -- ms since the epoch
  outcome TEXT NOT NULL,
  status INTEGER,                -- the response's
  took INTEGER NOT NULL,         -- ms
  try INTEGER NOT NULL,          -- of this event, from 1
  reason TEXT,
  excerpt TEXT                   -- of the response
) WITHOUT ROWID;
CREATE INDEX attempts_event ON attempts (event) WHERE event IS NOT NULL;
