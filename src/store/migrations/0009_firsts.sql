-- The earliest open and click of each campaign, for contacts with so many events that they cannot be read each time one more
-- is counted (src/store/write/firsts.ts). All that is here follows from the events. A row with an empty campaign and type
-- says that the contact is one of these.
CREATE TABLE contact_firsts (
  contact TEXT NOT NULL,
  campaign TEXT NOT NULL,
  type TEXT NOT NULL,
  any_id TEXT NOT NULL,          -- of the earliest event ...
  human_id TEXT,                 -- ... and of the earliest that is not told to be a machine's; NULL where there is none
  PRIMARY KEY (contact, campaign, type)
) WITHOUT ROWID;
