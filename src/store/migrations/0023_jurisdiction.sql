-- In which jurisdiction the objects of this deployment were made (src/store/jurisdiction.ts). One row, written when the
-- first object is reached and never changed.
CREATE TABLE jurisdiction (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  jurisdiction TEXT NOT NULL,            -- 'none', 'eu' or 'fedramp'
  noted_at INTEGER NOT NULL              -- ms since the epoch; 0: objects existed before this table did
);

-- Objects that exist already were made without one, because there was no such setting.
INSERT INTO jurisdiction (one, jurisdiction, noted_at)
SELECT 1, 'none', 0
WHERE EXISTS (SELECT 1 FROM contacts) OR EXISTS (SELECT 1 FROM feed) OR EXISTS (SELECT 1 FROM sources)
  OR EXISTS (SELECT 1 FROM pipes);
