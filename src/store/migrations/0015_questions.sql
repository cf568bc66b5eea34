-- Where in the feed the events of a cell lie, so that those of a campaign are found without an index: its rows are
-- written anyway. NULL where it is not known: cells from before, and those that were corrected since.
ALTER TABLE campaign_rollups ADD COLUMN first_seq INTEGER;
ALTER TABLE campaign_rollups ADD COLUMN last_seq INTEGER;

-- The order in which the states of contacts were stored: ms since the epoch by the database's own clock, but always later
-- than the change before. 0 for states from before.
ALTER TABLE contacts ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX contacts_changed ON contacts (changed, contact);

-- The latest change of a contact that was deleted, so that the order goes on behind it.
CREATE TABLE change_clock (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  changed INTEGER NOT NULL
);
INSERT INTO change_clock (one, changed) VALUES (1, 0);
CREATE TRIGGER contact_is_gone AFTER DELETE ON contacts
WHEN OLD.changed > (SELECT changed FROM change_clock)
BEGIN
  UPDATE change_clock SET changed = OLD.changed;
END;
