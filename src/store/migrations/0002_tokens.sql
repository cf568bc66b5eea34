-- Tokens of /v1 by the SHA-256 of what their holders show. Those of the configuration have a row for their last use alone.
CREATE TABLE tokens (
  sha256 TEXT PRIMARY KEY,       -- hexadecimal
  name TEXT NOT NULL,
  scopes TEXT,                   -- comma-separated; NULL where the configuration says them
  created_at INTEGER NOT NULL,   -- ms since the epoch
  created_by TEXT,               -- the name of the token that made it
  last_used_at INTEGER           -- ms since the epoch, to within five minutes
) WITHOUT ROWID;
CREATE UNIQUE INDEX tokens_name ON tokens (name) WHERE scopes IS NOT NULL;
