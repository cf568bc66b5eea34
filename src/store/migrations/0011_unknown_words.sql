-- Words of providers that their tables do not know: one row for each source, kind and word, at most some hundred of a source
-- (src/store/write/unknown-words.ts). The words contain no addresses.
CREATE TABLE unknown_words (
  source TEXT NOT NULL,
  kind TEXT NOT NULL,            -- type, reason, time or shape
  word TEXT NOT NULL,
  n INTEGER NOT NULL,            -- how many events were stored with it
  first_seen INTEGER NOT NULL,   -- when the first and the last of them were received, ms since the epoch
  last_seen INTEGER NOT NULL,
  event TEXT,                    -- the id of one of the latest; NULL after its contact was erased
  PRIMARY KEY (source, kind, word)
) WITHOUT ROWID;
