-- Imported suppressions that the contact's object does not know yet. They are in force from the moment of the import; the
-- job `imports` tells the objects. So an import of a hundred thousand rows need not wait for as many objects.
ALTER TABLE suppressions ADD COLUMN pending INTEGER; -- 1 until the object knows it, else null
CREATE INDEX suppressions_pending ON suppressions (version, contact) WHERE pending IS NOT NULL;
