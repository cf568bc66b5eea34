-- When a suppression ends by itself, ms since the epoch; NULL if it does not. The index holds only those that will.
ALTER TABLE suppressions ADD COLUMN expires_at INTEGER;
CREATE INDEX suppressions_expiring ON suppressions (expires_at, contact)
WHERE expires_at IS NOT NULL AND lifted_at IS NULL;

-- Whole domains stand beside the addresses, as `@example.com`. They are few, so that looking for the domains of a
-- thousand addresses here costs next to nothing, and none of the addresses' rows is written to it.
CREATE INDEX suppressions_domain ON suppressions (contact, reason, scope, event) WHERE contact >= '@' AND contact < 'A';

-- Decisions in bulk. The contacts are noted before the decision reaches them, so that it can be taken back.
CREATE TABLE bulk_decisions (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,            -- lift, release or drop
  filter TEXT NOT NULL,          -- JSON, as it was asked for
  by TEXT NOT NULL,              -- the name of the token
  note TEXT,
  at INTEGER NOT NULL,           -- ms since the epoch
  undone_at INTEGER,             -- ms since the epoch, when taking it back began
  undone_by TEXT
) WITHOUT ROWID;
CREATE TABLE bulk_decided (
  id TEXT NOT NULL,
  contact TEXT NOT NULL,
  PRIMARY KEY (id, contact)
) WITHOUT ROWID;
-- For erasures.
CREATE INDEX bulk_decided_contact ON bulk_decided (contact);

-- A lift or a drop was taken back, or its evidence is read differently now.
CREATE TRIGGER suppression_is_restored AFTER UPDATE OF lifted_at ON suppressions
WHEN OLD.lifted_at IS NOT NULL AND NEW.lifted_at IS NULL AND NEW.held IS NULL AND EXISTS (SELECT 1 FROM pipes)
BEGIN
  INSERT OR IGNORE INTO notices (id, type, at, told, contact, source, data)
  VALUES (NEW.event || '-suppressed-' || NEW.reason || '-' || NEW.version,
    'contact.suppressed', NEW.at, NEW.version, NEW.contact, NEW.source,
    json_object('reason', NEW.reason, 'scope', nullif(NEW.scope, ''), 'event', NEW.event, 'by', NEW.by, 'note', NEW.note,
      'suppressed', json(iif((SELECT suppressed FROM contacts WHERE contact = NEW.contact) IS NULL, 'false', 'true'))));
END;

-- It was in force, and turned out to rest on a storm.
CREATE TRIGGER suppression_is_held AFTER UPDATE OF held ON suppressions
WHEN OLD.held IS NULL AND NEW.held IS NOT NULL AND OLD.lifted_at IS NULL AND EXISTS (SELECT 1 FROM pipes)
BEGIN
  INSERT OR IGNORE INTO notices (id, type, at, told, contact, source, data)
  VALUES (NEW.event || '-lifted-' || NEW.reason || '-' || NEW.version,
    'contact.lifted', NEW.version, NEW.version, NEW.contact, NEW.source,
    json_object('reason', NEW.reason, 'scope', nullif(NEW.scope, ''), 'event', NEW.event, 'by', NULL, 'note', NEW.held,
      'suppressed', json(iif((SELECT suppressed FROM contacts WHERE contact = NEW.contact) IS NULL, 'false', 'true'))));
END;
