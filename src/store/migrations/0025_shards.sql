-- Several databases (src/store/shards/). With one database none of these tables has a row.

-- Which of a deployment's databases this is, so that bindings that were swapped are noticed. One row, never changed.
CREATE TABLE shard (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  number INTEGER NOT NULL,       -- 0 is the home
  deployment TEXT NOT NULL       -- an id that all databases of a deployment share
);

-- Which contacts this database owns: those whose prefix p has lo <= p < hi. This decides about writes. A prefix is owned by
-- one database or, while it is frozen, by none.
CREATE TABLE owned (
  lo TEXT PRIMARY KEY,
  hi TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('owned', 'frozen', 'gone')),
  target INTEGER                 -- of a frozen range: the number of the database that takes it over
) WITHOUT ROWID;

-- Where each prefix lies. In the home alone, and only a hint: `owned` is the truth. One row.
CREATE TABLE shard_map (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  version INTEGER NOT NULL,      -- grows with each change
  shards INTEGER NOT NULL,       -- how many databases are in use
  ranges TEXT NOT NULL           -- JSON: [lo, number of the database] in order of lo; each range ends where the next begins
);
