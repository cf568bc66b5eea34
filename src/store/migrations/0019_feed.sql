-- One row an event. The order of storage becomes a table of its own, with one row for each archive object of a
-- transaction, and the events are clustered by their ids. See src/store/feed-rows.ts.

CREATE TABLE feed (
  first_seq INTEGER PRIMARY KEY,
  n INTEGER NOT NULL,            -- how many seqs belong to the row, from first_seq on
  batch TEXT NOT NULL,           -- the archive object that holds the raw elements of these events
  stored_at INTEGER NOT NULL,    -- ms since the epoch
  ids TEXT NOT NULL              -- JSON: the ids of the events in order of seq, null for one that is gone
);
CREATE INDEX feed_batch ON feed (batch);

-- A row for each stretch of consecutive seqs of one archive object.
INSERT INTO feed (first_seq, n, batch, stored_at, ids)
SELECT min(seq), count(*), batch, max(received_at), json_group_array(id ORDER BY seq)
FROM (
  SELECT seq, id, batch, received_at, sum(begins) OVER (ORDER BY seq) AS stretch
  FROM (
    SELECT seq, id, batch, received_at, seq % 1000 = 1 OR seq <> 1 + lag(seq, 1, -1) OVER (ORDER BY seq)
      OR batch <> lag(batch, 1, '') OVER (ORDER BY seq) AS begins
    FROM events))
GROUP BY stretch;

-- No seq is used twice, also if the last events were deleted.
INSERT INTO feed (first_seq, n, batch, stored_at, ids)
SELECT seq, 1, '', 0, '[null]' FROM sqlite_sequence
WHERE name = 'events' AND seq > coalesce((SELECT max(first_seq + n - 1) FROM feed), 0);

CREATE TABLE events_by_id (
  id TEXT PRIMARY KEY,
  seq INTEGER NOT NULL,          -- place in the feed, never used twice
  contact TEXT NOT NULL,
  at INTEGER NOT NULL,           -- ms since the epoch, by the provider
  received_at INTEGER NOT NULL,  -- ms since the epoch
  source TEXT NOT NULL,
  provider TEXT NOT NULL,
  type TEXT NOT NULL,
  bounce TEXT NOT NULL,          -- hard, soft or ''
  destination TEXT NOT NULL,     -- the receiving domain or the provider behind it (src/model/destination.ts)
  machine TEXT NOT NULL,         -- of opens and clicks: human or machine; '' where it is not told
  message_id TEXT,
  campaign TEXT,
  line INTEGER NOT NULL,         -- the line of the archive object that holds the raw element, ...
  element INTEGER NOT NULL,      -- and the element's index in that delivery
  details TEXT                   -- JSON: what else the provider told, without empty fields
) WITHOUT ROWID;
INSERT INTO events_by_id
SELECT id, seq, contact, at, received_at, source, provider, type, bounce, destination, machine, message_id, campaign,
  line, element, details
FROM events ORDER BY id;
DROP TABLE events;
ALTER TABLE events_by_id RENAME TO events;
DROP TABLE batches;

-- Up to which seq the counters have counted the feed. What lies behind is counted by whoever reads them.
CREATE TABLE counting (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  position INTEGER NOT NULL
);
INSERT INTO counting (one, position) SELECT 1, coalesce(max(first_seq + n - 1), 0) FROM feed;
ALTER TABLE sources DROP COLUMN mark;

PRAGMA optimize;
