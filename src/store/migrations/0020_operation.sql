-- When each credential of a source last proved a request, to within an hour (src/store/credentials.ts). A person who
-- replaces one sees by it when the old one may go.
CREATE TABLE source_credentials (
  source TEXT NOT NULL,
  credential TEXT NOT NULL,      -- its fingerprint: the first 8 hexadecimal digits of its SHA-256
  last_used_at INTEGER NOT NULL, -- ms since the epoch
  PRIMARY KEY (source, credential)
) WITHOUT ROWID;

-- System events stay as long as the log of deliveries, so that those which a destination refused can be passed on again.
-- Those that name an erased contact go as soon as every pipe has them, and this index finds them among the others.
CREATE INDEX notices_erased ON notices (seq) WHERE type = 'contact.erased';
