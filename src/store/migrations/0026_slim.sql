-- Slim rows. What repeats from event to event is stored once, in event_kinds; the fields that SQL reads have columns of
-- their own, so that all others may be deflated (src/store/events/details.ts); a message leads to its contact's prefix.
-- `events` and `messages` become views, in which everything reads as before.

CREATE TABLE event_kinds (
  kind INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  provider TEXT NOT NULL,
  type TEXT NOT NULL,
  bounce TEXT NOT NULL,          -- hard, soft or ''
  reason TEXT NOT NULL,          -- of a bounce; '' where it is not told
  destination TEXT NOT NULL,     -- the mailbox provider (src/model/destination.ts)
  machine TEXT NOT NULL,         -- of opens and clicks: human or machine; '' where it is not told
  UNIQUE (source, type, destination, bounce, reason, machine, provider)
);
CREATE TABLE event_rows (
  id TEXT PRIMARY KEY,
  seq INTEGER NOT NULL,          -- place in the feed, never used twice
  kind INTEGER NOT NULL,         -- of event_kinds
  contact TEXT NOT NULL,
  at INTEGER NOT NULL,           -- ms since the epoch, by the provider
  received_at INTEGER NOT NULL,  -- ms since the epoch
  message_id TEXT,
  campaign TEXT,
  line INTEGER NOT NULL,         -- the line of the archive object that holds the raw element, ...
  element INTEGER NOT NULL,      -- and the element's index in that delivery
  custom_id TEXT,
  tags TEXT,                     -- JSON; NULL for none
  details TEXT                   -- what else the provider told: JSON without empty fields, or a BLOB of it, deflated
) WITHOUT ROWID;

INSERT INTO event_kinds (source, provider, type, bounce, reason, destination, machine)
SELECT DISTINCT source, provider, type, bounce, coalesce(details->>'reason', ''), destination, machine FROM events;
INSERT INTO event_rows (id, seq, kind, contact, at, received_at, message_id, campaign, line, element, custom_id, tags, details)
SELECT e.id, e.seq, k.kind, e.contact, e.at, e.received_at, e.message_id, e.campaign, e.line, e.element,
  e.details->>'custom_id', e.details->'tags',
  nullif(json_remove(e.details, '$.reason', '$.custom_id', '$.tags'), '{}')
FROM events AS e CROSS JOIN event_kinds AS k
  ON k.source = e.source AND k.type = e.type AND k.destination = e.destination AND k.bounce = e.bounce
    AND k.reason = coalesce(e.details->>'reason', '') AND k.machine = e.machine AND k.provider = e.provider
ORDER BY e.id;

CREATE TABLE message_rows (
  message_id TEXT NOT NULL,
  prefix TEXT NOT NULL,          -- of the contact's event ids
  kind INTEGER NOT NULL,         -- of its first event
  custom_id TEXT,                -- of its first event
  PRIMARY KEY (message_id, prefix)
) WITHOUT ROWID;
INSERT INTO message_rows (message_id, prefix, kind, custom_id)
SELECT message_id, prefix, kind, custom_id FROM (
  SELECT message_id, substr(id, 1, 8) AS prefix, kind, custom_id, min(seq) FROM event_rows
  WHERE message_id IS NOT NULL GROUP BY 1, 2)
ORDER BY 1, 2;
DROP INDEX messages_custom_id;
DROP TABLE messages;
DROP TABLE events;
CREATE INDEX messages_custom_id ON message_rows (custom_id) WHERE custom_id IS NOT NULL;

-- `details`: JSON, or the deflated form in hexadecimal digits; `details_size`: about how many characters its JSON has.
CREATE VIEW events AS
SELECT r.id, r.seq, r.contact, r.at, r.received_at, k.source, k.provider, k.type, k.bounce,
  nullif(k.reason, '') AS reason, k.destination, k.machine, r.message_id, r.campaign, r.line, r.element, r.custom_id, r.tags,
  iif(typeof(r.details) = 'blob', hex(r.details), r.details) AS details,
  iif(typeof(r.details) = 'blob', 64 * unicode(CAST(substr(r.details, 2, 1) AS TEXT)), coalesce(octet_length(r.details), 0))
    AS details_size
FROM event_rows AS r CROSS JOIN event_kinds AS k ON k.kind = r.kind;

CREATE VIEW messages AS
SELECT m.message_id, m.prefix, m.custom_id, k.source
FROM message_rows AS m CROSS JOIN event_kinds AS k ON k.kind = m.kind;

PRAGMA optimize;
