-- What the scheduled look at the database's size has seen (src/store/storage/fill.ts). One row.
CREATE TABLE storage (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  looked_at INTEGER NOT NULL,           -- ms since the epoch
  events INTEGER NOT NULL,              -- how many events were stored then
  mark_size INTEGER NOT NULL,           -- bytes, when nothing in the file was known to be free ...
  mark_events INTEGER,                  -- ... and the events stored then; NULL until the file has grown for the first time
  told_on INTEGER NOT NULL DEFAULT 0,   -- the UTC day on which the level was last logged, ms since the epoch ...
  told INTEGER NOT NULL DEFAULT 0       -- ... and the highest threshold that was logged on it, percent
);
