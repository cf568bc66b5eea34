-- Where in the feed the events of an archive object lie, so that history can be read anew object by object. A row per
-- object, not an index over events, which would be a row per event.
CREATE TABLE batches (
  batch TEXT PRIMARY KEY,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL
) WITHOUT ROWID;
