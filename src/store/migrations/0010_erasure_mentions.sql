-- An erasure also walks through the database: the rows of others and the counters' names may mention the address.
ALTER TABLE erasures ADD COLUMN rows_cursor TEXT NOT NULL DEFAULT ''; -- how far this pass has come in the database
ALTER TABLE erasures ADD COLUMN mentions INTEGER NOT NULL DEFAULT 0;  -- rows of others in which the address was replaced
ALTER TABLE erasures ADD COLUMN names INTEGER NOT NULL DEFAULT 0;     -- campaigns and tags that were renamed

-- Objects of the bucket that could not be read: passed over, so that they hold up nobody.
ALTER TABLE erasures ADD COLUMN unreadable INTEGER NOT NULL DEFAULT 0;
ALTER TABLE erasures ADD COLUMN unreadable_keys TEXT NOT NULL DEFAULT '[]'; -- JSON: the first of their keys
ALTER TABLE erasures ADD COLUMN stuck_key TEXT;                       -- the one at which the walk waits, ...
ALTER TABLE erasures ADD COLUMN stuck_since INTEGER;                  -- since when, ms since the epoch, ...
ALTER TABLE erasures ADD COLUMN stuck_tries INTEGER NOT NULL DEFAULT 0; -- and how often it was tried
