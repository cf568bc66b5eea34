-- A removal of a source's data has a third pass, which looks again at what was taken for repeats of removed reports
-- (src/history/repeats.ts). Times in ms since the epoch.
ALTER TABLE removals ADD COLUMN provider TEXT;       -- the source's; only its sources can repeat each other's reports
ALTER TABLE removals ADD COLUMN emptied_at INTEGER;  -- when the second pass was through; NULL before
