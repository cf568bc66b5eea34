-- Every index is a billed row per write, so each table has only the order that its readers need. See src/store/.

-- The stored feed. seq is the order of storage and never used twice; id begins with the contact's prefix and the time,
-- so its unique index is idempotency, look-up and timeline in one (src/model/id.ts).
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
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
  batch TEXT NOT NULL,           -- the archive object that holds the raw element, ...
  line INTEGER NOT NULL,         -- its line there, ...
  element INTEGER NOT NULL,      -- and the element's index in that delivery
  details TEXT                   -- JSON: what else the provider told, without empty fields
);

-- From a message or custom id to its contact, and so to its events. Written once per message.
CREATE TABLE messages (
  message_id TEXT NOT NULL,
  contact TEXT NOT NULL,
  custom_id TEXT,
  source TEXT NOT NULL,
  PRIMARY KEY (message_id, contact)
) WITHOUT ROWID;
CREATE INDEX messages_custom_id ON messages (custom_id) WHERE custom_id IS NOT NULL;

-- Contacts whose state ever changed; a row is replaced only by a later version of the same contact.
CREATE TABLE contacts (
  contact TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  suppressed TEXT,               -- the strongest reason in force for all mail, or NULL
  since INTEGER                  -- when that reason's evidence happened
) WITHOUT ROWID;

-- Every suppression there ever was, in force while lifted_at and held are NULL. Rows belong to a version of their contact.
CREATE TABLE suppressions (
  contact TEXT NOT NULL,
  reason TEXT NOT NULL,
  scope TEXT NOT NULL,           -- '' for all mail, else the one list or stream, <provider>:<list>
  event TEXT NOT NULL,           -- the evidence: an event, or an act by hand
  source TEXT NOT NULL,
  destination TEXT NOT NULL,     -- as in events
  at INTEGER NOT NULL,           -- when the evidence happened, ms since the epoch
  by TEXT,                       -- the name of the token, where it was entered by hand
  note TEXT,
  lifted_at INTEGER,
  lifted_by TEXT,                -- the event, or the name of the token
  lift_note TEXT,
  held TEXT,                     -- why it is held back: the storm in words
  version INTEGER NOT NULL,
  PRIMARY KEY (contact, reason, scope, event)
) WITHOUT ROWID;
-- The list in order of time: one more row for each new suppression, and none when one is lifted.
CREATE INDEX suppressions_at ON suppressions (at, contact, reason, scope, event);
CREATE INDEX suppressions_held ON suppressions (at, contact, reason, scope, event) WHERE held IS NOT NULL;

-- Exact counters. n: the events counted; gone: those of them whose rows were removed since, so that n - gone is what a
-- recount of the rows gives. Slots are the starts of five minutes or of a UTC day, ms since the epoch; machine is '' of
-- all but opens and clicks. See src/store/count.ts.
CREATE TABLE rollups (
  bucket INTEGER NOT NULL,
  source TEXT NOT NULL,
  type TEXT NOT NULL,
  bounce TEXT NOT NULL,          -- hard, soft or ''
  machine TEXT NOT NULL,         -- human, machine or ''
  destination TEXT NOT NULL,
  n INTEGER NOT NULL,
  gone INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (bucket, source, type, bounce, machine, destination)
) WITHOUT ROWID;

-- The same by day, so that a month is some thousand rows to read and not some hundred thousand.
CREATE TABLE day_rollups (
  day INTEGER NOT NULL,
  source TEXT NOT NULL,
  type TEXT NOT NULL,
  bounce TEXT NOT NULL,
  machine TEXT NOT NULL,
  destination TEXT NOT NULL,
  n INTEGER NOT NULL,
  gone INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (day, source, type, bounce, machine, destination)
) WITHOUT ROWID;

-- By day and campaign ('' where there is none). uniques: contacts whose first open (click) of the campaign lies here;
-- unique_humans: whose first one that is not told to be a machine's does.
CREATE TABLE campaign_rollups (
  day INTEGER NOT NULL,
  campaign TEXT NOT NULL,
  source TEXT NOT NULL,
  type TEXT NOT NULL,
  bounce TEXT NOT NULL,
  machine TEXT NOT NULL,
  n INTEGER NOT NULL,
  gone INTEGER NOT NULL DEFAULT 0,
  uniques INTEGER NOT NULL DEFAULT 0,
  unique_humans INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (day, campaign, source, type, bounce, machine)
) WITHOUT ROWID;
-- One campaign over all time, and when it began. Written with a new cell only, not when one is counted up.
CREATE INDEX campaign_rollups_campaign ON campaign_rollups (campaign, day);

-- Health of each source. The counts are exact: events with the rows, the others once per envelope (see tallies).
CREATE TABLE sources (
  source TEXT PRIMARY KEY,
  provider TEXT NOT NULL,
  last_received_at INTEGER NOT NULL,
  last_event_at INTEGER,
  last_ping_at INTEGER,
  lag_ms INTEGER NOT NULL,       -- from receipt to storage, of the last slice
  events INTEGER NOT NULL DEFAULT 0,
  duplicates INTEGER NOT NULL DEFAULT 0,
  pings INTEGER NOT NULL DEFAULT 0,
  outside INTEGER NOT NULL DEFAULT 0,
  mark INTEGER NOT NULL          -- the feed's end before the last slice that spoke of this source
) WITHOUT ROWID;

-- Envelopes with something to count beside their rows; the key makes a redelivered envelope count once.
CREATE TABLE tallies (
  envelope TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  duplicates INTEGER NOT NULL,
  pings INTEGER NOT NULL,
  outside INTEGER NOT NULL       -- 1 where the sender's address was outside of an observed list
) WITHOUT ROWID;

-- What was authenticated and could not become an event. The whole envelope lies in the bucket under dead-letters/.
CREATE TABLE dead_letters (
  id TEXT PRIMARY KEY,           -- <envelope>.<element>, or the envelope alone where it is the whole of it
  envelope TEXT NOT NULL,
  element INTEGER,               -- which of the envelope's rejects
  source TEXT NOT NULL,
  provider TEXT NOT NULL,
  reason TEXT NOT NULL,
  raw TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  replayed_at INTEGER
) WITHOUT ROWID;

PRAGMA optimize;
