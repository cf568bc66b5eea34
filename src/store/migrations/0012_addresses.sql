-- How far the step has come that moves what is stored under former spellings of addresses to their keys of now
-- (src/history/respell.ts). One row; times in ms since the epoch.
CREATE TABLE respelling (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  started_at INTEGER,                    -- NULL until the first run
  pass INTEGER NOT NULL DEFAULT 1,       -- through the contacts: 1, 2, or 3 once both are done
  contact TEXT NOT NULL DEFAULT '',      -- the last contact that this pass has looked at
  seq INTEGER NOT NULL DEFAULT 0,        -- the last event that was looked at
  moved INTEGER NOT NULL DEFAULT 0,      -- contacts moved so far
  finished_at INTEGER
);
INSERT INTO respelling (id) VALUES (1);

-- Moves under way. A row goes with the last row of its contact.
CREATE TABLE respelled (
  contact TEXT PRIMARY KEY,
  version INTEGER NOT NULL DEFAULT 0     -- of the state that has moved: rows up to it may go
) WITHOUT ROWID;

-- Contacts and suppressions that may be under a former spelling, for they are not what a key usually is: so few that the
-- indexes cost nothing, and none of the others is read.
CREATE INDEX contacts_former ON contacts (contact)
WHERE length(contact) <> octet_length(contact) OR contact <> rtrim(contact, '.,;''"`')
  OR instr(contact, '"') > 0 OR instr(contact, ':') > 0 OR instr(contact, ';') > 0;
CREATE INDEX suppressions_former ON suppressions (contact)
WHERE length(contact) <> octet_length(contact) OR contact <> rtrim(contact, '.,;''"`')
  OR instr(contact, '"') > 0 OR instr(contact, ':') > 0 OR instr(contact, ';') > 0;

-- As before, except that a suppression which moves to another spelling is not told as lifted.
DROP TRIGGER suppression_was_none;
CREATE TRIGGER suppression_was_none AFTER DELETE ON suppressions
WHEN OLD.lifted_at IS NULL AND OLD.held IS NULL AND EXISTS (SELECT 1 FROM pipes)
  AND NOT EXISTS (SELECT 1 FROM erasures WHERE contact = OLD.contact)
  AND NOT EXISTS (SELECT 1 FROM respelled WHERE contact = OLD.contact)
BEGIN
  INSERT OR IGNORE INTO notices (id, type, at, told, contact, source, data)
  VALUES (OLD.event || '-withdrawn-' || OLD.reason || '-' || OLD.version,
    'contact.lifted', OLD.version,
    (SELECT max(OLD.version, coalesce(max(version), 0)) FROM contacts WHERE contact = OLD.contact),
    OLD.contact, OLD.source,
    json_object('reason', OLD.reason, 'scope', nullif(OLD.scope, ''), 'event', OLD.event, 'by', NULL,
      'note', 'its evidence is read differently now',
      'suppressed', json(iif((SELECT suppressed FROM contacts WHERE contact = OLD.contact) IS NULL, 'false', 'true'))));
END;
