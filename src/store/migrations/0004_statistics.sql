-- Counters by tag, of events that have tags. An event counts once for each of its tags.
CREATE TABLE tag_rollups (
  day INTEGER NOT NULL,          -- start of the UTC day, ms since the epoch
  tag TEXT NOT NULL,
  source TEXT NOT NULL,
  type TEXT NOT NULL,
  bounce TEXT NOT NULL,          -- hard, soft or ''
  machine TEXT NOT NULL,         -- human, machine or ''
  n INTEGER NOT NULL,
  gone INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (day, tag, source, type, bounce, machine)
) WITHOUT ROWID;
CREATE INDEX tag_rollups_tag ON tag_rollups (tag, day);

-- The one recount that is under way, or was last: how far its walk of the feed has come.
CREATE TABLE recounts (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id TEXT NOT NULL,
  since INTEGER NOT NULL,        -- the days that it counts, ms since the epoch
  until INTEGER NOT NULL,
  position INTEGER NOT NULL,     -- the last seq that it has counted
  gone INTEGER NOT NULL          -- removed rows of these days when it began
);

-- What it has counted so far.
CREATE TABLE recount_cells (
  kind TEXT NOT NULL,            -- time, campaign or tag
  slot INTEGER NOT NULL,         -- start of the five minutes or of the day
  label TEXT NOT NULL,           -- destination, campaign or tag
  source TEXT NOT NULL,
  type TEXT NOT NULL,
  bounce TEXT NOT NULL,
  machine TEXT NOT NULL,
  n INTEGER NOT NULL,
  uniques INTEGER NOT NULL DEFAULT 0,
  unique_humans INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (kind, slot, label, source, type, bounce, machine)
) WITHOUT ROWID;
