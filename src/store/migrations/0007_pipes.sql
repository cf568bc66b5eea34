-- Destinations to which events are passed on. How far each has come is its own object's business (src/pipes/pipe.ts).
CREATE TABLE pipes (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  settings TEXT NOT NULL,        -- JSON, without the secret ones
  secrets TEXT,                  -- JSON of the secret ones, sealed (src/pipes/sealed.ts); NULL where there are none
  filter TEXT,                   -- NULL passes everything
  options TEXT NOT NULL,         -- JSON: batching, concurrency, rate, order, log
  start TEXT NOT NULL,           -- JSON: where in the feeds it begins
  paused TEXT,                   -- why; NULL while it runs
  paused_at INTEGER,             -- ms since the epoch
  revision INTEGER NOT NULL,     -- of what a person set: a change is made to the revision that was read
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  deleted_at INTEGER             -- ms since the epoch; the row goes once its object and its log are gone
) WITHOUT ROWID;

-- What happens beside the events, for pipes alone: contact.suppressed, contact.lifted, contact.erased, pipe.paused. A feed
-- of its own. The first two are told by the suppressions' table itself, so that none is missed, and only while there is
-- any pipe to tell; `suppressed` says whether the contact is, for all mail, after it. The last row is never deleted but emptied, so that no seq comes again: AUTOINCREMENT would write a row
-- of its own with each statement that might fire a trigger.
CREATE TABLE notices (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  at INTEGER NOT NULL,           -- ms since the epoch: when it happened, be it long ago
  told INTEGER NOT NULL,         -- ms since the epoch: when it became known, which is what its age counts from
  contact TEXT,
  source TEXT,
  data TEXT NOT NULL             -- JSON
);
CREATE INDEX notices_contact ON notices (contact) WHERE contact IS NOT NULL;

CREATE TRIGGER suppression_begins AFTER INSERT ON suppressions
WHEN NEW.lifted_at IS NULL AND NEW.held IS NULL AND EXISTS (SELECT 1 FROM pipes)
BEGIN
  INSERT OR IGNORE INTO notices (id, type, at, told, contact, source, data)
  VALUES (NEW.event || '-suppressed-' || NEW.reason || '-' || NEW.version,
    'contact.suppressed', NEW.at, NEW.version, NEW.contact, NEW.source,
    json_object('reason', NEW.reason, 'scope', nullif(NEW.scope, ''), 'event', NEW.event, 'by', NEW.by, 'note', NEW.note,
      'suppressed', json(iif((SELECT suppressed FROM contacts WHERE contact = NEW.contact) IS NULL, 'false', 'true'))));
END;

-- Held back until now.
CREATE TRIGGER suppression_is_released AFTER UPDATE OF held ON suppressions
WHEN OLD.held IS NOT NULL AND NEW.held IS NULL AND NEW.lifted_at IS NULL AND EXISTS (SELECT 1 FROM pipes)
BEGIN
  INSERT OR IGNORE INTO notices (id, type, at, told, contact, source, data)
  VALUES (NEW.event || '-suppressed-' || NEW.reason || '-' || NEW.version,
    'contact.suppressed', NEW.at, NEW.version, NEW.contact, NEW.source,
    json_object('reason', NEW.reason, 'scope', nullif(NEW.scope, ''), 'event', NEW.event, 'by', NEW.by, 'note', NEW.note,
      'suppressed', json(iif((SELECT suppressed FROM contacts WHERE contact = NEW.contact) IS NULL, 'false', 'true'))));
END;

CREATE TRIGGER suppression_ends AFTER UPDATE OF lifted_at ON suppressions
WHEN OLD.lifted_at IS NULL AND OLD.held IS NULL AND NEW.lifted_at IS NOT NULL AND EXISTS (SELECT 1 FROM pipes)
BEGIN
  INSERT OR IGNORE INTO notices (id, type, at, told, contact, source, data)
  VALUES (NEW.event || '-lifted-' || NEW.reason || '-' || NEW.version,
    'contact.lifted', NEW.lifted_at, NEW.version, NEW.contact, NEW.source,
    json_object('reason', NEW.reason, 'scope', nullif(NEW.scope, ''), 'event', NEW.event, 'by', NEW.lifted_by,
      'note', NEW.lift_note,
      'suppressed', json(iif((SELECT suppressed FROM contacts WHERE contact = NEW.contact) IS NULL, 'false', 'true'))));
END;

-- A mistake: history was read anew. What an erasure takes is told as that.
CREATE TRIGGER suppression_was_none AFTER DELETE ON suppressions
WHEN OLD.lifted_at IS NULL AND OLD.held IS NULL AND EXISTS (SELECT 1 FROM pipes)
  AND NOT EXISTS (SELECT 1 FROM erasures WHERE contact = OLD.contact)
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

-- The log of deliveries: what failed, and a sample of what did not.
CREATE TABLE attempts (
  id TEXT PRIMARY KEY,           -- <pipe>.<time and chance>: a pipe's attempts lie together in order of time
  event TEXT,                    -- NULL where several went together: then see events
  events TEXT NOT NULL,          -- JSON: their ids
  n INTEGER NOT NULL,            -- how many they were
  at INTEGER NOT NULL,           -- ms since the epoch
  outcome TEXT NOT NULL,
  status INTEGER,                -- the response's
  took INTEGER NOT NULL,         -- ms
  try INTEGER NOT NULL,          -- of this event, from 1
  reason TEXT,
  excerpt TEXT                   -- of the response
) WITHOUT ROWID;
CREATE INDEX attempts_event ON attempts (event) WHERE event IS NOT NULL;
-- These are few: of what goes in batches, a sample is kept. So an event is looked for in each of them.
CREATE INDEX attempts_batch ON attempts (id) WHERE event IS NULL;
