-- Requests to erase a contact, and what became of them. The address stands here only while the work goes on.
CREATE TABLE erasures (
  id TEXT PRIMARY KEY,
  contact TEXT,                  -- NULL with the last step
  prefix TEXT,                   -- of the contact's event ids; NULL likewise
  hash TEXT,                     -- keyed hash of the address (src/store/erased.ts); NULL when nobody needs it any more
  note TEXT,                     -- whoever asked's own reference
  asked_at INTEGER NOT NULL,     -- ms since the epoch
  asked_by TEXT NOT NULL,        -- name of the token
  tombstone TEXT NOT NULL,       -- the id of the one that the contact's object gets, ...
  begun INTEGER NOT NULL DEFAULT 0, -- and whether it stands and the rows went
  erased_at INTEGER,             -- what was received until then goes; NULL until the contact's object has said when
  version INTEGER,               -- the contact's state up to this version goes
  pass INTEGER NOT NULL DEFAULT 1,
  cursor TEXT NOT NULL DEFAULT '', -- last key of the bucket that this pass has looked at
  events INTEGER NOT NULL DEFAULT 0,
  messages INTEGER NOT NULL DEFAULT 0,
  contacts INTEGER NOT NULL DEFAULT 0,
  suppressions INTEGER NOT NULL DEFAULT 0,
  claims INTEGER NOT NULL DEFAULT 0,
  dead_letters INTEGER NOT NULL DEFAULT 0,
  looked_at INTEGER NOT NULL DEFAULT 0,
  rewritten INTEGER NOT NULL DEFAULT 0,
  elements INTEGER NOT NULL DEFAULT 0,
  kept_reason TEXT,
  kept_since INTEGER,
  finished_at INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX erasures_contact ON erasures (contact) WHERE contact IS NOT NULL;
CREATE INDEX erasures_hash ON erasures (hash) WHERE hash IS NOT NULL;

-- Suppressions of contacts that were erased: all that is left of them, and nobody's address without the key.
CREATE TABLE erased (
  hash TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  since INTEGER NOT NULL         -- ms since the epoch
) WITHOUT ROWID;
